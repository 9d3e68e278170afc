"""A profile that cannot be understood is refused with the field's name; nothing is compiled here."""

import pytest

from labcore import caps, errors, profile, seccomp, spec

OTHERS = {"defaultAction": "SCMP_ACT_ALLOW"}


def rule(**more):
    return OTHERS | {"syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"} | more]}


def argument(**more):
    return rule(args=[{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"} | more])


@pytest.mark.parametrize("value, said", [
    ({}, "defaultAction: missing"),
    ({"defaultAction": "SCMP_ACT_PANIC"}, "defaultAction: unknown action 'SCMP_ACT_PANIC'"),
    ({"defaultAction": "SCMP_ACT_NOTIFY"},
     "defaultAction: SCMP_ACT_NOTIFY would wait for an answer to every call"),
    (OTHERS | {"defaultErrnoRet": 1}, "defaultErrnoRet: SCMP_ACT_ALLOW returns no errno"),
    ({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 4096}, "defaultErrnoRet: 4096 is no errno"),
    (OTHERS | {"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_Z80"]},
     "architectures[1]: unknown architecture 'SCMP_ARCH_Z80'"),
    (OTHERS | {"flags": ["SECCOMP_FILTER_FLAG_FAST"]}, "flags[0]: unknown flag 'SECCOMP_FILTER_FLAG_FAST'"),
    (OTHERS | {"flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]},
     "flags: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs a rule SCMP_ACT_NOTIFY"),
    (OTHERS | {"syscalls": [{"action": "SCMP_ACT_ERRNO"}]}, "syscalls[0].names: must not be empty"),
    (rule(names=[]), "syscalls[0].names: must not be empty"),
    (OTHERS | {"syscalls": [{"names": ["mkdir"]}]}, "syscalls[0].action: missing"),
    (rule(action="DENY"), "syscalls[0].action: unknown action 'DENY'"),
    (rule(errnoRet=-1), "syscalls[0].errnoRet: -1 is no errno"),
    (rule(action="SCMP_ACT_KILL", errnoRet=1), "syscalls[0].errnoRet: SCMP_ACT_KILL returns no errno"),
    (argument(index=6), "syscalls[0].args[0].index: 6, but a system call has six arguments, 0 to 5"),
    (argument(value=-1), "syscalls[0].args[0].value: -1 is below zero"),
    (argument(op="SCMP_CMP_LIKE"), "syscalls[0].args[0].op: unknown operator 'SCMP_CMP_LIKE'"),
    (rule(args=[{"index": 0, "value": 1}]), "syscalls[0].args[0].op: missing"),
    (rule(args=[{"op": "SCMP_CMP_EQ", "value": 1}]), "syscalls[0].args[0].index: missing"),
    (rule(args=[{"op": "SCMP_CMP_EQ", "index": 1}]), "syscalls[0].args[0].value: missing"),
    (rule(action="SCMP_ACT_NOTIFY"),
     "listenerPath: SCMP_ACT_NOTIFY needs the absolute path of a listening socket"),
    (rule(action="SCMP_ACT_NOTIFY") | {"listenerPath": "agent"},
     "listenerPath: SCMP_ACT_NOTIFY needs the absolute path of a listening socket"),
    (OTHERS | {"listenerMetadata": "x"}, "listenerMetadata: must not be set without listenerPath"),
])  # fmt: skip
def test_refused(value, said):
    with pytest.raises(errors.SpecError) as raised:
        seccomp.check(value)
    assert raised.value.args[0] == f"linux.seccomp.{said}"


@pytest.mark.parametrize("value", [
    None, OTHERS, OTHERS | {"listenerPath": "/ignored"}, OTHERS | {"syscalls": None, "flags": None},
    {"defaultAction": "SCMP_ACT_TRACE", "defaultErrnoRet": 0}, argument(value=2**64 - 1, valueTwo=None),
    rule(action="SCMP_ACT_NOTIFY") | {"listenerPath": "/agent", "listenerMetadata": "x"},
    OTHERS | {"flags": list(seccomp.FLAGS)[:3], "architectures": seccomp.ARCHITECTURES},
])  # fmt: skip
def test_taken(value):
    seccomp.check(value)


def test_the_usual_profile_passes_the_check_that_it_is_spared():
    for machine in ("x86_64", "aarch64", "riscv64"):
        for capabilities in (caps.DEFAULT, [], list(caps.BITS)):
            value = profile.usual(capabilities, machine)
            seccomp.check(value)
            spec.check_shape(value, seccomp.SHAPE, "linux.seccomp")
