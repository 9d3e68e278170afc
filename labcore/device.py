"""Device files: the few that every program expects. (notebook 05)"""

import os
import stat

from . import errors, inroot, syscalls
from .step import handle, inside

DEFAULT = [{"path": f"/dev/{name}", "type": "c", "major": major, "minor": minor, "fileMode": 0o666, "uid": 0, "gid": 0}
           for name, major, minor in (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8),
                                      ("urandom", 1, 9), ("tty", 5, 0))]  # fmt: skip
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
         "ptmx": "pts/ptmx"}  # fmt: skip
_TYPES = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}


def make(rootfs, devices):
    """Make device files — mknod(2)."""
    parents, mask = {}, os.umask(0)
    try:
        for d in devices:
            head, _, name = d["path"].rpartition("/")
            if head not in parents:
                parents[head] = inroot.open_parent(rootfs, d["path"])[0]
            _make(parents[head], name, d)
    finally:
        os.umask(mask)
        for fd in parents.values():
            os.close(fd)


def _make(parent, name, d):
    kind, number = _TYPES[d["type"]], os.makedev(d["major"], d["minor"]) if d["type"] != "p" else 0
    try:
        os.mknod(name, kind | d["fileMode"], number, dir_fd=parent)
    except FileExistsError:
        pass  # ours only if it is that very device: looked at next
    fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        found = os.fstat(fd)
        if stat.S_IFMT(found.st_mode) != kind or (number and found.st_rdev != number):
            raise errors.SpecError(f"linux.devices: {d['path']} exists in the root file system and is something else")
        me = f"/proc/self/fd/{fd}"  # the inode itself, whatever its name means by now
        if (found.st_uid, found.st_gid) != (d["uid"], d["gid"]):
            os.chown(me, d["uid"], d["gid"])
        if stat.S_IMODE(found.st_mode) != d["fileMode"]:
            os.chmod(me, d["fileMode"])
    finally:
        os.close(fd)


def bind(rootfs, devices):
    """Show the host's device files inside, where a user namespace may not make them — open_tree(2)."""
    for d in devices:
        tree = syscalls.open_tree(syscalls.AT_FDCWD, d["path"], syscalls.OPEN_TREE_CLONE)
        try:
            if os.fstat(tree).st_rdev != os.makedev(d["major"], d["minor"]):
                raise errors.HostError(f"{d['path']} on this machine is another device than expected")
            target = inroot.make_file(rootfs, d["path"])
            try:
                syscalls.move_mount(tree, target)
            finally:
                os.close(target)
        finally:
            os.close(tree)


def link(rootfs, directory, links):
    """Make the usual links in /dev — symlink(2)."""
    parent = inroot.make_directories(rootfs, directory)
    try:
        for name, target in links.items():
            try:
                os.symlink(target, name, dir_fd=parent)
            except FileExistsError:
                pass
    finally:
        os.close(parent)


def plan(spec, facts):
    """Devices and links, unless the configuration shows the host's /dev as it is."""
    if any(m["destination"].rstrip("/") == "/dev" and m["type"] == "bind" for m in spec["mounts"]):
        return
    listed = {d["path"] for d in spec["linux"]["devices"]}
    devices = [d for d in DEFAULT if d["path"] not in listed] + spec["linux"]["devices"]
    in_userns = facts["in_userns"] or any(n["type"] == "user" for n in spec["linux"]["namespaces"])
    yield inside(bind if in_userns else make, rootfs=handle("rootfs"), devices=devices)
    yield inside(link, rootfs=handle("rootfs"), directory="/dev", links=LINKS)
