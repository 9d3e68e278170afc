"""A refusal's text is the call as it was made."""

import ctypes
import errno
import os
import re

import pytest

from labcore import syscalls


@pytest.mark.parametrize("call, number, text", [
    (lambda: syscalls.sethostname("x" * 65), errno.EINVAL, r"sethostname\('x{35}…', 65\): Invalid argument"),
    (lambda: syscalls.setns(-1, 0), errno.EBADF, r"setns\(-1, 0\): Bad file descriptor"),
    (lambda: syscalls.unshare(1), errno.EINVAL, r"unshare\(1\): Invalid argument"),
    (lambda: syscalls.umount("/proc/no/such"), errno.ENOENT, r"umount2\('/proc/no/such', 0\): No such file.*"),
    (lambda: syscalls.pivot_root("/no/such", "/no/such"), errno.ENOENT, r"pivot_root\('/no/such', '/no/such'\): No.*"),
    (lambda: syscalls.fsopen("nofs"), errno.ENODEV, r"fsopen\('nofs', 1\): No such device"),
    (lambda: syscalls.prctl(-1), errno.EINVAL, r"prctl\(-1, 0, 0.*\): Invalid argument"),
    (lambda: syscalls.pidfd_open(1 << 22), errno.ESRCH, r"pidfd_open\(4194304, 0\): No such process"),
    (lambda: syscalls.openat2(-100, "/proc/no/such", os.O_PATH), errno.ENOENT, r"openat2\(.*'/proc/no/such'.*\): No.*"),
    (lambda: syscalls.mount("none", "/no/such", "tmpfs"), errno.ENOENT, r"mount\('none', '/no/such', 'tmpfs', 0.*"),
    (lambda: syscalls.clone(syscalls.CLONE_NEWUSER | 0x200), errno.EINVAL, r"clone\(0x10000200\): Invalid argument"),
    (lambda: syscalls.faccessat2(-100, "/etc/passwd", os.X_OK), errno.EACCES, r"faccessat2\(.*\): Permission denied"),
])  # fmt: skip
def test_refusal_says_the_call_and_why(call, number, text, child):
    def tell():
        try:
            call()
        except OSError as error:
            return [error.errno, str(error.args[1])]

    found = child(tell, "mnt")
    assert found[0] == number
    assert re.fullmatch(text, found[1]), found[1]


def test_text_with_a_nul_byte_never_reaches_the_kernel():
    with pytest.raises(ValueError, match="NUL byte"):
        syscalls.sethostname("a\0b")


def test_numbers_are_those_of_this_machines_libc():
    """close_range is the newest with a wrapper everywhere: called both ways it does the same."""
    fd = os.open("/dev/null", os.O_RDONLY)
    syscalls.close_range(fd, fd)
    with pytest.raises(OSError):
        os.fstat(fd)
    assert ctypes.CDLL(None).syscall(39 if os.uname().machine == "x86_64" else 172) == os.getpid()


def test_clone_gives_zero_in_the_child_and_a_child_in_the_parent():
    pid = syscalls.clone(0)
    if pid == 0:
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_clone_with_parent_makes_a_sibling(child):
    def tell():
        reader, writer = os.pipe()
        middle = os.fork()
        if middle == 0:
            if syscalls.clone(syscalls.CLONE_PARENT) == 0:
                os.write(writer, b"%d" % os.getppid())
            os._exit(0)
        os.close(writer)
        parent = int(os.read(reader, 20))
        os.waitpid(-1, 0), os.waitpid(-1, 0)
        return parent == os.getpid()

    assert child(tell) is True


def test_refused_clone_leaves_python_as_it_was(child):
    def tell():
        try:
            syscalls.clone(syscalls.CLONE_NEWUSER | 0x200)  # CLONE_FS with a new user namespace
        except OSError:
            pass
        made = os.fork()
        if made == 0:
            os._exit(3)
        return os.waitstatus_to_exitcode(os.waitpid(made, 0)[1])

    assert child(tell) == 3


def test_capabilities_are_those_of_proc(child):
    def tell():
        effective, permitted, inheritable = syscalls.capget()
        syscalls.capset(effective & ~1, permitted, inheritable)
        return [effective, [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")][0]]

    effective, after = child(tell)
    assert int(after, 16) == effective & ~1


def test_execveat_gets_exactly_the_arrays_it_was_given(child):
    def tell():
        reader, writer = os.pipe()
        made = os.fork()
        if made == 0:
            os.dup2(writer, 1)
            become = syscalls.prepare_execveat(os.open("/bin/sh", os.O_PATH), ["sh", "-c", 'echo "$0" "$1" "$A"', "ä"],
                                               ["A=1"])
            become()
        os.close(writer)
        os.waitpid(made, 0)
        return os.read(reader, 100).decode()

    assert child(tell) == "ä  1\n"


def test_new_mount_is_seen_only_once_it_is_attached(child, mounts, tmp_path):
    def tell():
        context = syscalls.fsopen("tmpfs")
        syscalls.fsconfig(context, syscalls.FSCONFIG_SET_STRING, "size", "4k")
        syscalls.fsconfig(context, syscalls.FSCONFIG_CMD_CREATE)
        tree = syscalls.fsmount(context, syscalls.MOUNT_ATTR_NOEXEC)
        before = str(tmp_path) in mounts()
        at = os.open(tmp_path, os.O_PATH)
        syscalls.move_mount(tree, at)
        syscalls.mount_setattr(tree, "", syscalls.MOUNT_ATTR_NODEV)
        return [before, sorted(mounts()[str(tmp_path)])]

    before, after = child(tell, "mnt")
    assert before is False and {"tmpfs", "noexec", "nodev", "rw"} <= set(after)
