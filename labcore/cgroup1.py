"""Control groups, version 1: a tree of its own for every subsystem. (notebook 08)

The verbs are those of cgroup2. `paths` is {subsystem: this container's directory in that hierarchy}.
"""

import _signal
import itertools
import os
import time

from . import cgroupfs, inroot, syscalls
from .step import handle, host, inside

# (subsystem, file, where the value stands in linux.resources)
FILES = (
    ("memory", "memory.limit_in_bytes", ("memory", "limit")),
    ("memory", "memory.memsw.limit_in_bytes", ("memory", "swap")),
    ("memory", "memory.soft_limit_in_bytes", ("memory", "reservation")),
    ("cpu", "cpu.cfs_period_us", ("cpu", "period")),
    ("cpu", "cpu.cfs_quota_us", ("cpu", "quota")),
    ("cpu", "cpu.shares", ("cpu", "shares")),
    ("cpuset", "cpuset.cpus", ("cpu", "cpus")),
    ("cpuset", "cpuset.mems", ("cpu", "mems")),
    ("pids", "pids.max", ("pids", "limit")),
)


def create(paths, exclusive):
    """Make this container's cgroup in every hierarchy — cgroups(7)."""
    made = cgroupfs.make_all(dict.fromkeys(paths.values()), exclusive)
    if paths.get("cpuset") in made:
        _inherit_cpuset(paths["cpuset"])
    return {"made": made}


def _inherit_cpuset(directory):
    """An empty cpuset takes no process: fill it from its parent, from the top down."""
    parent = os.path.dirname(directory)
    for file in ("cpuset.cpus", "cpuset.mems"):
        text = cgroupfs.read(parent, file)
        if text == "":
            _inherit_cpuset(parent)
            text = cgroupfs.read(parent, file)
        cgroupfs.write(directory, file, text)


def set_limits(paths, limits):
    """Set limits, each in the hierarchy of its subsystem — cgroups(7)."""
    for (subsystem, file), rows in itertools.groupby(limits, lambda row: row[:2]):
        directory = paths.get(subsystem, f"/sys/fs/cgroup/{subsystem}")  # if missing, the error names it
        cgroupfs.write(directory, file, *[value for _, _, value in rows])


def enter(paths):
    """Move into the cgroup, in every hierarchy: a thread that moves itself waits for nobody — cgroups(7), tasks."""
    for directory in dict.fromkeys(paths.values()):
        cgroupfs.write(directory, "tasks", 0)


def read(paths):
    """What is used and what went wrong: {memory_bytes, cpu_ns, pids, oom_kills}."""
    def number(subsystem, file):
        text = cgroupfs.read(paths.get(subsystem, ""), file)
        return int(text) if text else None

    oom = cgroupfs.read(paths.get("memory", ""), "memory.oom_control") or ""
    kills = [int(line.split()[1]) for line in oom.splitlines() if line.startswith("oom_kill ")]
    return {"memory_bytes": number("memory", "memory.usage_in_bytes"), "cpu_ns": number("cpuacct", "cpuacct.usage"),
            "pids": number("pids", "pids.current"), "oom_kills": kills[0] if kills else 0}  # fmt: skip


def kill(paths):
    """Kill every process in the cgroup: frozen first, so that none escapes by forking — cgroups(7), freezer."""
    freezer = paths.get("freezer")
    directory = freezer or next(iter(paths.values()))
    for turn in range(2000):
        left = cgroupfs.processes(directory)
        if not left:
            return
        time.sleep(0 if turn < 50 else 0.002)  # they need the processor more than we do
        if freezer:
            cgroupfs.write(freezer, "freezer.state", "FROZEN")
        for pid in cgroupfs.processes(directory):
            try:
                os.kill(pid, _signal.SIGKILL)
            except ProcessLookupError:
                pass
        if freezer:
            cgroupfs.write(freezer, "freezer.state", "THAWED")  # a frozen process cannot die


def remove(paths):
    """Remove the cgroup from every hierarchy — rmdir(2)."""
    for directory in dict.fromkeys(paths.values()):
        cgroupfs.remove(directory)


def remove_empty(paths):
    """Remove cgroups that were perhaps made, and are ours only if nobody is in them — rmdir(2)."""
    for directory in dict.fromkeys(paths.values()):
        cgroupfs.remove_empty(directory)


def show(rootfs, destination, paths, readonly):
    """Show the container its own cgroups, and nothing above them — open_tree(2)."""
    top = cgroupfs.new_top()
    try:
        target = inroot.make_directories(rootfs, destination)
        syscalls.move_mount(top, target)
        os.close(target)
        for name, directory in paths.items():
            os.mkdir(name, 0o755, dir_fd=top)
            at = os.open(name, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=top)
            cgroupfs.bind(directory, at, readonly)
            os.close(at)
        if readonly:
            syscalls.mount_setattr(top, "", syscalls.MOUNT_ATTR_RDONLY)
    finally:
        os.close(top)


def limits(resources):
    """linux.resources as [(subsystem, file, value)], in the order in which the kernel takes them (pure)."""
    found = [(s, f, resources.get(a, {}).get(b)) for s, f, (a, b) in FILES]
    found = [(s, f, "max" if f == "pids.max" and v <= 0 else v) for s, f, v in found if v is not None]
    if resources.get("devices"):
        found += _device_limits(resources["devices"])
    return found


def _device_limits(rules):
    found = []
    for r in rules:
        number = [str(r[k]) if r.get(k) is not None and r[k] >= 0 else "*" for k in ("major", "minor")]
        text = f"{r['type'] or 'a'} {number[0]}:{number[1]} {r['access'] or 'rwm'}"
        found.append(("devices", "devices.allow" if r["allow"] else "devices.deny", text))
    usual = ["c *:* m", "b *:* m"] + [f"c {n} rwm" for n in ("1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:2", "136:*")]
    return found + [("devices", "devices.allow", text) for text in usual]


def places(facts, path):
    """{subsystem: directory} for a cgroup path, in every hierarchy of this machine (pure)."""
    return {name: top + path for name, top in facts["cgroup1"].items()}


def plan_make(facts, path, resources, exclusive):
    """Make it and set its limits, before anybody is in it."""
    paths = places(facts, path)
    yield host(create, paths=paths, exclusive=exclusive)
    if limits(resources):
        yield host(set_limits, paths=paths, limits=[list(row) for row in limits(resources)])


def plan_enter(facts, path):
    """The first inside step: what init forks is born there."""
    yield inside(enter, paths=places(facts, path))


def plan_show(spec, facts, path, m):
    """The mount of type `cgroup` in the configuration: a directory for each hierarchy."""
    tops = {os.path.basename(top): top + path for top in facts["cgroup1"].values()}
    yield inside(show, rootfs=handle("rootfs"), destination=m["destination"], paths=tops, readonly="ro" in m["options"])
