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
    """{root, in_userns, uid, cache, cgroup: 0|1|2, cgroup1: {controller: directory}, cgroup2: directory or None}."""
    v1, v2 = cgroup_mounts(_text("/proc/self/mountinfo"))
    version = 0
    if v2 and ("memory" in _text(f"{v2}/cgroup.controllers").split() or not v1):
        version = 2
    elif v1:
        version = 1
    top = v2 if version == 2 else v1.get("memory") or next(iter(v1.values()), None)
    return {
        "root": os.geteuid() == 0, "uid": os.geteuid(), "gid": os.getegid(),
        "in_userns": _text("/proc/self/uid_map").split() != ["0", "0", "4294967295"],
        "cache": cache_directory(),
        "cgroup": version if top and os.access(top, os.W_OK) else 0, "cgroup1": v1, "cgroup2": v2,
    }  # fmt: skip


def cache_directory():
    """Where compiled filters are kept, made when first needed: /var/cache/labcore, or the user's own; None: nowhere."""
    if os.access("/var/cache", os.W_OK):
        return "/var/cache/labcore"
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("HOME", "") + "/.cache"
    return f"{home}/labcore" if home.startswith("/") and len(home) > 7 else None


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
