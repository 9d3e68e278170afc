"""Control groups, version 2: one tree for everything. (notebook 09)

The verbs are those of cgroup1. `paths` is {"unified": this container's directory}.
"""

import os

from . import cgroupfs, errors, inroot
from .step import Descriptor, handle, host, inside

FILES = (
    ("memory", "memory.max", ("memory", "limit")),
    ("memory", "memory.swap.max", ("memory", "swap")),
    ("memory", "memory.low", ("memory", "reservation")),
    ("cpu", "cpu.max", ("cpu", "quota")),
    ("cpu", "cpu.weight", ("cpu", "shares")),
    ("cpuset", "cpuset.cpus", ("cpu", "cpus")),
    ("cpuset", "cpuset.mems", ("cpu", "mems")),
    ("pids", "pids.max", ("pids", "limit")),
)


def create(paths, controllers, top, exclusive):
    """Make this container's cgroup, with the controllers that its limits need — cgroups(7)."""
    directory = paths["unified"]
    made = cgroupfs.make_all([directory], exclusive)
    _enable(os.path.dirname(directory), controllers, top)
    return {"made": made}


def _enable(directory, controllers, top):
    """A controller works below a cgroup once that cgroup and all above it pass it on — cgroup.subtree_control."""
    if directory != top:
        _enable(os.path.dirname(directory), controllers, top)
    on = (cgroupfs.read(directory, "cgroup.subtree_control") or "").split()
    for controller in controllers:
        if controller not in on:
            cgroupfs.write(directory, "cgroup.subtree_control", f"+{controller}")


def set_limits(paths, limits):
    """Set limits — cgroups(7)."""
    for _, file, value in limits:
        cgroupfs.write(paths["unified"], file, value)


def open(paths):
    """A descriptor for the cgroup: init is born in it — clone3(2), CLONE_INTO_CGROUP."""
    return {"cgroup": Descriptor(os.open(paths["unified"], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))}


def enter(paths):
    """Move into the cgroup — cgroups(7), cgroup.procs."""
    cgroupfs.write(paths["unified"], "cgroup.procs", 0)


def read(paths):
    """What is used and what went wrong: {memory_bytes, cpu_ns, pids, oom_kills}."""
    def number(file, key=None):
        for line in (cgroupfs.read(paths["unified"], file) or "").splitlines():
            name, _, value = line.rpartition(" ")
            if key is None or name == key:
                return int(value)
        return None

    usec = number("cpu.stat", "usage_usec")
    return {"memory_bytes": number("memory.current"), "cpu_ns": usec and usec * 1000, "pids": number("pids.current"),
            "oom_kills": number("memory.events", "oom_kill") or 0}  # fmt: skip


def kill(paths):
    """Kill every process in the cgroup at once — cgroups(7), cgroup.kill."""
    try:
        cgroupfs.write(paths["unified"], "cgroup.kill", 1)
    except (OSError, errors.HostError):
        if os.path.isdir(paths["unified"]):
            raise
    for _ in range(10000):
        if "populated 1" not in (cgroupfs.read(paths["unified"], "cgroup.events") or ""):
            return
        os.sched_yield()


def remove(paths):
    """Remove the cgroup — rmdir(2)."""
    cgroupfs.remove(paths["unified"])


def remove_empty(paths):
    """Remove cgroups that were perhaps made, and are ours only if nobody is in them — rmdir(2)."""
    for directory in dict.fromkeys(paths.values()):
        cgroupfs.remove_empty(directory)


def show(rootfs, destination, paths, readonly):
    """Show the container its own cgroup, and nothing above it — open_tree(2)."""
    target = inroot.make_directories(rootfs, destination)
    try:
        cgroupfs.bind(paths["unified"], target, readonly)
    finally:
        os.close(target)


def limits(resources):
    """linux.resources as [(controller, file, value)] (pure)."""
    memory, cpu = resources.get("memory", {}), resources.get("cpu", {})
    found = []
    for controller, file, (a, b) in FILES:
        value = resources.get(a, {}).get(b)
        if file == "cpu.max" and (value is not None or cpu.get("period")):
            value = f"{value if value and value > 0 else 'max'} {cpu.get('period') or 100000}"
        elif file == "cpu.weight" and value:
            value = min(10000, 1 + (max(2, value) - 2) * 9999 // 262142)
        elif file == "memory.swap.max" and value is not None:
            value = "max" if value < 0 else value - memory.get("limit", 0)  # version 1 counted memory in
        elif file in ("memory.max", "pids.max") and value is not None and value <= 0:
            value = "max"
        if value is not None:
            found.append((controller, file, value))
    return found


def places(facts, path):
    """{"unified": directory} for a cgroup path (pure)."""
    return {"unified": facts["cgroup2"] + path}


def plan_make(facts, path, resources, exclusive):
    """Make it and set its limits, before anybody is in it."""
    paths = places(facts, path)
    wanted = sorted({"cpu", "memory", "pids"} | {row[0] for row in limits(resources)})
    yield host(create, paths=paths, controllers=wanted, top=facts["cgroup2"],
               exclusive=exclusive)  # fmt: skip
    if limits(resources):
        yield host(set_limits, paths=paths, limits=[list(row) for row in limits(resources)])
    yield host(open, paths=paths)


def plan_enter(facts, path):
    """Nothing to do: init is born in its cgroup."""
    return ()


def plan_show(spec, facts, path, m):
    """The mount of type `cgroup` in the configuration."""
    yield inside(show, rootfs=handle("rootfs"), destination=m["destination"], paths=places(facts, path),
                 readonly="ro" in m["options"])  # fmt: skip
