"""What a container uses, in the words that engines expect of `events --stats`; read from either version's files."""

import os

from . import cgroupfs, runtime


def data(known):
    """The statistics of one container, {} when it has no cgroup; what this machine does not count is left out."""
    if not known["cgroup"]:
        return {}
    paths = runtime.places(known)
    return _without_none((_version1 if known["cgroup"] == 1 else _version2)(paths))


def _without_none(value):
    if not isinstance(value, dict):
        return value
    return {k: _without_none(v) for k, v in value.items() if v is not None}


def _number(directory, file):
    """A file's number; None when there is none, or no limit."""
    text = cgroupfs.read(directory, file) or ""
    return int(text) if text.isdigit() and int(text) < 1 << 62 else None


def _table(directory, file):
    """{word: number} of a file of lines `word number`."""
    lines = (line.split() for line in (cgroupfs.read(directory, file) or "").splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdigit()}


def _version1(paths):
    def of(subsystem):
        return paths.get(subsystem, "/nowhere")

    ticks, stat = _table(of("cpuacct"), "cpuacct.stat"), _table(of("cpu"), "cpu.stat")
    tick_ns, raw = 1_000_000_000 // os.sysconf("SC_CLK_TCK"), _table(of("memory"), "memory.stat")
    each = (cgroupfs.read(of("cpuacct"), "cpuacct.usage_percpu") or "").split()
    return {
        "cpu": {"usage": {"total": _number(of("cpuacct"), "cpuacct.usage"), "percpu": [int(n) for n in each],
                          "kernel": ticks.get("system", 0) * tick_ns, "user": ticks.get("user", 0) * tick_ns},
                "throttling": {"periods": stat.get("nr_periods", 0), "throttledPeriods": stat.get("nr_throttled", 0),
                               "throttledTime": stat.get("throttled_time", 0)}},
        "memory": {"cache": raw.get("total_cache", raw.get("cache")), "raw": raw,
                   "usage": _memory1(of("memory"), "memory"), "swap": _memory1(of("memory"), "memory.memsw"),
                   "kernel": _memory1(of("memory"), "memory.kmem"),
                   "kernelTCP": _memory1(of("memory"), "memory.kmem.tcp"),
                   "oomKills": cgroupfs.entry(of("memory"), "memory.oom_control", "oom_kill")},
        "pids": _pids(of("pids")),
        "blkio": {"ioServiceBytesRecursive": _operations1(of("blkio"), "blkio.throttle.io_service_bytes_recursive"),
                  "ioServicedRecursive": _operations1(of("blkio"), "blkio.throttle.io_serviced_recursive")},
        "hugetlb": _huge(of("hugetlb"), "usage_in_bytes", "max_usage_in_bytes"),
    }  # fmt: skip


def _memory1(directory, prefix):
    files = {"usage": "usage_in_bytes", "limit": "limit_in_bytes", "max": "max_usage_in_bytes", "failcnt": "failcnt"}
    return {name: _number(directory, f"{prefix}.{file}") for name, file in files.items()}


def _operations1(directory, file):
    lines = (line.split() for line in (cgroupfs.read(directory, file) or "").splitlines())
    return [{"major": int(words[0].split(":")[0]), "minor": int(words[0].split(":")[1]), "op": words[1],
             "value": int(words[2])} for words in lines if len(words) == 3]  # fmt: skip


def _version2(paths):
    directory = paths["unified"]
    stat, raw = _table(directory, "cpu.stat"), _table(directory, "memory.stat")
    events = _table(directory, "memory.events")
    return {
        "cpu": {"usage": {"total": stat.get("usage_usec", 0) * 1000, "kernel": stat.get("system_usec", 0) * 1000,
                          "user": stat.get("user_usec", 0) * 1000},
                "throttling": {"periods": stat.get("nr_periods", 0), "throttledPeriods": stat.get("nr_throttled", 0),
                               "throttledTime": stat.get("throttled_usec", 0) * 1000}},
        "memory": {"cache": raw.get("file"), "raw": raw,
                   "usage": {"usage": _number(directory, "memory.current"), "limit": _number(directory, "memory.max"),
                             "max": _number(directory, "memory.peak"), "failcnt": events.get("max")},
                   "swap": {"usage": _number(directory, "memory.swap.current"),
                            "limit": _number(directory, "memory.swap.max")},
                   "oomKills": events.get("oom_kill")},
        "pids": _pids(directory),
        "blkio": _operations2(cgroupfs.read(directory, "io.stat") or ""),
        "hugetlb": _huge(directory, "current", None),
    }  # fmt: skip


def _operations2(text):
    found = {"ioServiceBytesRecursive": [], "ioServicedRecursive": []}
    names = {"rbytes": (0, "Read"), "wbytes": (0, "Write"), "rios": (1, "Read"), "wios": (1, "Write")}
    for line in text.splitlines():
        device, *words = line.split()
        for name, _, number in (word.partition("=") for word in words):
            if name in names:
                which, operation = names[name]
                [*found.values()][which].append({"major": int(device.split(":")[0]), "op": operation,
                                                 "minor": int(device.split(":")[1]), "value": int(number)})  # fmt: skip
    return found


def _pids(directory):
    return {"current": _number(directory, "pids.current"), "limit": _number(directory, "pids.max"),
            "refused": cgroupfs.entry(directory, "pids.events", "max")}  # fmt: skip


def _huge(directory, used, most):
    found = {}
    for file in sorted(os.listdir(directory)) if os.path.isdir(directory) else ():
        name, _, rest = file.removeprefix("hugetlb.").partition(".")
        if file.startswith("hugetlb.") and rest == used:
            found[name] = {"usage": _number(directory, file),
                           "max": _number(directory, f"hugetlb.{name}.{most}") if most else None}  # fmt: skip
    return found


def row(known, counted, cpu_percent=None):
    """One line of `labcore stats` as a dict, from what `data` counted."""
    memory, pids = counted.get("memory", {}), counted.get("pids", {})
    moved = counted.get("blkio", {}).get("ioServiceBytesRecursive", [])
    return {"name": known["id"], "status": known["status"], "cpu_percent": cpu_percent,
            "memory_bytes": memory.get("usage", {}).get("usage"),
            "memory_limit_bytes": memory.get("usage", {}).get("limit"), "pids": pids.get("current"),
            "pids_limit": pids.get("limit"), "read_bytes": sum(m["value"] for m in moved if m["op"] == "Read"),
            "written_bytes": sum(m["value"] for m in moved if m["op"] == "Write"),
            "oom_kills": memory.get("oomKills", 0), "forks_refused": pids.get("refused", 0)}  # fmt: skip
