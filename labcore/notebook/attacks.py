"""What Eve does, move by move. This text is shipped whole: nothing but what is loaded in every actor anyway."""

import _signal
import _socket
import os

from labcore import launcher, syscalls


def shared_memory():
    """The IDs of all segments here — proc(5), /proc/sysvipc."""
    with open("/proc/sysvipc/shm") as file:
        return [int(line.split()[1]) for line in file.readlines()[1:]]


def end_process(words):
    """Find a process by its command line, and kill it."""
    for number in os.listdir("/proc"):
        try:
            with open(f"/proc/{int(number)}/cmdline", "rb") as file:
                found = file.read() == words
        except (OSError, ValueError):
            continue
        if found:
            os.kill(int(number), _signal.SIGKILL)
            return True
    return False


def take_port(number):
    """Listen on a port, 0 for any: (the descriptor, the port)."""
    sock = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    sock.bind(("127.0.0.1", number))
    sock.listen(1)
    port = sock.getsockname()[1]
    return sock.detach(), port


def make_shop(path):
    """Alice's directory, with a file that only she may read."""
    os.mkdir(path, 0o755)
    with open(os.open(f"{path}/ledger", os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write("17 loaves")


def close_shop(path):
    """Remove it again, and what was mounted over it."""
    while True:
        try:
            syscalls.umount(path, syscalls.MNT_DETACH)
        except OSError:
            break
    for name in os.listdir(path):
        os.unlink(f"{path}/{name}")
    os.rmdir(path)


def cover(path):
    """Mount an empty file system over a directory."""
    syscalls.mount("eve", path, "tmpfs", 0, "size=4k")
    return True


def uncover(path):
    """Take it away again, where it is still to be seen."""
    try:
        syscalls.umount(path)
    except OSError:
        pass


def read(path):
    """The text of a file."""
    with open(path) as file:
        return file.read()


def fill_memory(count):
    """Use so many bytes, a page at a time, and let go."""
    held = bytearray(count)
    for at in range(0, count, 4096):
        held[at] = 1
    return len(held)


def fill_process_table(count):
    """Have so many children at once; all end before this returns."""
    children = []
    try:
        while len(children) < count:
            children.append(launcher.fork(lambda _: _signal.pause(), None))
        return len(children)
    finally:
        for child in children:
            os.kill(child, _signal.SIGKILL)
            os.waitpid(child, 0)


def use_root_power(path):
    """Mount something, which only root's CAP_SYS_ADMIN allows, out of everybody's sight."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("eve", path, "tmpfs", 0, "size=4k")
    return True


def enter_cgroup(directories):
    """Move into a cgroup, in every hierarchy — cgroups(7)."""
    for directory in directories:
        name = "tasks" if os.path.exists(f"{directory}/tasks") else "cgroup.procs"
        with open(f"{directory}/{name}", "w") as file:
            file.write("0")
