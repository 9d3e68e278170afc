"""Kernel parameters that belong to a namespace: sysctl(8). (notebook 10)"""

import os

from . import detached, errors, syscalls
from .step import inside

_IPC = {"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax",
        "kernel.shmmni", "kernel.shm_rmid_forced"}  # fmt: skip
_STAY = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS | syscalls.RESOLVE_NO_XDEV


def write(values):
    """Set kernel parameters through a procfs of our own, not the container's — proc(5), /proc/sys."""
    proc = detached.new("proc", [])
    try:
        for name, value in values.items():
            _write(proc, name, value)
    finally:
        os.close(proc)


def _write(proc, name, value):
    try:
        fd = syscalls.openat2(proc, "sys/" + name.replace(".", "/"), os.O_WRONLY, 0, _STAY)
        try:
            os.write(fd, value.encode())
        finally:
            os.close(fd)
    except OSError as error:
        raise errors.SpecError(f"linux.sysctl.{name}: {value!r}: {os.strerror(error.errno)}") from None


def plan(spec):
    """Only parameters that belong to a namespace which the container has of its own."""
    own = {n["type"] for n in spec["linux"]["namespaces"] if not n.get("path")}
    for name in spec["linux"]["sysctl"]:
        kind = "network" if name.startswith("net.") else "ipc" if name in _IPC or name.startswith("fs.mqueue.") else \
               "uts" if name == "kernel.domainname" else None  # fmt: skip
        if kind not in own:
            raise errors.SpecError(f"linux.sysctl.{name}: belongs to the host" if kind is None else
                                   f"linux.sysctl.{name}: needs a new {kind} namespace")  # fmt: skip
    if spec["linux"]["sysctl"]:
        yield inside(write, values=spec["linux"]["sysctl"])
