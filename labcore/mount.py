"""Mount namespace: a file tree of one's own. (notebook 05)

Every mount is made detached, given its attributes, and only then attached to a descriptor that was resolved
inside the root file system: no moment exists in which it is visible with the wrong flags or in the wrong place.
"""

import os
import stat

from . import detached, errors, inroot, syscalls
from .step import Descriptor, handle, host, inside

_RO, _SUID, _DEV, _EXEC = (syscalls.MOUNT_ATTR_RDONLY, syscalls.MOUNT_ATTR_NOSUID, syscalls.MOUNT_ATTR_NODEV,
                           syscalls.MOUNT_ATTR_NOEXEC)  # fmt: skip
_TIME = syscalls.MOUNT_ATTR__ATIME
# option: (attributes to set, attributes to clear) — mount(8) names, mount_setattr(2) bits
ATTRIBUTES = {
    "ro": (_RO, 0), "rw": (0, _RO), "nosuid": (_SUID, 0), "suid": (0, _SUID), "nodev": (_DEV, 0), "dev": (0, _DEV),
    "noexec": (_EXEC, 0), "exec": (0, _EXEC), "relatime": (0, _TIME), "atime": (0, _TIME),
    "noatime": (syscalls.MOUNT_ATTR_NOATIME, _TIME), "strictatime": (syscalls.MOUNT_ATTR_STRICTATIME, _TIME),
    "nodiratime": (syscalls.MOUNT_ATTR_NODIRATIME, 0), "diratime": (0, syscalls.MOUNT_ATTR_NODIRATIME),
    "nosymfollow": (syscalls.MOUNT_ATTR_NOSYMFOLLOW, 0), "symfollow": (0, syscalls.MOUNT_ATTR_NOSYMFOLLOW),
}  # fmt: skip
PROPAGATION = {"private": syscalls.MS_PRIVATE, "shared": syscalls.MS_SHARED, "slave": syscalls.MS_SLAVE,
               "unbindable": syscalls.MS_UNBINDABLE}  # fmt: skip
_IGNORED = {"defaults", "async", "nofail", "_netdev", "auto", "noauto", "nouser", "user", "iversion", "noiversion",
            "silent", "loud", "lazytime", "nolazytime", "sync", "dirsync", "mand", "nomand"}  # fmt: skip


def options(words):
    """OCI mount options as {set, clear, rset, rclear, propagation, recursive, bind, data} (pure)."""
    o = {"set": 0, "clear": 0, "rset": 0, "rclear": 0, "propagation": 0, "recursive": False, "bind": False, "data": []}
    for word in words:
        if word in ("bind", "rbind"):
            o["bind"], o["recursive"] = True, word == "rbind"
        elif word in ATTRIBUTES or (word[:1] == "r" and word[1:] in ATTRIBUTES):
            prefix = "" if word in ATTRIBUTES else "r"
            on, off = ATTRIBUTES[word[len(prefix) :]]
            o[prefix + "set"] = o[prefix + "set"] & ~off | on
            o[prefix + "clear"] = o[prefix + "clear"] & ~on | off
        elif word in PROPAGATION or word[1:] in PROPAGATION and word[0] == "r":
            o["propagation"] = PROPAGATION[word if word in PROPAGATION else word[1:]]
            o["rpropagation"] = word not in PROPAGATION
        elif word not in _IGNORED:
            o["data"].append(word)
    return o


def set_propagation(propagation):
    """Let no mount made here be seen outside — mount(2), MS_REC."""
    syscalls.mount(None, "/", None, syscalls.MS_REC | PROPAGATION[propagation])


def attach(rootfs, destination, fstype, source, options, no_symlinks):
    """Mount a new file system at a path inside the root file system — fsopen(2), move_mount(2)."""
    tree = detached.new(fstype, [f"source={source or fstype}", *options["data"]], options["set"])
    try:
        _place(tree, rootfs, destination, no_symlinks)
        _propagate(tree, options)
    finally:
        os.close(tree)


def bind(rootfs, destination, source, options):
    """Show a file or directory of the host at a path inside — open_tree(2), mount_setattr(2), move_mount(2)."""
    tree = _copy(source, options)
    try:
        _place(tree, rootfs, destination, False)
        _propagate(tree, options)
    finally:
        os.close(tree)


def take(name, source, options):
    """Take hold of a file of the host that is to be shown inside, where nobody could get to it — open_tree(2)."""
    return {name: Descriptor(_copy(source, options))}


def place(rootfs, destination, tree):
    """Attach at a path inside what was taken hold of on the host — move_mount(2)."""
    _place(tree, rootfs, destination, False)


def _copy(source, options):
    recursive = syscalls.AT_RECURSIVE if options["recursive"] else 0
    tree = syscalls.open_tree(syscalls.AT_FDCWD, source, syscalls.OPEN_TREE_CLONE | recursive)
    try:
        # a copy shares its events with the original until told otherwise
        syscalls.mount_setattr(tree, "", propagation=syscalls.MS_PRIVATE, flags=syscalls.AT_EMPTY_PATH | recursive)
        if options["set"] or options["clear"]:
            syscalls.mount_setattr(tree, "", options["set"], options["clear"])
        if options["rset"] or options["rclear"]:
            syscalls.mount_setattr(tree, "", options["rset"], options["rclear"],
                                   flags=syscalls.AT_EMPTY_PATH | syscalls.AT_RECURSIVE)  # fmt: skip
    except OSError:
        os.close(tree)
        raise
    return tree


def _place(tree, rootfs, destination, no_symlinks):
    """Attach a detached mount at a path inside, made when missing."""
    if not stat.S_ISDIR(os.fstat(tree).st_mode):
        target = inroot.make_file(rootfs, destination)
    elif no_symlinks:  # /proc or /sys as a link would put the real one where nothing masks it
        target = _directory_itself(rootfs, destination)
    else:
        target = inroot.make_directories(rootfs, destination)
    try:
        syscalls.move_mount(tree, target)
    finally:
        os.close(target)


def _directory_itself(rootfs, destination):
    """A directory that no symbolic link leads to, walked once; made when missing."""
    try:
        return inroot.make_directories(rootfs, destination, syscalls.RESOLVE_NO_SYMLINKS)
    except (OSError, errors.SpecError) as error:
        raise errors.SpecError(f"mounts: {destination} is or passes a symbolic link in the root file system",
                               "an image must not redirect it") from error  # fmt: skip


def _propagate(tree, options):
    if options["propagation"]:
        recursive = syscalls.AT_RECURSIVE if options.get("rpropagation") else 0
        syscalls.mount_setattr(tree, "", propagation=options["propagation"], flags=syscalls.AT_EMPTY_PATH | recursive)


def mask(rootfs, paths):
    """Cover files with the null device and directories with an empty read-only tmpfs — open_tree(2)."""
    null = os.open("/dev/null", os.O_PATH | os.O_CLOEXEC)
    empty = None
    try:
        if os.fstat(null).st_rdev != os.makedev(1, 3):
            raise errors.HostError("/dev/null is not the null device")
        for path in paths:
            target = _existing(rootfs, path)
            if target is None:
                continue
            if not stat.S_ISDIR(os.fstat(target).st_mode):
                _cover(target, null, 0, syscalls.OPEN_TREE_CLONE)
            elif empty is not None:
                _cover(target, empty, 0, syscalls.OPEN_TREE_CLONE)
            else:  # the first is attached itself: before Linux 6.15 no copy is made of what is nowhere attached
                empty = detached.new("tmpfs", ["size=0", "nr_inodes=2", "mode=755"], _RO)
                syscalls.move_mount(empty, target)
                os.close(target)
    finally:
        os.close(null)
        if empty is not None:
            os.close(empty)


def make_readonly(rootfs, paths):
    """Make paths inside read-only, with all that is mounted below them — mount_setattr(2)."""
    for path in paths:
        target = _existing(rootfs, path)
        if target is not None:
            _cover(target, target, _RO, syscalls.OPEN_TREE_CLONE | syscalls.AT_RECURSIVE)


def _existing(rootfs, path):
    try:
        return inroot.open(rootfs, path)
    except (FileNotFoundError, NotADirectoryError):
        return None  # nothing there, nothing to protect


def _cover(target, source, attributes, flags):
    """Attach a copy of what `source` shows on top of `target`, which is closed."""
    try:
        tree = syscalls.open_tree(source, "", flags | syscalls.AT_EMPTY_PATH)
        try:
            if attributes:
                syscalls.mount_setattr(tree, "", attributes,
                                       flags=syscalls.AT_EMPTY_PATH | syscalls.AT_RECURSIVE)  # fmt: skip
            syscalls.move_mount(tree, target)
        finally:
            os.close(tree)
    finally:
        os.close(target)


def plan(spec, bundle):
    """Each mount of the configuration in its order."""
    root = handle("rootfs")
    for number, m in enumerate(spec["mounts"]):
        opts = options(m["options"])
        if opts["bind"] or m["type"] == "bind":
            if not m["source"]:
                raise errors.SpecError(f"mounts[{number}].source: a bind mount needs one")
            source = os.path.join(bundle, m["source"])  # relative to the bundle, as the specification says
            yield inside(bind, rootfs=root, destination=m["destination"], source=source, options=opts)
        elif m["type"] not in ("cgroup", "cgroup2"):
            yield inside(attach, rootfs=root, destination=m["destination"], fstype=m["type"], source=m["source"],
                         options=opts, no_symlinks=m["type"] in ("proc", "sysfs"))  # fmt: skip


def plan_take(files):
    """{destination: path on the host} of files that are shown inside read-only: the host takes hold of them."""
    quiet = options(["bind", "ro", "nosuid", "nodev", "noexec"])
    for destination, source in files.items():
        yield host(take, name=destination, source=source, options=quiet)


def plan_place(files):
    """And they are attached, over what the root file system may have there."""
    for destination in files:
        yield inside(place, rootfs=handle("rootfs"), destination=destination, tree=handle(destination))


def plan_protect(spec):
    """What procfs and sysfs would give away is covered or made read-only."""
    root = handle("rootfs")
    if spec["linux"]["maskedPaths"]:
        yield inside(mask, rootfs=root, paths=spec["linux"]["maskedPaths"])
    if spec["linux"]["readonlyPaths"]:
        yield inside(make_readonly, rootfs=root, paths=spec["linux"]["readonlyPaths"])
