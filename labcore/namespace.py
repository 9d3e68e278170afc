"""Namespaces: the table of kinds, and how a process gets into one. (notebook 00)"""

import os

from . import syscalls
from .step import inside


class Kind(tuple):
    """(flag, clone_name, isolates, since): one row of the table in namespaces(7)."""

    __slots__ = ()
    flag, clone_name, isolates, since = (property(lambda self, i=i: self[i]) for i in range(4))


KINDS = {
    "uts": Kind((syscalls.CLONE_NEWUTS, "CLONE_NEWUTS", "host name and NIS domain name", "2.6.19")),
    "ipc": Kind((syscalls.CLONE_NEWIPC, "CLONE_NEWIPC", "System V IPC, POSIX message queues", "2.6.19")),
    "pid": Kind((syscalls.CLONE_NEWPID, "CLONE_NEWPID", "process IDs", "2.6.24")),
    "net": Kind((syscalls.CLONE_NEWNET, "CLONE_NEWNET", "network devices, addresses, routes, ports", "2.6.29")),
    "mnt": Kind((syscalls.CLONE_NEWNS, "CLONE_NEWNS", "mount points", "2.4.19")),
    "user": Kind((syscalls.CLONE_NEWUSER, "CLONE_NEWUSER", "user and group IDs, capabilities", "3.8")),
    "cgroup": Kind((syscalls.CLONE_NEWCGROUP, "CLONE_NEWCGROUP", "cgroup root directory", "4.6")),
    "time": Kind((syscalls.CLONE_NEWTIME, "CLONE_NEWTIME", "boot and monotonic clocks", "5.6")),
}
OCI_TYPES = {"uts": "uts", "ipc": "ipc", "pid": "pid", "network": "net", "mount": "mnt", "user": "user",
             "cgroup": "cgroup", "time": "time"}  # fmt: skip


def inspect(pid="self"):
    """{kind: "uts:[4026531838]", …} of a process, as far as we may look — namespaces(7)."""
    found = {}
    for kind in KINDS:
        try:
            found[kind] = os.readlink(f"/proc/{pid}/ns/{kind}")
        except FileNotFoundError:
            if not os.path.exists(f"/proc/{pid}"):
                raise ProcessLookupError(3, f"/proc/{pid}/ns/{kind}: there is no such process") from None
    return found


def flags(kinds):
    """The clone flags of these kinds, or-ed together — clone(2)."""
    total = 0
    for kind in kinds:
        total |= KINDS[kind].flag
    return total


def unshare(kinds):
    """Leave shared namespaces for new ones of one's own — unshare(2)."""
    syscalls.unshare(flags(kinds))


def plan(spec):
    """The cgroup namespace comes after init has joined its cgroup: that cgroup becomes its root."""
    if any(n["type"] == "cgroup" and not n.get("path") for n in spec["linux"]["namespaces"]):
        yield inside(unshare, kinds=["cgroup"])
