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
    """OCI mount options as {set, clear, rset, rclear, propagation, recursive, bind, data} and maybe idmap (pure)."""
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
        elif word in ("idmap", "ridmap"):
            o["idmap"] = True
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


def prepare(name, source, options, pid):
    """Copy a mount while on the host, where it has peers and its IDs can be mapped — open_tree(2), mount_setattr(2)."""
    recursive = syscalls.AT_RECURSIVE if options["recursive"] else 0
    tree = _copy(source, recursive)
    try:
        if options["propagation"] & (syscalls.MS_SHARED | syscalls.MS_SLAVE):
            _demand_peers(source, options["propagation"])
        if options.get("idmap"):
            _map_ids(tree, source, pid, recursive)
    except BaseException:
        os.close(tree)
        raise
    return {name: Descriptor(tree)}


def _copy(source, recursive):
    try:
        return syscalls.open_tree(syscalls.AT_FDCWD, source, syscalls.OPEN_TREE_CLONE | recursive)
    except (FileNotFoundError, NotADirectoryError):
        raise errors.SpecError(f"mounts: the source {source} does not exist") from None


def _demand_peers(source, propagation):
    """A mount can only share events, or receive them, if the source's own mount does."""
    fd = os.open(source, os.O_PATH | os.O_CLOEXEC)
    try:
        with open(f"/proc/self/fdinfo/{fd}") as file:
            number = next(line.split()[1] for line in file if line.startswith("mnt_id:"))
    finally:
        os.close(fd)
    with open("/proc/self/mountinfo") as file:
        tags = next((line.partition(" - ")[0].split()[6:] for line in file if line.split()[0] == number), [])
    words = ("shared:",) if propagation & syscalls.MS_SHARED else ("shared:", "master:")
    if not any(tag.startswith(words) for tag in tags):
        raise errors.SpecError(f"mounts: {source} lies on a mount that shares no events: no shared or slave volume",
                               f"mount --make-shared the mount point (findmnt -T {source} shows it)")  # fmt: skip


def _map_ids(tree, source, pid, recursive):
    """Let the container's user namespace say who owns what below a mount."""
    userns = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.mount_setattr(tree, "", syscalls.MOUNT_ATTR_IDMAP, flags=syscalls.AT_EMPTY_PATH | recursive,
                               userns_fd=userns)  # fmt: skip
    except OSError as error:
        raise errors.HostError(f"{source}: its IDs cannot be mapped: {os.strerror(error.errno)}",
                               "its file system, or this kernel, has no idmapped mounts") from None  # fmt: skip
    finally:
        os.close(userns)


def bind(rootfs, destination, source, options, prepared=None):
    """Show a file or directory of the host at a path inside — open_tree(2), mount_setattr(2), move_mount(2)."""
    recursive, tree = syscalls.AT_RECURSIVE if options["recursive"] else 0, prepared
    if tree is None:
        tree = _copy(source, recursive)
    try:
        if not options["propagation"] & (syscalls.MS_SHARED | syscalls.MS_SLAVE):
            # a copy shares its events with the original until told otherwise
            syscalls.mount_setattr(tree, "", propagation=syscalls.MS_PRIVATE, flags=syscalls.AT_EMPTY_PATH | recursive)
        if options["set"] or options["clear"]:
            syscalls.mount_setattr(tree, "", options["set"], options["clear"])
        if options["rset"] or options["rclear"]:
            syscalls.mount_setattr(tree, "", options["rset"], options["rclear"],
                                   flags=syscalls.AT_EMPTY_PATH | syscalls.AT_RECURSIVE)  # fmt: skip
        _place(tree, rootfs, destination, False)
        _propagate(tree, options)
    finally:
        os.close(tree)


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


def _binds(spec, bundle):
    """(number, mount, source, options) of each bind mount; the source is relative to the bundle, as OCI says."""
    for number, m in enumerate(spec["mounts"]):
        opts = options(m["options"])
        if opts["bind"] or m["type"] == "bind":
            if not m["source"]:
                raise errors.SpecError(f"mounts[{number}].source: a bind mount needs one")
            if opts["data"]:
                raise errors.SpecError(f"mounts[{number}].options: a bind mount has no option {opts['data'][0]!r}")
            yield number, m, os.path.join(bundle, m["source"]), opts


def _in_userns(spec):
    return any(n["type"] == "user" for n in spec["linux"]["namespaces"])


def _must_prepare(spec, facts, opts):
    """Can the inside not make this bind by itself? Root of a user namespace may not even see the source."""
    return opts.get("idmap") or opts["propagation"] & (syscalls.MS_SHARED | syscalls.MS_SLAVE) or (
        facts["root"] and _in_userns(spec))  # fmt: skip


def plan_host(spec, bundle, facts):
    """What only the host can do: from its side mounts have peers, and a file system's owner may map IDs."""
    for number, _, source, opts in _binds(spec, bundle):
        if _in_userns(spec) and opts["propagation"] & syscalls.MS_SHARED:
            raise errors.SpecError(f"mounts[{number}].options: shared would let root of a user namespace mount outside")
        if _must_prepare(spec, facts, opts):
            yield host(prepare, name=f"mount{number}", source=source, options=opts, pid=handle("init"))


def plan(spec, bundle, facts):
    """Each mount of the configuration in its order."""
    root, sources = handle("rootfs"), {number: source for number, _, source, _ in _binds(spec, bundle)}
    for number, m in enumerate(spec["mounts"]):
        opts = options(m["options"])
        if number in sources:
            ready = {"prepared": handle(f"mount{number}")} if _must_prepare(spec, facts, opts) else {}
            yield inside(bind, rootfs=root, destination=m["destination"], source=sources[number], options=opts, **ready)
        elif m["type"] not in ("cgroup", "cgroup2"):
            yield inside(attach, rootfs=root, destination=m["destination"], fstype=m["type"], source=m["source"],
                         options=opts, no_symlinks=m["type"] in ("proc", "sysfs"))  # fmt: skip


def plan_protect(spec):
    """What procfs and sysfs would give away is covered or made read-only."""
    root = handle("rootfs")
    if spec["linux"]["maskedPaths"]:
        yield inside(mask, rootfs=root, paths=spec["linux"]["maskedPaths"])
    if spec["linux"]["readonlyPaths"]:
        yield inside(make_readonly, rootfs=root, paths=spec["linux"]["readonlyPaths"])
