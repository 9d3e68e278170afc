"""linux.resources: the shape and the ranges of limits, whatever version of control groups will have to keep them.

One that makes no sense is refused here, by its field; one that this machine cannot keep, by the mechanism (`unmet`).
"""

from . import errors

_THROTTLE = [{"major": int, "minor": int, "rate": int}]
THROTTLES = ("throttleReadBpsDevice", "throttleWriteBpsDevice", "throttleReadIOPSDevice", "throttleWriteIOPSDevice")
SHAPE = {
    "memory": {"limit": int, "swap": int, "reservation": int, "kernel": int, "kernelTCP": int, "swappiness": int,
               "disableOOMKiller": bool, "useHierarchy": bool, "checkBeforeUpdate": bool},
    "cpu": {"shares": int, "quota": int, "burst": int, "period": int, "realtimeRuntime": int, "realtimePeriod": int,
            "cpus": str, "mems": str, "idle": int},
    "pids": {"limit": int},
    "blockIO": {"weight": int, "leafWeight": int, **dict.fromkeys(THROTTLES, _THROTTLE),
                "weightDevice": [{"major": int, "minor": int, "weight": int, "leafWeight": int}]},
    "hugepageLimits": [{"pageSize": str, "limit": int}],
    "network": {"classID": int, "priorities": [{"name": str, "priority": int}]},
    "rdma": {"*": {"hcaHandles": int, "hcaObjects": int}},
    "devices": [{"allow": bool, "type": str, "major": int, "minor": int, "access": str}],
    "unified": {"*": str},
}  # fmt: skip
_MOST, _U32 = (1 << 63) - 1, (1 << 32) - 1
RANGES = {  # field: (from, to); those of FREE may be -1, for no limit
    **{f"memory.{name}": (1, _MOST) for name in ("limit", "swap", "reservation", "kernel", "kernelTCP")},
    "memory.swappiness": (0, 100),
    "cpu.shares": (2, 1 << 18), "cpu.quota": (1000, _MOST), "cpu.period": (1000, 1_000_000), "cpu.burst": (0, _MOST),
    "cpu.realtimeRuntime": (0, _MOST), "cpu.realtimePeriod": (1, _MOST), "cpu.idle": (0, 1),
    "pids.limit": (1, 1 << 22), "network.classID": (0, _U32), "network.priorities[].priority": (0, _U32),
    "blockIO.weight": (10, 1000), "blockIO.leafWeight": (10, 1000), "blockIO.weightDevice[].weight": (10, 1000),
    "blockIO.weightDevice[].leafWeight": (10, 1000), "hugepageLimits[].limit": (0, _MOST),
    **{f"blockIO.{table}[].rate": (1, _MOST) for table in THROTTLES},
    **{f"blockIO.{table}[].{name}": (0, _U32) for table in ("weightDevice", *THROTTLES) for name in ("major", "minor")},
    **{f"devices[].{name}": (-1, _U32) for name in ("major", "minor")},
}  # fmt: skip
FREE = {"memory.limit", "memory.swap", "memory.reservation", "memory.kernel", "memory.kernelTCP", "cpu.quota",
        "cpu.realtimeRuntime", "pids.limit"}  # fmt: skip
OPTIONAL = {"blockIO.weightDevice[].leafWeight", "devices[].major", "devices[].minor"}


def filled(value):
    """The same, with nothing in it that is null; an engine's weight of 0 stands for none."""
    found = _without_null(value)
    for name in ("weight", "leafWeight"):
        if found.get("blockIO", {}).get(name) == 0:
            del found["blockIO"][name]
    for name in ("cpus", "mems"):
        if found.get("cpu", {}).get(name) == "":
            del found["cpu"][name]
    rule = {"allow": False, "type": "a", "major": None, "minor": None, "access": "rwm"}
    return found | {"devices": [rule | given for given in found.get("devices", [])]}


def _without_null(value):
    if isinstance(value, dict):
        return {name: _without_null(item) for name, item in value.items() if item is not None}
    return [_without_null(item) for item in value if item is not None] if isinstance(value, list) else value


def check(value, update=False, where="linux.resources"):
    """Refuse limits that no kernel would keep; what is `filled` already is looked at."""
    for path, (least, most) in RANGES.items():
        for field, number in _numbers(value, path, where):
            if number is None and "[]" in path and path not in OPTIONAL:
                raise errors.SpecError(f"{field}: missing")
            if number is not None and not (least <= number <= most or (number == -1 and path in FREE)):
                more = ", or -1 for no limit" if path in FREE else ""
                raise errors.SpecError(f"{field}: {number} must be from {least} to {most}{more}")
    _check_memory(value.get("memory", {}), update, f"{where}.memory")
    _check_cpu(value.get("cpu", {}), f"{where}.cpu")
    _check_names(value, where)
    for n, rule in enumerate(value["devices"]):
        _check_rule(rule, f"{where}.devices[{n}]")
    for name, text in value.get("unified", {}).items():
        _check_unified(name, text, f"{where}.unified[{name!r}]")


def _numbers(value, path, where):
    """(field, number or None) for each place that a path like blockIO.weightDevice[].weight leads to."""
    name, dot, rest = path.partition(".")
    if name.endswith("[]"):
        for n, item in enumerate(value.get(name[:-2], [])):
            yield from _numbers(item, rest, f"{where}.{name[:-2]}[{n}]")
    elif dot:
        yield from _numbers(value.get(name, {}), rest, f"{where}.{name}")
    else:
        yield f"{where}.{name}", value.get(name)


def _check_memory(memory, update, where):
    swap, limit = memory.get("swap", -1), memory.get("limit")
    if swap == -1 or (update and limit is None):
        return
    if limit in (None, -1):
        raise errors.SpecError(f"{where}.swap: needs {where}.limit, which it counts in")
    if swap < limit:
        raise errors.SpecError(f"{where}.swap: {swap} is less than {where}.limit, which it counts in")


def _check_cpu(cpu, where):
    for name in ("cpus", "mems"):
        text = cpu.get(name, "0")
        for part in text.split(","):
            first, sign, last = part.partition("-")
            numbers = [first, last] if sign else [first]
            if not all(n.isascii() and n.isdigit() and len(n) < 7 for n in numbers) or int(first) > int(last or first):
                raise errors.SpecError(f"{where}.{name}: {text!r} is not a list like 0-3,6")
    if 0 < cpu.get("quota", 0) < cpu.get("burst", 0):
        raise errors.SpecError(f"{where}.burst: {cpu['burst']} is more than {where}.quota")


def _check_names(value, where):
    """Names that become part of a line or of a file's name."""
    for n, entry in enumerate(value.get("network", {}).get("priorities", [])):
        name = entry.get("name", "")
        if not name or name in (".", "..") or len(name) > 15 or any(c in "/: \t\n" for c in name):
            raise errors.SpecError(f"{where}.network.priorities[{n}].name: {name!r} is no network device's name")
    for n, huge in enumerate(value.get("hugepageLimits", [])):
        size = huge.get("pageSize", "")
        if not (size[:-2].isascii() and size[:-2].isdigit() and size[-2:] in ("KB", "MB", "GB")):
            raise errors.SpecError(f"{where}.hugepageLimits[{n}].pageSize: {size!r} is not a size like 2MB")


def _check_rule(rule, where):
    if rule["type"] not in ("a", "b", "c", ""):
        raise errors.SpecError(f"{where}.type: must be a, b or c, not {rule['type']!r}")
    if rule["access"].strip("rwm"):
        raise errors.SpecError(f"{where}.access: must be some of r, w and m, not {rule['access']!r}")


def _check_unified(name, text, where):
    """A file of the container's own cgroup, by name: it must not lead elsewhere, nor say who is in it."""
    controller, dot, rest = name.partition(".")
    letters = name.replace("_", "").replace(".", "").replace("-", "")
    if not (controller and dot and rest and letters.isascii() and letters.isalnum()) or ".." in name:
        raise errors.SpecError(f"{where}: is not the name of a cgroup's file, like memory.high")
    if controller == "cgroup" and not rest.startswith("max."):
        raise errors.SpecError(f"{where}: is no limit")
    if not text:
        raise errors.SpecError(f"{where}: must not be empty")
