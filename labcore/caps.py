"""Capabilities: what root is made of. (notebook 10)"""

import errno

from . import errors, syscalls
from .step import inside

NAMES = ("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
         "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT "
         "SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL "
         "SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF "
         "CHECKPOINT_RESTORE")  # fmt: skip
BITS = {f"CAP_{name}": 1 << bit for bit, name in enumerate(NAMES.split())}
# what engines leave to root in a container by default
DEFAULT = [f"CAP_{n}" for n in ("CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP "
                                "NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE").split()]  # fmt: skip


def mask(names, field="process.capabilities"):
    """Names as one bit mask; SpecError names the one that does not exist."""
    total = 0
    for name in names:
        if name not in BITS:
            raise errors.SpecError(f"{field}: unknown capability {name!r}", "see capabilities(7)")
        total |= BITS[name]
    return total


def names(bits):
    """A bit mask as names, in the order of their numbers."""
    return [name for name, bit in BITS.items() if bits & bit]


def limit_bounding(keep):
    """Take everything else out of the bounding set: no program can ever regain it — capabilities(7)."""
    for number in range(64):
        if not keep >> number & 1:
            try:
                syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                return  # past the last capability of this kernel


def keep_over_setuid():
    """Keep the permitted set when the user changes; it is cut down next — prctl(2)."""
    syscalls.prctl(syscalls.PR_SET_KEEPCAPS, 1)


def set(effective, permitted, inheritable, ambient):
    """Set the four sets of this process — capset(2)."""
    have = syscalls.capget()[1]  # what this machine's root lacks cannot be given on
    syscalls.capset(effective & permitted & have, permitted & have, inheritable & (permitted & have))
    syscalls.prctl(syscalls.PR_CAP_AMBIENT, syscalls.PR_CAP_AMBIENT_CLEAR_ALL)
    for number in range(64):
        if ambient >> number & 1 and permitted & inheritable & have >> number & 1:
            syscalls.prctl(syscalls.PR_CAP_AMBIENT, syscalls.PR_CAP_AMBIENT_RAISE, number)


def regain():
    """Make effective again what a change of user has only left permitted — capset(2)."""
    _, permitted, inheritable = syscalls.capget()
    syscalls.capset(permitted, permitted, inheritable)


def plan_bounding(spec):
    """First the bounding set, while we may still change it."""
    sets = spec["process"]["capabilities"]
    yield inside(limit_bounding, keep=mask(sets["bounding"], "process.capabilities.bounding"))
    yield inside(keep_over_setuid)


def plan(spec):
    """After the change of user, the sets that remain."""
    sets = spec["process"]["capabilities"]
    kinds = ("effective", "permitted", "inheritable", "ambient")
    yield inside(set, **{k: mask(sets[k], f"process.capabilities.{k}") for k in kinds})
