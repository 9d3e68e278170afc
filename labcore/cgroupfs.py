"""Directories and files of a cgroup file system: what both versions share — cgroups(7)."""

import errno
import itertools
import os
import time

from . import detached, errors, syscalls

# weights of version 1 belong to a scheduler: the first one that came (CFQ, in old kernels), or the one there is now
_OR_ELSE = {"blkio.weight": "blkio.bfq.weight", "blkio.weight_device": "blkio.bfq.weight_device"}


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
        if file in _OR_ELSE:
            return write(directory, _OR_ELSE[file], *values)
        raise errors.HostError(f"{file}: this machine's cgroup has no such file ({path})",
                               "see `labcore doctor` for its controllers") from None
    except OSError as error:
        raise OSError(error.errno, f"write {value} to {path}: {error.strerror}") from None
    return None


def write_all(rows):
    """Write [(directory, file, value)]; what is refused comes once more at the end, since some limits bound others."""
    again = []
    for (directory, file), group in itertools.groupby(rows, lambda row: tuple(row[:2])):
        values = [value for _, _, value in group]
        try:
            write(directory, file, *values)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EBUSY):
                raise
            again.append((directory, file, values))
    for directory, file, values in again:
        write(directory, file, *values)


_USED = {"memory.limit_in_bytes": "memory.usage_in_bytes", "memory.max": "memory.current"}


def change_all(rows, below_use):
    """Write them all; when one is refused, those before it get back what they had, as far as their files tell."""
    for directory, file, value in rows:
        used = read(directory, _USED[file]) if file in _USED and not below_use else None
        if used and value != "max" and 0 <= value < int(used):
            raise errors.SpecError(f"linux.resources.memory.limit: {value} is less than the {used} bytes in use")
    before = [(d, file, line) for d, file, _ in rows for line in (read(d, file) or "").splitlines()]
    try:
        write_all(rows)
    except (OSError, errors.HostError):
        for row in before + before:  # twice: some limits bound others
            try:
                write(*row)
            except (OSError, errors.HostError):
                pass
        raise


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


def number(directory, file):
    """The number that is a file's text; None when there is none."""
    text = read(directory, file)
    return int(text) if text else None


def entry(directory, file, key):
    """The number after a word in a file of lines `word number`; None when there is none."""
    for line in (read(directory, file) or "").splitlines():
        name, _, number = line.partition(" ")
        if name == key:
            return int(number)
    return None


def is_frozen(directories):
    """Does one of these cgroups hold its processes still? Both versions."""
    return any((read(d, "freezer.state") or "T")[0] == "F" or read(d, "cgroup.freeze") == "1" for d in directories)


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


def rdma(name, device):
    """One device's limits as rdma.max has them, in both versions."""
    words = {"hca_handle": device.get("hcaHandles"), "hca_object": device.get("hcaObjects")}
    return " ".join([name, *(f"{word}={number}" for word, number in words.items() if number is not None)])


# what every program needs: to make any node, and to open a few
_USUAL = [(True, "c", None, None, "m"), (True, "b", None, None, "m"), (True, "c", 136, None, "rwm")] + [
    (True, "c", major, minor, "rwm") for major, minor in ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2))]


def device_rules(rules):
    """linux.resources.devices as [(allow, type, major, minor, access)]: the last that fits decides; None is any."""
    if not rules:
        return []
    found = []
    for r in rules:
        number = [r[k] if r.get(k) is not None and r[k] >= 0 else None for k in ("major", "minor")]
        found.append((r["allow"], r["type"] or "a", *number, r["access"] or "rwm"))
    first = [] if found[0][1] == "a" else [(False, "a", None, None, "rwm")]  # what nobody speaks of is denied
    return first + found + _USUAL


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
