"""Control groups, version 2: one tree for everything. (notebook 09)

The verbs are those of cgroup1. `paths` is {"unified": this container's directory}. The configuration speaks the
language of version 1; here it is translated (docs/decisions/0013).
"""

import errno
import math
import os
import time

from . import bpf, cgroupfs, errors, inroot, syscalls
from .step import Descriptor, handle, host, inside

# (group, field of linux.resources) that version 2 has no file for
NEVER = (("memory", "swappiness"), ("memory", "disableOOMKiller"), ("memory", "kernel"), ("memory", "kernelTCP"),
         ("cpu", "realtimeRuntime"), ("cpu", "realtimePeriod"), ("blockIO", "leafWeight"), ("network", "classID"),
         ("network", "priorities"))  # fmt: skip
THROTTLES = {"throttleReadBpsDevice": "rbps", "throttleWriteBpsDevice": "wbps", "throttleReadIOPSDevice": "riops",
             "throttleWriteIOPSDevice": "wiops"}  # fmt: skip
USUAL = {"cpu", "memory", "pids"}  # wanted without a limit, too: they count


def create(paths, controllers, top, exclusive):
    """Make this container's cgroup, with the controllers that its limits need — cgroups(7)."""
    made = cgroupfs.make_all([paths["unified"]], exclusive)
    enable(os.path.dirname(paths["unified"]), controllers, top)
    return {"made": made}


def enable(directory, controllers, top):
    """A controller works below a cgroup once that cgroup and all above it pass it on — cgroup.subtree_control."""
    if directory != top:
        enable(os.path.dirname(directory), controllers, top)
    on = (cgroupfs.read(directory, "cgroup.subtree_control") or "").split()
    for controller in (c for c in controllers if c not in on):
        try:
            cgroupfs.write(directory, "cgroup.subtree_control", f"+{controller}")
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            raise errors.HostError(f"{directory}: holds processes of its own, so it cannot pass {controller} on",
                                   "start from a cgroup below it") from None  # fmt: skip


def set_limits(paths, limits):
    """Set limits — cgroups(7)."""
    cgroupfs.write_all(_files(paths, limits))
    _check_sets(paths, limits)


def change_limits(paths, limits, controllers, top, below_use):
    """Change limits of a container that runs: all of them, or none — cgroups(7)."""
    enable(os.path.dirname(paths["unified"]), controllers, top)
    cgroupfs.change_all(_files(paths, limits), below_use)
    _check_sets(paths, limits)


def _files(paths, limits):
    """[(directory, file, value)]; a weight goes to the files of those schedulers that are there."""
    directory, weights = paths["unified"], ("io.bfq.weight", "io.weight")
    there = [w for w in weights if os.path.exists(f"{directory}/{w}")] or ["io.weight"]
    return [(directory, file, value) for _, file, value in limits if file not in weights or file in there]


def _check_sets(paths, limits):
    """The kernel takes any processors and nodes, and gives what the parent has: so look what that is."""
    for _, file, text in limits:
        if file in ("cpuset.cpus", "cpuset.mems"):
            have = cgroupfs.read(paths["unified"], f"{file}.effective") or ""
            if _numbers(have) != _numbers(text):
                raise errors.HostError(f"{file}: {text} was asked for, and there is only {have or 'nothing'}")


def _numbers(text):
    ranges = [part.partition("-") for part in text.split(",") if part]
    return {n for first, _, last in ranges for n in range(int(first), int(last or first) + 1)}


def limit_devices(cgroup, rules):
    """Let a program of our own decide which devices may be used — bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE."""
    program = syscalls.bpf_prog_load(syscalls.BPF_PROG_TYPE_CGROUP_DEVICE, bpf.device_program(rules))
    try:
        syscalls.bpf_prog_attach(cgroup, program, syscalls.BPF_CGROUP_DEVICE, syscalls.BPF_F_ALLOW_MULTI)
    finally:
        os.close(program)


def open(paths):
    """A descriptor for the cgroup: init is born in it — clone3(2), CLONE_INTO_CGROUP."""
    return {"cgroup": Descriptor(os.open(paths["unified"], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))}


def enter(paths):
    """Move into the cgroup — cgroups(7), cgroup.procs."""
    cgroupfs.write(paths["unified"], "cgroup.procs", 0)


def read(paths):
    """What is used and what went wrong: {memory_bytes, cpu_ns, pids, oom_kills, forks_refused}."""
    directory = paths["unified"]
    usec = cgroupfs.entry(directory, "cpu.stat", "usage_usec")
    return {"memory_bytes": cgroupfs.number(directory, "memory.current"), "cpu_ns": usec and usec * 1000,
            "pids": cgroupfs.number(directory, "pids.current"),
            "oom_kills": cgroupfs.entry(directory, "memory.events", "oom_kill") or 0,
            "forks_refused": cgroupfs.entry(directory, "pids.events", "max") or 0}  # fmt: skip


def freeze(paths):
    """Stop every process in the cgroup where it is — cgroups(7), cgroup.freeze."""
    cgroupfs.write(paths["unified"], "cgroup.freeze", 1)
    for _ in range(2000):
        if cgroupfs.entry(paths["unified"], "cgroup.events", "frozen") == 1:
            return
        time.sleep(0.001)
    thaw(paths)
    raise OSError(errno.EBUSY, f"{paths['unified']}: some process does not freeze; all go on")


def thaw(paths):
    """Let them go on — cgroups(7), cgroup.freeze."""
    cgroupfs.write(paths["unified"], "cgroup.freeze", 0)


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


def weight(shares):
    """cpu.shares as cpu.weight: 2 → 1, 1024 → 100, 262144 → 10000, and on a curve between — docs/decisions/0013."""
    if not 2 < shares < 262144:
        return 1 if shares <= 2 else 10000
    power = math.log2(shares)
    return math.ceil(10 ** ((power * power + 125 * power) / 612 - 7 / 34))


def limits(resources, now=None):
    """linux.resources as [(controller, file, value)] (pure); `now` are files of a container whose limits change."""
    return [row[1:] for row in _rows(resources, now or {})]


def unmet(resources, facts):
    """(field, why) of the first limit that this machine cannot keep, or None (pure)."""
    for group, name in NEVER:
        if resources.get(group, {}).get(name):
            return f"{group}.{name}", "version 2 of control groups has no such limit"
    for field, controller, _, _ in _rows(resources, {}):
        if controller not in facts.get("controllers", [controller]) and controller != "cgroup":
            return field, f"the controller {controller} is not there at {facts['cgroup2']}"
    return None


def _rows(resources, now):
    """Each limit as (field, controller, file, value)."""
    yield from _memory(resources.get("memory", {}), now)
    yield from _cpu(resources.get("cpu", {}), now)
    pids = resources.get("pids", {}).get("limit")
    if pids is not None:
        yield "pids.limit", "pids", "pids.max", pids if pids > 0 else "max"
    yield from _block(resources.get("blockIO", {}))
    for huge in resources.get("hugepageLimits", []):
        yield "hugepageLimits", "hugetlb", f"hugetlb.{huge['pageSize']}.max", huge["limit"]
    for name, device in resources.get("rdma", {}).items():
        yield "rdma", "rdma", "rdma.max", cgroupfs.rdma(name, device)
    for file, text in resources.get("unified", {}).items():
        for line in text.splitlines():
            yield "unified", file.partition(".")[0], file, line


def _memory(memory, now):
    limit, swap, low = memory.get("limit"), memory.get("swap"), memory.get("reservation")
    if limit is not None:
        yield "memory.limit", "memory", "memory.max", limit if limit > 0 else "max"
    if swap is not None:
        known = limit if limit is not None else now.get("memory.max", "0")
        counted = int(known) if str(known).isdigit() else 0
        value = "max" if swap < 0 else max(0, swap - counted)  # version 1 counts memory in
        yield "memory.swap", "memory", "memory.swap.max", value
    if low is not None:
        yield "memory.reservation", "memory", "memory.low", low if low > 0 else "max"


def _cpu(cpu, now):
    quota, period = cpu.get("quota"), cpu.get("period")
    if quota is not None or period is not None:
        had = now.get("cpu.max", "max 100000").split()
        quota = had[0] if quota is None else quota if quota > 0 else "max"
        yield "cpu.quota", "cpu", "cpu.max", f"{quota} {had[1] if period is None else period}"
    if cpu.get("burst") is not None:
        yield "cpu.burst", "cpu", "cpu.max.burst", cpu["burst"]
    if cpu.get("shares") is not None:
        yield "cpu.shares", "cpu", "cpu.weight", weight(cpu["shares"])
    if cpu.get("idle") is not None:
        yield "cpu.idle", "cpu", "cpu.idle", cpu["idle"]
    for name in ("cpus", "mems"):
        if cpu.get(name) is not None:
            yield f"cpu.{name}", "cpuset", f"cpuset.{name}", cpu[name]


def _block(block):
    found = [("weight", "default", block["weight"])] if "weight" in block else []
    found += [("weightDevice", f"{d['major']}:{d['minor']}", d["weight"])
              for d in block.get("weightDevice", []) if "weight" in d]  # fmt: skip
    for field, which, value in found:  # 10 to 1000 for the one scheduler, 1 to 10000 for the other
        yield f"blockIO.{field}", "io", "io.bfq.weight", f"{which} {value}"
        yield f"blockIO.{field}", "io", "io.weight", f"{which} {1 + (value - 10) * 9999 // 990}"
    for table, word in THROTTLES.items():
        for d in block.get(table, []):
            yield f"blockIO.{table}", "io", "io.max", f"{d['major']}:{d['minor']} {word}={d['rate']}"


def places(facts, path):
    """{"unified": directory} for a cgroup path (pure)."""
    return {"unified": facts["cgroup2"] + path}


def _controllers(facts, resources):
    """Those that the limits need; and what counts, where that costs nobody anything."""
    usual = set() if facts.get("delegated") else USUAL & set(facts.get("controllers", USUAL))
    return sorted(usual | {row[0] for row in limits(resources) if row[0] != "cgroup"})


def plan_make(facts, path, resources, exclusive):
    """Make it and set its limits, before anybody is in it."""
    paths = places(facts, path)
    yield host(create, paths=paths, controllers=_controllers(facts, resources), top=facts["cgroup2"],
               exclusive=exclusive)  # fmt: skip
    if limits(resources):
        yield host(set_limits, paths=paths, limits=[list(row) for row in limits(resources)])
    yield host(open, paths=paths)
    rules = cgroupfs.device_rules(resources.get("devices"))
    if rules and facts["root"] and not facts["in_userns"]:  # nobody else may load it, and nobody else can make a device
        yield host(limit_devices, cgroup=handle("cgroup"), rules=[list(rule) for rule in rules])


def plan_change(facts, path, resources, now):
    """Change the limits of one that exists; who may use devices stays as it is."""
    yield host(change_limits, paths=places(facts, path), limits=[list(row) for row in limits(resources, now)],
               controllers=_controllers(facts, resources), top=facts["cgroup2"],
               below_use=not resources.get("memory", {}).get("checkBeforeUpdate"))  # fmt: skip


def plan_enter(facts, path):
    """Nothing to do: init is born in its cgroup."""
    return ()


def plan_show(spec, facts, path, m):
    """The mount of type `cgroup` in the configuration."""
    yield inside(show, rootfs=handle("rootfs"), destination=m["destination"], paths=places(facts, path),
                 readonly="ro" in m["options"])  # fmt: skip
