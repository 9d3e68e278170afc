"""Which devices a cgroup of version 2 may use: a program in the kernel's own machine language — bpf(2), BPF(7).

It is asked at every open and mknod of a device. For each bit that is wanted (r, w, m) the last rule that speaks of it
decides, as in the files of version 1; what no rule speaks of is denied. r3 holds the bits that are not decided yet.
"""

import sys

_KINDS, _BITS = {"b": 1, "c": 2}, {"m": 1, "r": 2, "w": 4}
# operation codes: class | operation | operand (linux/bpf.h)
_LOAD, _MOVE, _MOVE_REGISTER, _AND, _SHIFT_RIGHT = 0x61, 0xB4, 0xBC, 0x54, 0x74
_IF_NOT, _IF, _EXIT = 0x56, 0x16, 0x95
_NO, _YES = (_MOVE, 0, 0, 0, 0), (_MOVE, 0, 0, 0, 1)


def device_program(rules):
    """Instructions for [(allow, type, major, minor, access)], None being any number (pure)."""
    lines = [(_LOAD, 2, 1, 0, 0), (_MOVE_REGISTER, 3, 2, 0, 0), (_AND, 2, 0, 0, 0xFFFF), (_SHIFT_RIGHT, 3, 0, 0, 16),
             (_LOAD, 4, 1, 4, 0), (_LOAD, 5, 1, 8, 0)]  # fmt: skip
    for allow, kind, major, minor, access in reversed(rules):
        lines += _rule(allow, _KINDS.get(kind), None if kind == "a" else major, None if kind == "a" else minor,
                       sum(_BITS[letter] for letter in set(access)))  # fmt: skip
    return b"".join(map(_encode, [*lines, _NO, (_EXIT, 0, 0, 0, 0)]))


def _rule(allow, kind, major, minor, bits):
    if allow:
        body = [(_AND, 3, 0, 0, ~bits & 7), (_IF_NOT, 3, 0, 2, 0), _YES]
    else:
        body = [(_MOVE_REGISTER, 0, 3, 0, 0), (_AND, 0, 0, 0, bits), (_IF, 0, 0, 2, 0), _NO]
    body.append((_EXIT, 0, 0, 0, 0))
    asked = [(register, number) for register, number in ((2, kind), (4, major), (5, minor)) if number is not None]
    for register, number in reversed(asked):
        body.insert(0, (_IF_NOT, register, 0, len(body), number))
    return body


def _encode(line):
    """struct bpf_insn: code, two registers, how far to jump, a number."""
    code, target, source, jump, number = line
    registers = target | source << 4 if sys.byteorder == "little" else target << 4 | source
    return (bytes([code, registers]) + jump.to_bytes(2, sys.byteorder, signed=True)
            + (number & 0xFFFFFFFF).to_bytes(4, sys.byteorder))  # fmt: skip
