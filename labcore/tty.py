"""Terminals: a pair of ends, one for the container, one for whoever types. (notebook 14)"""

import _socket
import fcntl
import os
import stat

from . import errors, inroot, syscalls
from .step import Descriptor, handle, host, inside

_TIOCSPTLCK, _TIOCGPTPEER, _TIOCSCTTY, _TIOCSWINSZ, _TIOCGWINSZ = 0x40045431, 0x5441, 0x540E, 0x5414, 0x5413


def open(rootfs, size):
    """Open a new terminal of the container's own devpts, both ends — pty(7)."""
    if rootfs is None:  # exec: the process is inside already
        rootfs = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    master = inroot.open(rootfs, "/dev/pts/ptmx", os.O_RDWR | os.O_NOCTTY, syscalls.RESOLVE_NO_SYMLINKS)
    if os.fstat(master).st_rdev != os.makedev(5, 2) or not stat.S_ISCHR(os.fstat(master).st_mode):
        raise errors.SpecError("process.terminal: /dev/pts/ptmx in the root file system is not a terminal multiplexer",
                               "mount a devpts at /dev/pts")  # fmt: skip
    fcntl.ioctl(master, _TIOCSPTLCK, bytes(4))
    peer = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)  # no path is walked
    if size:
        set_size(master, size["height"], size["width"])
    return {"terminal": Descriptor(peer), "master": Descriptor(master)}


def set_size(fd, rows, columns):
    """Tell the terminal how large its window is — ioctl_tty(2)."""
    fcntl.ioctl(fd, _TIOCSWINSZ, b"".join(n.to_bytes(2, "little") for n in (rows, columns, 0, 0)))


def get_size(fd):
    """(rows, columns) of a terminal — ioctl_tty(2)."""
    raw = fcntl.ioctl(fd, _TIOCGWINSZ, bytes(8))
    return int.from_bytes(raw[:2], "little"), int.from_bytes(raw[2:4], "little")


def make_console(rootfs, terminal):
    """Show the container's end as /dev/console — open_tree(2), move_mount(2)."""
    parent, name = inroot.open_parent(rootfs, "/dev/console")
    try:
        try:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY | os.O_CLOEXEC, 0o600,
                             dir_fd=parent))  # fmt: skip
        except FileExistsError:
            pass
        target = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    finally:
        os.close(parent)
    try:
        if stat.S_ISLNK(os.fstat(target).st_mode):
            raise errors.SpecError("process.terminal: /dev/console is a symbolic link in the root file system")
        tree = syscalls.open_tree(terminal, "", syscalls.OPEN_TREE_CLONE | syscalls.AT_EMPTY_PATH)
        try:
            syscalls.move_mount(tree, target)
        finally:
            os.close(tree)
    finally:
        os.close(target)


def take(terminal):
    """Make it the controlling terminal and standard input, output and error — ioctl_tty(2), dup2(2)."""
    fcntl.ioctl(terminal, _TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(terminal, fd)


def send(master, socket_path):
    """Hand the other end to whoever listens on the console socket — unix(7), SCM_RIGHTS."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        sock.connect(socket_path)
        sock.sendmsg([b"/dev/ptmx"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, master.to_bytes(4, "little"))])
    except OSError as error:
        raise errors.LabError(f"console socket {socket_path}: {error.strerror}") from None
    finally:
        sock.close()
    os.close(master)  # when it could not be sent, whoever walks lets go of it
    return {"master": None}


def hold(master):
    """Keep the other end for whoever types here — pty(7)."""
    return {"master": master}


def plan(spec):
    """The container's side of a terminal."""
    if spec["process"]["terminal"]:
        yield inside(open, rootfs=handle("rootfs"), size=spec["process"]["consoleSize"])
        yield inside(make_console, rootfs=handle("rootfs"), terminal=handle("terminal"))
        yield inside(take, terminal=handle("terminal"))


def plan_enter(spec):
    """The side of a process that enters a container which runs."""
    if spec["process"]["terminal"]:
        yield inside(open, rootfs=None, size=spec["process"]["consoleSize"])
        yield inside(take, terminal=handle("terminal"))


def plan_host(spec, console_socket):
    """The host's side."""
    if spec["process"]["terminal"] and console_socket:
        yield host(send, master=handle("master"), socket_path=console_socket)
    elif spec["process"]["terminal"]:
        yield host(hold, master=handle("master"))


