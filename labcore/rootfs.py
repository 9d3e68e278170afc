"""The root file system: from a directory to `/`. (notebook 07)"""

import os
import stat

from . import detached, errors, syscalls
from .step import Descriptor, handle, host, inside

_ALL = syscalls.AT_EMPTY_PATH | syscalls.AT_RECURSIVE


def map_ids(path, pid):
    """Copy the directory as a mount on which the container's own root owns root's files — mount_setattr(2)."""
    tree = syscalls.open_tree(syscalls.AT_FDCWD, path, syscalls.OPEN_TREE_CLONE)
    userns = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.mount_setattr(tree, "", syscalls.MOUNT_ATTR_IDMAP, userns_fd=userns)
    except OSError as error:
        os.close(tree)
        raise errors.HostError(f"root.path: the IDs of {path} cannot be mapped: {os.strerror(error.errno)}",
                               "its file system, or this kernel, has no idmapped mounts") from None  # fmt: skip
    finally:
        os.close(userns)
    return {"mapped": Descriptor(tree)}


def open(path, mapped=None):
    """Make the directory a mount of its own, so that it can become a root — open_tree(2), move_mount(2)."""
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            raise errors.SpecError(f"root.path: {path} is not a directory")
        tree = syscalls.open_tree(fd, "", syscalls.OPEN_TREE_CLONE | _ALL) if mapped is None else mapped
        syscalls.mount_setattr(tree, "", propagation=syscalls.MS_PRIVATE, flags=_ALL)
        syscalls.move_mount(tree, fd)
    finally:
        os.close(fd)
    return {"rootfs": Descriptor(tree)}


def open_copy_on_write(lower, point, userxattr, mapped=None):
    """Lay an empty tmpfs over the directory: what the container writes goes there, and with it — fsmount(2)."""
    at = os.open(point, os.O_PATH | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        upper = detached.new("tmpfs", ["mode=755"])
        os.mkdir("upper", 0o755, dir_fd=upper)
        os.mkdir("work", 0o755, dir_fd=upper)
        syscalls.move_mount(upper, at)  # overlayfs wants layers that are attached
        if mapped is not None:
            lower = f"{point}/lower"
            os.mkdir("lower", dir_fd=upper)
            _attach(mapped, lower)
        below = lower.replace("\\", "\\\\").replace(":", "\\:")
        layers = [f"lowerdir={below}", f"upperdir={point}/upper", f"workdir={point}/work"]
        tree = detached.new("overlay", [*layers, *(["userxattr"] if userxattr else [])])
        os.close(upper)
        syscalls.move_mount(tree, at)
    finally:
        os.close(at)
    return {"rootfs": Descriptor(tree)}


def _attach(tree, path):
    at = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        syscalls.move_mount(tree, at)
    finally:
        os.close(at)


def pivot(rootfs):
    """Make it `/` and let go of the old root, which nobody can name any more — pivot_root(2)."""
    os.fchdir(rootfs)
    syscalls.pivot_root(".", ".")  # the old root now lies on top of the new one, at the same place
    syscalls.umount(".", syscalls.MNT_DETACH)
    os.chdir("/")
    here, wanted = os.stat("/"), os.fstat(rootfs)
    if (here.st_dev, here.st_ino) != (wanted.st_dev, wanted.st_ino):
        raise errors.LabError("the new root is not the directory that was asked for")


def make_readonly():
    """Let nothing be written to `/` itself — mount_setattr(2)."""
    syscalls.mount_setattr(syscalls.AT_FDCWD, "/", syscalls.MOUNT_ATTR_RDONLY, flags=0)


def set_propagation(propagation):
    """Set how `/` shares its mounts — mount(2)."""
    names = {"shared": syscalls.MS_SHARED, "slave": syscalls.MS_SLAVE, "private": syscalls.MS_PRIVATE,
             "unbindable": syscalls.MS_UNBINDABLE}  # fmt: skip
    recursive = syscalls.MS_REC if propagation[0] == "r" else 0
    syscalls.mount(None, "/", None, names[propagation.removeprefix("r")] | recursive)


# annotations; the value is an empty directory over which the root is mounted
COPY_ON_WRITE, MAPPED = "org.labcore.copy-on-write", "org.labcore.id-mapped"


def _path(spec, bundle):
    return os.path.normpath(os.path.join(bundle, spec["root"]["path"]))


def plan_host(spec, bundle):
    """The files of the directory get the container's owners, where that was asked for."""
    if spec["annotations"].get(MAPPED):
        yield host(map_ids, path=_path(spec, bundle), pid=handle("init"))


def plan_open(spec, bundle, facts):
    """The directory becomes a mount, as it is or under a layer that takes the writes."""
    path, point = _path(spec, bundle), spec["annotations"].get(COPY_ON_WRITE)
    over = spec["annotations"].get(MAPPED)
    mapped = {"mapped": handle("mapped")} if over else {}
    if point and not spec["root"]["readonly"]:
        in_userns = any(n["type"] == "user" for n in spec["linux"]["namespaces"]) or facts["in_userns"]
        yield inside(open_copy_on_write, lower=path, point=point, userxattr=in_userns, **mapped)
    else:
        yield inside(open, path=over or path, **mapped)


def plan(spec):
    """The change of root, after everything that needs the host's paths."""
    yield inside(pivot, rootfs=handle("rootfs"))
    if spec["linux"]["rootfsPropagation"]:
        yield inside(set_propagation, propagation=spec["linux"]["rootfsPropagation"])
    if spec["root"]["readonly"]:
        yield inside(make_readonly)
