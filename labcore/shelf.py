"""Results that take long to make, kept on disk: in a directory, and in files, that nobody else could have written.

Each file begins with a digest of its key and its content. So one that is damaged, cut short, or put there under another
name is not used, but made again.
"""

import _blake2
import os
import stat

KEPT_AT_MOST = 200


def recall(directory, key):
    """What was kept under this key; None when nothing was, or when it cannot be trusted."""
    shelf = _open(directory)
    if shelf is None:
        return None
    try:
        kept = _read(shelf, _name(key))
    finally:
        os.close(shelf)
    return kept[32:] if kept[:32] == _digest(key + kept[32:]) else None


def remember(directory, key, content):
    """Keep this for the next time; where that fails, it is made again."""
    shelf = _open(directory)
    if shelf is None:
        return
    try:
        names = os.listdir(shelf)
        for name in names if len(names) >= KEPT_AT_MOST else ():
            os.unlink(name, dir_fd=shelf)
        fresh = f"{_name(key)}.{os.getpid()}"
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=shelf)
        try:
            os.write(fd, _digest(key + content) + content)
        finally:
            os.close(fd)
        os.rename(fresh, _name(key), src_dir_fd=shelf, dst_dir_fd=shelf)
    except OSError:
        pass  # a full disk, or another who was faster
    finally:
        os.close(shelf)


def _digest(data):
    return _blake2.blake2b(data, digest_size=32).digest()


def _name(key):
    return _digest(key).hex()


def _open(directory):
    """The directory, made when missing; None where there is none that only this user can write to."""
    if not directory:
        return None
    try:
        os.makedirs(directory, 0o700, exist_ok=True)
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    if _is_ours(os.fstat(fd)):
        return fd
    os.close(fd)
    return None


def _is_ours(found):
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _read(shelf, name):
    """A file's bytes; none where it is missing, no plain file, or somebody else's."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=shelf)
    except OSError:
        return b""
    try:
        found = os.fstat(fd)
        return os.read(fd, 1 << 20) if stat.S_ISREG(found.st_mode) and _is_ours(found) else b""
    finally:
        os.close(fd)
