"""What this machine has, read once: the plan is made from these facts and the configuration alone."""

import os

_read = None


def read():
    """The facts of this process, found out once: a machine does not change under a plan."""
    global _read
    if _read is None:
        _read = find()
    return _read


def find():
    """{root, in_userns, uid, cache, cgroup: 0|1|2, cgroup1: {controller: directory}, cgroup2: directory or None,
    controllers: what version 2 has there, delegated: is that a part of the tree that was handed to this user?}."""
    v1, v2 = cgroup_mounts(_text("/proc/self/mountinfo"))
    version = 0
    if v2 and ("memory" in _text(f"{v2}/cgroup.controllers").split() or not v1):
        version = 2
    elif v1:
        version = 1
    handed = None
    if version == 2 and not os.access(v2, os.W_OK):
        handed = delegated(v2, _text("/proc/self/cgroup"), os.access)
        v2 = handed or v2
    top = v2 if version == 2 else v1.get("memory") or next(iter(v1.values()), None)
    return {
        "root": os.geteuid() == 0, "uid": os.geteuid(), "gid": os.getegid(),
        "in_userns": _text("/proc/self/uid_map").split() != ["0", "0", "4294967295"],
        "cache": cache_directory(),
        "cgroup": version if top and os.access(top, os.W_OK) else 0, "cgroup1": v1, "cgroup2": v2,
        "controllers": _text(f"{v2}/cgroup.controllers").split() if v2 else [], "delegated": handed is not None,
    }  # fmt: skip


def cache_directory():
    """Where compiled filters are kept, made when first needed: /var/cache/labcore, or the user's own; None: nowhere."""
    if os.access("/var/cache", os.W_OK):
        return "/var/cache/labcore"
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("HOME", "") + "/.cache"
    return f"{home}/labcore" if home.startswith("/") and len(home) > 7 else None


def delegated(v2, own, may):
    """The highest cgroup at or above one's own that this user may fill; `own` is /proc/self/cgroup — cgroups(7)."""
    path = next((line[3:] for line in own.splitlines() if line.startswith("0::/")), "/")
    found, parts = None, path.strip("/").split("/")
    while parts and parts[0] and ".." not in parts:
        here = f"{v2}/{'/'.join(parts)}"
        if all(may(f"{here}{file}", os.W_OK) for file in ("", "/cgroup.procs", "/cgroup.subtree_control")):
            found = here
        parts.pop()
    return found


def cgroup_mounts(mountinfo):
    """({controller: directory} of version 1, directory of version 2 or None), from proc_pid_mountinfo(5) text."""
    v1, v2 = {}, None
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, (fstype, _, options) = left.split(" "), right.split(" ")[:3]
        if fstype == "cgroup2":
            v2 = v2 or fields[4]
        elif fstype == "cgroup":
            for word in options.split(","):
                if word not in ("rw", "ro", "xattr", "clone_children", "none", "cpuset_v2_mode", "favordynmods"):
                    v1.setdefault(word.removeprefix("name="), fields[4])
    return v1, v2


def _text(path):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        text = part = os.read(fd, 1 << 16)
        while part:
            part = os.read(fd, 1 << 16)
            text += part
    finally:
        os.close(fd)
    return os.fsdecode(text)
