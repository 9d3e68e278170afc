"""Paths that cannot leave the root file system, whatever symbolic links an image holds — openat2(2).

Every path that comes from a configuration or an image is walked once, to a descriptor; from then on only the
descriptor is used.
"""

import os
import stat

from . import errors, syscalls

_IN_ROOT = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS


def open(root, path, flags=os.O_PATH, resolve=0):
    """A descriptor for a path as the container will see it — openat2(2)."""
    for _ in range(256):
        try:
            return syscalls.openat2(root, path, flags, 0, _IN_ROOT | resolve)
        except BlockingIOError:
            continue  # a rename raced with the walk: the kernel asks to try again
    raise errors.LabError(f"{path}: the root file system changes faster than it can be walked")


def open_parent(root, path, resolve=0):
    """(descriptor of the directory that holds path, made when missing; the last name of path)."""
    head, _, name = path.rstrip("/").rpartition("/")
    if name in ("", ".", ".."):
        raise errors.SpecError(f"{path!r}: does not name a file inside the root file system")
    return make_directories(root, head or "/", resolve), name


def make_directories(root, path, resolve=0):
    """A descriptor for a directory inside, made with its parents when missing — mkdirat(2)."""
    try:
        return open(root, path, os.O_PATH | os.O_DIRECTORY, resolve)
    except FileNotFoundError:
        parent, name = open_parent(root, path, resolve)
    try:
        try:
            os.mkdir(name, 0o755, dir_fd=parent)
        except FileExistsError:
            pass
        return open(root, path, os.O_PATH | os.O_DIRECTORY, resolve)
    finally:
        os.close(parent)


def make_file(root, path):
    """A descriptor for a file inside, made empty when missing; never through a last symbolic link — openat(2)."""
    try:
        return open(root, path, os.O_PATH)
    except FileNotFoundError:
        parent, name = open_parent(root, path)
    try:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644,
                         dir_fd=parent))  # fmt: skip
        return open(root, path, os.O_PATH)
    finally:
        os.close(parent)


def read(path, limit=1 << 20):
    """The text of a small regular file at an absolute path inside; '' when there is none — open(2)."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return ""
    try:
        return os.read(fd, limit).decode("utf-8", "replace") if stat.S_ISREG(os.fstat(fd).st_mode) else ""
    except OSError:
        return ""  # a link into procfs may refuse to be read
    finally:
        os.close(fd)
