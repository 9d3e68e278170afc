"""Limits as words of the command line, for `run` and for `update`: to linux.resources."""

import os

from . import errors, jsonfile, spec
from . import resources as limits_of
from .options import Option

MEMORY_MIN_BYTES = 512 << 10
_UNITS = {"b": 0, "k": 10, "m": 20, "g": 30}
SIZES = {"memory": "limit", "memory_swap": "swap", "memory_reservation": "reservation"}  # word: linux.resources.memory
NUMBERS = {  # word: where it stands in linux.resources
    "pids_limit": ("pids", "limit"), "cpu_shares": ("cpu", "shares"), "blkio_weight": ("blockIO", "weight"),
    "cpu_quota": ("cpu", "quota"), "cpu_period": ("cpu", "period"), "cpu_burst": ("cpu", "burst"),
    "cpu_idle": ("cpu", "idle"), "cpu_rt_runtime": ("cpu", "realtimeRuntime"),
    "cpu_rt_period": ("cpu", "realtimePeriod"),
}  # fmt: skip
RUN = [
    Option("-m --memory", "SIZE", "memory limit: 64m, 1g"),
    Option("--memory-swap", "SIZE", "limit of memory and swap together; -1 for none"),
    Option("--memory-reservation", "SIZE", "what it keeps when memory is short"),
    Option("--cpus", "N", "processors: 0.5 is half of one"),
    Option("--cpu-share --cpu-shares", "N", "weight against others: 1024 is usual"),
    Option("--cpuset-cpus", "LIST", "on these processors only: 0-3,6"),
    Option("--cpuset-mems", "LIST", "with memory of these nodes only"),
    Option("--pids-limit", "N", "how many processes at most"),
    Option("--blkio-weight", "N", "weight of its input and output, from 10 to 1000"),
]
UPDATE = [
    *RUN,
    *[Option(f"--cpu-{k}", "MICROSECONDS", what) for k, what in (
        ("quota", "how long it may run in each period; -1 for no limit"), ("period", "how long a period is"),
        ("burst", "how much it may save up"), ("rt-runtime", "real-time quota"), ("rt-period", "real-time period"))],
    Option("--cpu-idle", "0|1", "run only when nobody else wants to"),
    Option("-r --resources", "FILE", "limits as OCI JSON, like linux.resources; - is standard input"),
]  # fmt: skip


def resources(o):
    """The limits among the options, as linux.resources."""
    found = {}
    for word, field in SIZES.items():
        if word in o:
            unlimited = o[word] == "-1" and (word != "memory" or o.get("update"))
            size = -1 if unlimited else size_bytes(o[word], f"--{word.replace('_', '-')}")
            found.setdefault("memory", {})[field] = size
    if "cpus" in o:
        found["cpu"] = {"quota": _cpus(o["cpus"]), "period": 100_000}
    for word, (group, field) in NUMBERS.items():
        if word in o:
            found.setdefault(group, {})[field] = _number(o[word], word, -1 if o.get("update") else 1)
    for field in ("cpus", "mems"):
        if f"cpuset_{field}" in o:
            found.setdefault("cpu", {})[field] = o[f"cpuset_{field}"]
    return found


def load(path):
    """The linux.resources in a JSON file, as `update --resources` names it; - is standard input."""
    if path != "-":
        return checked(spec.read(path, "limits are an object like linux.resources"))
    data = part = os.read(0, 1 << 16)
    while part and len(data) < 1 << 20:
        part = os.read(0, 1 << 16)
        data += part
    try:
        return checked(jsonfile.loads(data.decode("utf-8")))
    except ValueError as error:
        raise errors.SpecError(f"--resources -: not JSON: {error}") from None


def checked(value):
    """linux.resources alone, checked and filled, for a container that exists."""
    spec.check_shape(value, spec.SHAPE["linux"]["resources"], "linux.resources")
    filled = limits_of.filled(value)
    limits_of.check(filled, update=True)
    return filled


def _number(text, word, least):
    if not (text.removeprefix("-").isdigit() and text.isascii() and least <= int(text[:20]) < 1 << 63):
        raise errors.SpecError(f"--{word.replace('_', '-')} {text!r}: must be a number from {least} on")
    return int(text)


def size_bytes(text, option="--memory"):
    """`64m` as a number of bytes; units b, k, m, g."""
    number, unit = (text[:-1], text[-1].lower()) if text[-1:].lower() in _UNITS and text else (text, "b")
    try:
        size = int(float(number) * (1 << _UNITS[unit]))
    except (ValueError, OverflowError):
        raise errors.SpecError(f"{option} {text!r}: not a size", "write a number with b, k, m or g: 64m") from None
    if size < MEMORY_MIN_BYTES:
        raise errors.SpecError(f"{option} {text}: less than {MEMORY_MIN_BYTES >> 10} KiB, in which no program starts",
                               "6m is enough for busybox")  # fmt: skip
    if size >= 1 << 63:
        raise errors.SpecError(f"{option} {text}: more than the kernel can count")
    has = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if option == "--memory" and size > has:
        raise errors.SpecError(f"--memory {text}: more than the {short_size(has)} that this machine has")
    return size


def _cpus(text):
    has = os.sysconf("SC_NPROCESSORS_ONLN")
    try:
        cpus = float(text)
    except ValueError:
        cpus = -1
    if not cpus >= 0.01:
        raise errors.SpecError(f"--cpus {text!r}: must be a number of processors from 0.01 on")
    if cpus > has:
        raise errors.SpecError(f"--cpus {text}: more than the {has} that this machine has")
    return int(cpus * 100_000)


def short_size(size):
    """A number of bytes as people write it: 32m, 1.5g."""
    for unit in ("", "k", "m", "g"):
        if size < 1024 or unit == "g":
            break
        size /= 1024
    return f"{size:.1f}".removesuffix(".0") + unit
