"""Directories and files of a cgroup file system: what both versions share — cgroups(7)."""

import errno
import os
import time

from . import detached, errors, syscalls


def write(directory, file, *values):
    """Write a value, or one after the other; a refusal names file and value."""
    value = values[0]
    path = f"{directory}/{file}"
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            for value in values:
                os.write(fd, str(value).encode())
        finally:
            os.close(fd)
    except FileNotFoundError:
        raise errors.HostError(f"{file}: this machine's cgroup has no such file ({path})",
                               "see `labcore doctor` for its controllers") from None
    except OSError as error:
        raise OSError(error.errno, f"write {value} to {path}: {error.strerror}") from None


def read(directory, file):
    """The text of one file without its last line break; None when there is no such file."""
    try:
        fd = os.open(f"{directory}/{file}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _all(fd).decode().rstrip("\n")
    except OSError:
        return None
    finally:
        os.close(fd)


def _all(fd):
    text = part = os.read(fd, 65536)
    while len(part) == 65536:  # a cgroup file gives all that fits at once
        part = os.read(fd, 65536)
        text += part
    return text


def make(directory):
    """Make a cgroup and its missing parents; True when the last one is new — mkdir(2)."""
    for _ in range(64):
        try:
            os.mkdir(directory)
            return True
        except FileExistsError:
            return False
        except FileNotFoundError:  # no parent yet, or another container just removed it
            make(os.path.dirname(directory))
    raise errors.LabError(f"{directory}: its parent keeps being removed")


def make_all(directories, exclusive):
    """Make cgroups: those that are new. With `exclusive` all of them must be — mkdir(2)."""
    made = []
    for directory in directories:
        if make(directory):
            made.append(directory)
        elif exclusive:
            for ours in made:
                remove(ours)
            raise errors.AlreadyExists(f"cgroup {directory} exists already", "another --root has a container of this "
                                       "ID, or one was left behind: `labcore reset`")  # fmt: skip
    return made


def remove(directory):
    """Remove a cgroup and what was made below it; no process may be left — rmdir(2)."""
    try:
        os.rmdir(directory)
    except FileNotFoundError:
        pass
    except OSError:
        for entry in list(os.scandir(directory)):
            if entry.is_dir(follow_symlinks=False):
                remove(entry.path)
        _remove_patiently(directory)
    _remove_parent(directory)


def _remove_patiently(directory, tries=2000):
    """The dying are no longer listed, but keep their cgroup busy for a moment, a long one on a busy machine."""
    for _ in range(tries):
        try:
            return os.rmdir(directory)
        except OSError as error:
            if error.errno != errno.EBUSY or processes(directory):
                raise
        time.sleep(0.001)
    return os.rmdir(directory)


def remove_empty(directory):
    """Remove a cgroup if it has neither processes nor children — rmdir(2)."""
    try:
        os.rmdir(directory)
    except OSError:
        return
    _remove_parent(directory)


def _remove_parent(directory):
    parent = os.path.dirname(directory)
    if os.path.basename(parent) == "labcore":
        try:
            os.rmdir(parent)  # the last container switches off the light
        except OSError:
            pass


def processes(directory):
    """PIDs in a cgroup and in those below it."""
    found = []
    for top, _, files in os.walk(directory):
        if "cgroup.procs" in files:
            found += [int(p) for p in (read(top, "cgroup.procs") or "").split()]
    return found


_QUIET = syscalls.MOUNT_ATTR_NOSUID | syscalls.MOUNT_ATTR_NODEV | syscalls.MOUNT_ATTR_NOEXEC


def new_top():
    """A detached tmpfs with room for a directory of each hierarchy, and nothing else — fsmount(2)."""
    return detached.new("tmpfs", ["mode=755", "size=0", "nr_inodes=64"], _QUIET)


def bind(directory, target, readonly):
    """Show one cgroup at the descriptor `target` — open_tree(2), move_mount(2)."""
    tree = syscalls.open_tree(syscalls.AT_FDCWD, directory, syscalls.OPEN_TREE_CLONE)
    try:
        syscalls.mount_setattr(tree, "", _QUIET | (syscalls.MOUNT_ATTR_RDONLY if readonly else 0),
                               propagation=syscalls.MS_PRIVATE)  # fmt: skip
        syscalls.move_mount(tree, target)
    finally:
        os.close(tree)
