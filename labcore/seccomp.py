"""seccomp: a filter in the kernel decides which system calls a program may make. (notebook 10)

A profile names calls and actions. libseccomp turns it into a program for the kernel's small filter machine. That
happens on the host's side, before there is a container, and the result is kept on disk; inside, it is only installed.
"""

import os
import sys

from . import errors, jsonfile, shelf, syscalls
from .step import Descriptor, handle, host, inside

_ARGUMENT = {"index": int, "value": int, "valueTwo": int, "op": str}
SHAPE = {
    "defaultAction": str, "defaultErrnoRet": int, "architectures": [str], "flags": [str], "listenerPath": str,
    "listenerMetadata": str, "syscalls": [{"names": [str], "action": str, "errnoRet": int, "args": [_ARGUMENT]}],
}  # fmt: skip
ALLOW, LOG, NOTIFY, ERRNO, TRACE = 0x7FFF0000, 0x7FFC0000, 0x7FC00000, 0x50000, 0x7FF00000
ACTIONS = {f"SCMP_ACT_{name}": number for name, number in {
    "KILL": 0, "KILL_THREAD": 0, "KILL_PROCESS": 0x80000000, "TRAP": 0x30000, "ERRNO": ERRNO, "TRACE": TRACE,
    "NOTIFY": NOTIFY, "LOG": LOG, "ALLOW": ALLOW}.items()}  # fmt: skip
OPERATORS = [f"SCMP_CMP_{name}" for name in "NE LT LE EQ GE GT MASKED_EQ".split()]  # numbered from 1 on
ARCHITECTURES = [f"SCMP_ARCH_{name}" for name in (
    "X86 X86_64 X32 ARM AARCH64 LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE "
    "S390 S390X PARISC PARISC64 RISCV64 SH SHEB").split()]  # fmt: skip
FLAGS = {"SECCOMP_FILTER_FLAG_TSYNC": 1, "SECCOMP_FILTER_FLAG_LOG": 2, "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 4,
         "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": 32}  # fmt: skip
_COMPILED = ("defaultAction", "defaultErrnoRet", "architectures", "syscalls")  # the rest is not part of the program
_OPTIMIZE = 8  # libseccomp's SCMP_FLTATR_CTL_OPTIMIZE
# What must still pass between the filter and the program, with the arguments as far as they are known.
LAST = {"execveat": [3, 0, 0, 0, syscalls.AT_EMPTY_PATH], "fcntl": [3, 2, 1], "execve": []}
DROP = {"capget": [], "capset": [], "prctl": [syscalls.PR_CAP_AMBIENT, syscalls.PR_CAP_AMBIENT_CLEAR_ALL]}
TELL = {"sendmsg": [3], "close": [3], "recvmsg": [3], "recvfrom": [3]}


# -- a profile is checked ----------------------------------------------------------------------------------------------


def check(profile):
    """Refuse what libseccomp and the kernel would not understand; SpecError names the field."""
    where = "linux.seccomp"
    if profile is None:
        return
    _check_action(profile, "defaultAction", "defaultErrnoRet", where)
    if profile["defaultAction"] == "SCMP_ACT_NOTIFY":
        raise errors.SpecError(f"{where}.defaultAction: SCMP_ACT_NOTIFY would wait for an answer to every call")
    for field, known in (("architectures", ARCHITECTURES), ("flags", FLAGS)):
        for n, name in enumerate(profile.get(field) or []):
            if name not in known:
                raise errors.SpecError(f"{where}.{field}[{n}]: unknown {field[:-1]} {name!r}")
    for n, rule in enumerate(profile.get("syscalls") or []):
        if not rule.get("names"):
            raise errors.SpecError(f"{where}.syscalls[{n}].names: must not be empty")
        _check_action(rule, "action", "errnoRet", f"{where}.syscalls[{n}]")
        for k, argument in enumerate(rule.get("args") or []):
            _check_argument(argument, f"{where}.syscalls[{n}].args[{k}]")
    if notifies(profile) and not (profile.get("listenerPath") or "").startswith("/"):
        raise errors.SpecError(f"{where}.listenerPath: SCMP_ACT_NOTIFY needs the absolute path of a listening socket")
    if profile.get("listenerMetadata") and not profile.get("listenerPath"):
        raise errors.SpecError(f"{where}.listenerMetadata: must not be set without listenerPath")
    if "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" in (profile.get("flags") or []) and not notifies(profile):
        raise errors.SpecError(f"{where}.flags: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs a rule SCMP_ACT_NOTIFY")


def _check_action(rule, name, code, where):
    action = rule.get(name)
    if action is None:
        raise errors.SpecError(f"{where}.{name}: missing")
    if action not in ACTIONS:
        raise errors.SpecError(f"{where}.{name}: unknown action {action!r}")
    if rule.get(code) is not None and ACTIONS[action] not in (ERRNO, TRACE):
        raise errors.SpecError(f"{where}.{code}: {action} returns no errno")
    if not 0 <= (rule.get(code) or 0) <= 4095:
        raise errors.SpecError(f"{where}.{code}: {rule[code]} is no errno")


def _check_argument(argument, where):
    for name in ("index", "value", "op"):
        if argument.get(name) is None:
            raise errors.SpecError(f"{where}.{name}: missing")
    if not 0 <= argument["index"] <= 5:
        raise errors.SpecError(f"{where}.index: {argument['index']}, but a system call has six arguments, 0 to 5")
    for name in ("value", "valueTwo"):
        if (argument.get(name) or 0) < 0:
            raise errors.SpecError(f"{where}.{name}: {argument[name]} is below zero")
    if argument["op"] not in OPERATORS:
        raise errors.SpecError(f"{where}.op: unknown operator {argument['op']!r}")


def notifies(profile):
    """Does a rule ask a listener?"""
    return any(rule["action"] == "SCMP_ACT_NOTIFY" for rule in profile.get("syscalls") or [])


# -- and becomes a program for the kernel's filter machine -------------------------------------------------------------


def compile(profile, needed, cache):
    """Turn the profile into a filter program, or find it among those made before — seccomp_export_bpf(3)."""
    this = os.uname()
    key = jsonfile.dumps([profile, needed, _version(this.machine), this.machine, this.release, this.version]).encode()
    program = shelf.recall(cache, key)
    if program is None:
        library = _load()
        program = _translate(library, profile)
        _check_passes(library, program, needed)
        shelf.remember(cache, key, program)
    return {"filter": program.hex()}


def _version(machine):
    """Which libseccomp this is. Its file says so in microseconds; to load it and to ask takes half a millisecond."""
    for place in (f"/usr/lib/{machine}-linux-gnu", "/usr/lib64", "/usr/lib"):
        try:
            found = os.stat(f"{place}/libseccomp.so.2")
        except OSError:
            continue
        return [place, found.st_ino, found.st_size, found.st_mtime_ns]
    return list(_load().seccomp_version().contents)


def _load():
    try:
        return syscalls.libseccomp()
    except OSError:
        raise errors.HostError("linux.seccomp: no libseccomp.so.2 on this machine", "apt install libseccomp2") from None


def _translate(library, profile):
    default = _action(profile["defaultAction"], profile.get("defaultErrnoRet"))
    context = library.seccomp_init(default)
    if not context:
        raise errors.SpecError("linux.seccomp.defaultAction: this kernel or libseccomp cannot do "
                               f"{profile['defaultAction']}")  # fmt: skip
    try:
        for n, name in enumerate(profile.get("architectures") or []):
            where = f"linux.seccomp.architectures[{n}]"
            token = library.seccomp_arch_resolve_name(name.removeprefix("SCMP_ARCH_").lower().encode())
            _agree(library.seccomp_arch_add(context, token), where, f"{name} does not go with this machine")
        for n, rule in enumerate(profile.get("syscalls") or []):
            _add_rule(library, context, rule, default, f"linux.seccomp.syscalls[{n}]")
        return _export(library, context)
    finally:
        library.seccomp_release(context)


def _action(name, code):
    return ACTIONS[name] | ((1 if code is None else code) if ACTIONS[name] in (ERRNO, TRACE) else 0)  # 1 is EPERM


def _add_rule(library, context, rule, default, where):
    action = _action(rule["action"], rule.get("errnoRet"))
    if action == default:
        return
    for k, name in enumerate(rule["names"]):
        number = library.seccomp_syscall_resolve_name(os.fsencode(name))
        if number == -1:  # newer than this libseccomp, or no call at all
            if default in (ALLOW, LOG):
                raise errors.SpecError(f"{where}.names[{k}]: this libseccomp knows no call {name!r}, and without its "
                                       "rule it would be allowed")  # fmt: skip
            continue  # forbidden by default: to leave it out allows nothing
        for conditions in _alternatives(rule.get("args") or []):
            result = library.seccomp_rule_add_array(context, action, number, len(conditions), b"".join(conditions))
            _agree(result, where, f"libseccomp refuses this rule for {name}")


def _alternatives(arguments):
    """Conditions that hold together; those on one and the same argument become rules of their own, as elsewhere."""
    rows = [a["index"].to_bytes(4, sys.byteorder) + (OPERATORS.index(a["op"]) + 1).to_bytes(4, sys.byteorder) +
            a["value"].to_bytes(8, sys.byteorder) + (a.get("valueTwo") or 0).to_bytes(8, sys.byteorder)
            for a in arguments]  # fmt: skip
    return [[row] for row in rows] if len({a["index"] for a in arguments}) < len(rows) else [rows]


def _agree(result, where, why):
    if result not in (0, -17):  # EEXIST: an earlier rule says it already
        raise errors.SpecError(f"{where}: {why}: {os.strerror(-result)}")


def _export(library, context):
    library.seccomp_attr_set(context, _OPTIMIZE, 2)  # a search tree: the kernel takes half the time to install it
    fd = os.memfd_create("filter", os.MFD_CLOEXEC)
    try:
        _agree(library.seccomp_export_bpf(context, fd), "linux.seccomp", "libseccomp cannot make a program of it")
        return os.pread(fd, 1 << 20, 0)
    finally:
        os.close(fd)


def _check_passes(library, program, needed):
    """Under a filter that forbids the last calls before the program, nobody could even say what went wrong."""
    native = library.seccomp_arch_native()
    for name, arguments in needed.items():
        found = answer(program, native, library.seccomp_syscall_resolve_name(name.encode()), arguments) & 0xFFFF0000
        if found not in (ALLOW, LOG) and not (found == NOTIFY and name not in TELL):
            raise errors.SpecError(f"linux.seccomp.syscalls: the filter lets no {name} pass, without which the program "
                                   "cannot be started", f"allow {', '.join(needed)}")  # fmt: skip


def answer(program, architecture, number, arguments):
    """What the filter says to one call: the kernel's machine, in those of its instructions that libseccomp uses."""
    data = b"".join([number.to_bytes(4, "little"), architecture.to_bytes(4, "little"), bytes(8),
                     *[a.to_bytes(8, "little") for a in (*arguments, 0, 0, 0, 0, 0, 0)[:6]]])  # fmt: skip
    at = value = 0
    while True:
        this = program[8 * at : 8 * at + 8]
        code, yes, no, k = this[0], this[2], this[3], int.from_bytes(this[4:], sys.byteorder)
        at += 1
        if code == 0x06:  # return
            return k
        if code == 0x20:  # load 32 bits
            value = int.from_bytes(data[k : k + 4], "little")
        elif code == 0x54:  # and
            value &= k
        elif code == 0x05:  # jump
            at += k
        else:  # jump if equal, greater, greater or equal, any bit set
            at += yes if {0x15: value == k, 0x25: value > k, 0x35: value >= k, 0x45: value & k}[code] else no


# -- and is installed --------------------------------------------------------------------------------------------------


def install(program, flags):
    """Let this filter decide about every system call from here on — seccomp(2)."""
    listener = syscalls.seccomp(syscalls.SECCOMP_SET_MODE_FILTER, flags, bytes.fromhex(program))
    if flags & syscalls.SECCOMP_FILTER_FLAG_NEW_LISTENER:
        return {"notify": Descriptor(listener)}
    return None


def plan_host(spec, facts):
    """Before anything is made: a profile that cannot be compiled leaves nothing behind."""
    profile = spec["linux"]["seccomp"]
    if profile:
        needed = LAST | ({} if spec["process"]["noNewPrivileges"] else DROP) | (TELL if notifies(profile) else {})
        compiled = {k: profile.get(k) for k in _COMPILED}
        yield host(compile, profile=compiled, needed=needed, cache=facts.get("cache"))  # fmt: skip


def plan(spec):
    """The last thing before the program: every later call must pass the filter."""
    profile = spec["linux"]["seccomp"]
    if profile:
        flags = sum(FLAGS[name] for name in set(profile.get("flags") or []))
        if notifies(profile):  # there is one thread: nothing to synchronize, and the two exclude each other
            flags = flags & ~FLAGS["SECCOMP_FILTER_FLAG_TSYNC"] | syscalls.SECCOMP_FILTER_FLAG_NEW_LISTENER
        yield inside(install, program=handle("filter"), flags=flags)
