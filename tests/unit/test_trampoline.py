"""Is the trampoline what its assembly says, in an ELF that any kernel of its architecture accepts?"""

import os
import pathlib
import shutil
import struct
import subprocess

import pytest

from labcore import trampoline
from labcore.errors import HostError

SOURCES = pathlib.Path(trampoline.__file__).parent
MACHINES = ["x86_64", "aarch64"]
E_MACHINE = {"x86_64": 62, "aarch64": 183}
PREFIX = {"x86_64": "x86_64-linux-gnu-", "aarch64": "aarch64-linux-gnu-"}


def tool(machine, name):
    native = os.uname().machine == machine
    found = shutil.which(PREFIX[machine] + name) or (native and shutil.which(name))
    return found or pytest.skip(f"no {PREFIX[machine]}{name} here to assemble {machine} with")


@pytest.mark.parametrize("machine", MACHINES)
def test_bytes_are_what_the_assembler_makes_of_the_source(machine, tmp_path):
    gcc, objcopy = tool(machine, "gcc"), tool(machine, "objcopy")
    source, unlinked, code = SOURCES / f"trampoline-{machine}.S", tmp_path / "code.o", tmp_path / "code.bin"
    subprocess.run([gcc, "-c", source, "-o", unlinked], check=True)
    subprocess.run([objcopy, "-O", "binary", "-j", ".text", unlinked, code], check=True)
    assert bytes.fromhex(trampoline.MACHINES[machine][1]).hex(" ") == code.read_bytes().hex(" ")


@pytest.mark.parametrize("machine", MACHINES)
def test_elf_header_is_a_fixed_64_bit_executable(machine):
    image = trampoline.image(machine)
    assert image[:16] == b"\x7fELF\x02\x01\x01" + bytes(9)
    kind, e_machine, version, entry, phoff, shoff, flags, ehsize, phentsize, phnum, _, shnum, _ = struct.unpack_from(
        "<HHIQQQIHHHHHH", image, 16)
    assert (kind, e_machine, version, flags) == (2, E_MACHINE[machine], 1, 0)
    assert (ehsize, phoff, phentsize, phnum) == (64, 64, 56, 2)
    assert (shoff, shnum) == (0, 0)
    assert image[entry - trampoline.BASE:] == bytes.fromhex(trampoline.MACHINES[machine][1])


@pytest.mark.parametrize("machine", MACHINES)
def test_one_segment_holds_the_file_and_nothing_is_writable_and_executable(machine):
    image = trampoline.image(machine)
    load, stack = (struct.unpack_from("<IIQQQQQQ", image, 64 + 56 * n) for n in range(2))
    kind, flags, offset, vaddr, _, filesz, memsz, align = load
    assert (kind, flags, offset) == (1, 5, 0)               # PT_LOAD, R+X
    assert filesz == memsz == len(image) < 512
    assert align == 0x10000 and vaddr % align == 0          # pages of 64 KiB, on arm64
    assert stack[:2] == (0x6474E551, 6)                     # PT_GNU_STACK, R+W


@pytest.mark.parametrize("machine", ["riscv64", "i686", "armv8l", ""])
def test_other_machine_is_refused_with_a_hint(machine):
    with pytest.raises(HostError, match=f"machine '{machine}'") as refusal:
        trampoline.image(machine)
    assert "x86_64 and aarch64" in refusal.value.hint


def test_arguments_carry_the_mark_and_the_channel():
    assert trampoline.arguments("/bin/sh", ["sh", "-c", ":"], 255) == [b"\x01\xff", "/bin/sh", "sh", "-c", ":"]


@pytest.mark.parametrize("channel", [-1, 0, 2, 256])
def test_channel_that_one_byte_cannot_say_or_that_is_standard_is_refused(channel):
    with pytest.raises(ValueError):
        trampoline.arguments("/bin/sh", ["sh"], channel)


def test_empty_argv_is_refused():
    with pytest.raises(ValueError):
        trampoline.arguments("/bin/sh", [], 3)


def test_report_is_an_errno_and_silence_is_success():
    assert trampoline.read_report(b"\x02\x00\x00\x80") == 2
    assert trampoline.read_report(b"") == 0
