"""The machine and how busy it was: figures mean little without."""

import os
import pathlib
import platform
import shutil
import subprocess
import time


def read(path, missing=""):
    """A small file of the kernel's."""
    try:
        return pathlib.Path(path).read_text()
    except OSError:
        return missing


def first_line(*argv):
    """The first line that a program prints, or None when it is not there or fails."""
    if shutil.which(argv[0]) is None:
        return None
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return None if done.returncode else (done.stdout.splitlines() or [None])[0]


def facts(root):
    """[(what, value)], nothing that names the machine or a path on it."""
    cpu = value("/proc/cpuinfo", "model name") or "?"
    kb = int((value("/proc/meminfo", "MemTotal") or "0").split()[0])
    known = [
        ("kernel", f"{platform.release()} {platform.machine()}"), ("processors", f"{os.cpu_count()} × {cpu}"),
        ("memory", f"{kb / (1 << 20):.1f} GiB"), ("cgroups", cgroups()), ("Python", platform.python_version()),
        ("crun", first_line("crun", "--version")), ("runc", first_line("runc", "--version")),
        ("commit", first_line("git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*")),
        ("date", time.strftime("%Y-%m-%d")),
    ]  # fmt: skip
    return [(what, value) for what, value in known if value]


def value(path, key):
    """What stands behind the first `key:` of a file, or None."""
    return next((line.partition(":")[2].strip() for line in read(path).splitlines() if line.startswith(key)), None)


def cgroups():
    """Which versions are mounted."""
    kinds = {line.partition(" - ")[2].split(" ")[0] for line in read("/proc/self/mountinfo").splitlines()}
    return " and ".join(word for kind, word in (("cgroup", "version 1"), ("cgroup2", "version 2")) if kind in kinds)


def load():
    """The load average of the last minute."""
    return os.getloadavg()[0]


def stolen():
    """(jiffies taken by others on this hypervisor, all jiffies) — proc(5), stat."""
    numbers = [int(n) for n in read("/proc/stat", "cpu 0").splitlines()[0].split()[1:9]]
    return (numbers[7] if len(numbers) > 7 else 0), sum(numbers)
