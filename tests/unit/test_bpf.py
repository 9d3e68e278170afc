"""The device program, run by a machine of our own: what it answers is what the rules say."""

import itertools
import sys

import pytest

from labcore import bpf, cgroupfs

KINDS, BITS = {"b": 1, "c": 2}, {"m": 1, "r": 2, "w": 4}


def answer(program, kind, major, minor, wanted):
    """What the kernel's machine would answer: the few instructions that are used."""
    context = {0: sum(BITS[b] for b in wanted) << 16 | KINDS[kind], 4: major, 8: minor}
    registers, at = {1: 0}, 0
    lines = [program[n : n + 8] for n in range(0, len(program), 8)]
    while True:
        code, target, source = lines[at][0], lines[at][1] & 15, lines[at][1] >> 4
        jump = int.from_bytes(lines[at][2:4], sys.byteorder, signed=True)
        number = int.from_bytes(lines[at][4:8], sys.byteorder)
        at += 1
        if code == 0x95:
            return registers[0]
        if code == 0x61:
            registers[target] = context[jump]
        elif code == 0xB4:
            registers[target] = number
        elif code == 0xBC:
            registers[target] = registers[source]
        elif code == 0x54:
            registers[target] &= number
        elif code == 0x74:
            registers[target] >>= number
        elif code == 0x56:
            at += jump if registers[target] != number else 0
        elif code == 0x16:
            at += jump if registers[target] == number else 0
        else:
            raise AssertionError(f"{code:#x}")


def rules_say(rules, kind, major, minor, wanted):
    """For each bit the last rule that speaks of it decides; nobody speaks: no."""
    def of(bit):
        for allow, its, first, second, access in reversed(rules):
            mine = its == "a" or (its == kind and first in (None, major) and second in (None, minor))
            if mine and bit in access:
                return allow
        return False

    return int(all(map(of, wanted)))


DENY_ALL = (False, "a", None, None, "rwm")
CASES = [
    [], [DENY_ALL], [(True, "a", None, None, "rwm")],
    [DENY_ALL, (True, "c", 1, 3, "rw")],
    [DENY_ALL, (True, "c", 1, 3, "r"), (True, "c", 1, 3, "w")],  # together they allow rw
    [(True, "a", None, None, "rwm"), (False, "b", None, None, "w")],
    [(True, "a", None, None, "rwm"), (False, "c", 1, None, "m"), (True, "c", 1, 5, "m")],
    [DENY_ALL, (True, "c", None, 3, "rwm"), (False, "c", 1, 3, "w"), (True, "b", (1 << 32) - 1, 0, "r")],
    cgroupfs.device_rules([{"allow": False, "type": "a", "access": "rwm"}]),
]


@pytest.mark.parametrize("rules", CASES)
def test_program_answers_what_the_rules_say(rules):
    program = bpf.device_program(rules)
    assert len(program) % 8 == 0
    wishes = ["".join(w) for n in (1, 2, 3) for w in itertools.combinations("rwm", n)]
    for kind, major, minor, wanted in itertools.product("bc", (1, 8, 136, (1 << 32) - 1), (0, 3, 5), wishes):
        assert answer(program, kind, major, minor, wanted) == rules_say(rules, kind, major, minor, wanted)
