"""Control groups, version 1: a tree of its own for every subsystem. (notebook 08)

The verbs are those of cgroup2. `paths` is {subsystem: this container's directory in that hierarchy}.
"""

import _signal
import errno
import os
import time

from . import cgroupfs, inroot, syscalls
from .step import handle, host, inside

# (subsystem, file, where the value stands in linux.resources), in the order in which the kernel takes them
FILES = (
    ("memory", "memory.limit_in_bytes", ("memory", "limit")),
    ("memory", "memory.memsw.limit_in_bytes", ("memory", "swap")),
    ("memory", "memory.soft_limit_in_bytes", ("memory", "reservation")),
    ("memory", "memory.kmem.limit_in_bytes", ("memory", "kernel")),
    ("memory", "memory.kmem.tcp.limit_in_bytes", ("memory", "kernelTCP")),
    ("memory", "memory.swappiness", ("memory", "swappiness")),
    ("memory", "memory.oom_control", ("memory", "disableOOMKiller")),
    ("cpu", "cpu.rt_period_us", ("cpu", "realtimePeriod")),
    ("cpu", "cpu.rt_runtime_us", ("cpu", "realtimeRuntime")),
    ("cpu", "cpu.cfs_period_us", ("cpu", "period")),
    ("cpu", "cpu.cfs_quota_us", ("cpu", "quota")),
    ("cpu", "cpu.cfs_burst_us", ("cpu", "burst")),
    ("cpu", "cpu.shares", ("cpu", "shares")),
    ("cpu", "cpu.idle", ("cpu", "idle")),
    ("cpuset", "cpuset.cpus", ("cpu", "cpus")),
    ("cpuset", "cpuset.mems", ("cpu", "mems")),
    ("pids", "pids.max", ("pids", "limit")),
    ("blkio", "blkio.weight", ("blockIO", "weight")),
    ("blkio", "blkio.leaf_weight", ("blockIO", "leafWeight")),
    ("net_cls", "net_cls.classid", ("network", "classID")),
)
THROTTLES = {"throttleReadBpsDevice": "read_bps", "throttleWriteBpsDevice": "write_bps",
             "throttleReadIOPSDevice": "read_iops", "throttleWriteIOPSDevice": "write_iops"}  # fmt: skip


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
    cgroupfs.write_all(_files(paths, limits))


def change_limits(paths, limits, below_use):
    """Change limits of a container that runs: all of them, or none — cgroups(7)."""
    cgroupfs.change_all(_files(paths, limits), below_use)


def _files(paths, limits):
    """[(directory, file, value)]; where a hierarchy is missing, the error will name it."""
    return [(paths.get(subsystem, f"/sys/fs/cgroup/{subsystem}"), file, value) for subsystem, file, value in limits]


def enter(paths):
    """Move into the cgroup, in every hierarchy: a thread that moves itself waits for nobody — cgroups(7), tasks."""
    for directory in dict.fromkeys(paths.values()):
        cgroupfs.write(directory, "tasks", 0)


def read(paths):
    """What is used and what went wrong: {memory_bytes, cpu_ns, pids, oom_kills, forks_refused}."""
    return {"memory_bytes": cgroupfs.number(paths.get("memory", ""), "memory.usage_in_bytes"),
            "cpu_ns": cgroupfs.number(paths.get("cpuacct", ""), "cpuacct.usage"),
            "pids": cgroupfs.number(paths.get("pids", ""), "pids.current"),
            "oom_kills": cgroupfs.entry(paths.get("memory", ""), "memory.oom_control", "oom_kill") or 0,
            "forks_refused": cgroupfs.entry(paths.get("pids", ""), "pids.events", "max") or 0}  # fmt: skip


def freeze(paths):
    """Stop every process in the cgroup where it is — cgroups(7), freezer."""
    directory = paths.get("freezer", "/sys/fs/cgroup/freezer")  # if missing, the error names it
    for _ in range(2000):
        cgroupfs.write(directory, "freezer.state", "FROZEN")  # also those born since the last look
        if cgroupfs.read(directory, "freezer.state") == "FROZEN":
            return
        time.sleep(0.001)
    thaw(paths)
    raise OSError(errno.EBUSY, f"{directory}: some process does not freeze; all go on")


def thaw(paths):
    """Let them go on — cgroups(7), freezer."""
    if "freezer" in paths:
        cgroupfs.write(paths["freezer"], "freezer.state", "THAWED")


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


def limits(resources, now=None):
    """linux.resources as [(subsystem, file, value)], in the order in which the kernel takes them (pure)."""
    return [row[1:] for row in _rows(resources)]


def unmet(resources, facts):
    """(field, why) of the first limit that this machine has no hierarchy for, or None (pure)."""
    for field, subsystem, _, _ in _rows(resources):
        if subsystem not in facts["cgroup1"]:
            return field, f"there is no cgroup hierarchy with {subsystem} on this machine"
    if resources.get("unified"):
        return "unified", "it names files of version 2, and this machine's control groups are version 1"
    return None


def _rows(resources):
    """Each limit as (field, subsystem, file, value)."""
    for subsystem, file, (group, name) in FILES:
        value = resources.get(group, {}).get(name)
        if file == "pids.max" and value is not None and value <= 0:
            value = "max"
        elif name == "disableOOMKiller":
            value = 1 if value else None
        if value is not None:
            yield f"{group}.{name}", subsystem, file, value
    block = resources.get("blockIO", {})
    for device in block.get("weightDevice", []):
        for name, file in ("weight", "blkio.weight_device"), ("leafWeight", "blkio.leaf_weight_device"):
            if name in device:
                yield "blockIO.weightDevice", "blkio", file, f"{device['major']}:{device['minor']} {device[name]}"
    for table, word in THROTTLES.items():
        for d in block.get(table, []):
            yield f"blockIO.{table}", "blkio", f"blkio.throttle.{word}_device", f"{d['major']}:{d['minor']} {d['rate']}"
    for huge in resources.get("hugepageLimits", []):
        yield "hugepageLimits", "hugetlb", f"hugetlb.{huge['pageSize']}.limit_in_bytes", huge["limit"]
    for entry in resources.get("network", {}).get("priorities", []):
        yield "network.priorities", "net_prio", "net_prio.ifpriomap", f"{entry['name']} {entry['priority']}"
    for name, device in resources.get("rdma", {}).items():
        yield "rdma", "rdma", "rdma.max", cgroupfs.rdma(name, device)
    for allow, kind, major, minor, access in cgroupfs.device_rules(resources.get("devices")):
        number = [str(n) if n is not None else "*" for n in (major, minor)]
        yield ("devices", "devices", f"devices.{'allow' if allow else 'deny'}",
               f"{kind} {number[0]}:{number[1]} {access}")  # fmt: skip


def places(facts, path):
    """{subsystem: directory} for a cgroup path, in every hierarchy of this machine (pure)."""
    return {name: top + path for name, top in facts["cgroup1"].items()}


def plan_make(facts, path, resources, exclusive):
    """Make it and set its limits, before anybody is in it."""
    paths = places(facts, path)
    yield host(create, paths=paths, exclusive=exclusive)
    if limits(resources):
        yield host(set_limits, paths=paths, limits=[list(row) for row in limits(resources)])


def plan_change(facts, path, resources, now):
    """Change the limits of one that exists; who may use devices stays as it is."""
    rows = limits({k: v for k, v in resources.items() if k != "devices"})
    yield host(change_limits, paths=places(facts, path), limits=[list(row) for row in rows],
               below_use=not resources.get("memory", {}).get("checkBeforeUpdate"))  # fmt: skip


def plan_enter(facts, path):
    """The first inside step: what init forks is born there."""
    yield inside(enter, paths=places(facts, path))


def plan_show(spec, facts, path, m):
    """The mount of type `cgroup` in the configuration: a directory for each hierarchy."""
    tops = {os.path.basename(top): top + path for top in facts["cgroup1"].values()}
    yield inside(show, rootfs=handle("rootfs"), destination=m["destination"], paths=tops, readonly="ro" in m["options"])
