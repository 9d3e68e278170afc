"""Capabilities as numbers: the kernel's own."""

import pathlib
import re

import pytest

from labcore import caps, errors

HEADER = pathlib.Path("/usr/include/linux/capability.h")


@pytest.mark.skipif(not HEADER.exists(), reason="no kernel headers here (apt install linux-libc-dev)")
def test_names_have_the_numbers_of_the_kernels_header():
    found = dict(re.findall(r"^#define (CAP_\w+)\s+(\d+)$", HEADER.read_text(), re.M))
    assert {name: 1 << int(number) for name, number in found.items()} == {n: caps.BITS[n] for n in found}


def test_mask_and_back():
    assert caps.mask(["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE", "CAP_CHOWN"]) == 1 | 1 << 40
    assert caps.names(caps.mask(caps.DEFAULT)) == sorted(caps.DEFAULT, key=caps.BITS.get)
    assert caps.mask(["CAP_SYS_ADMIN"]) == 1 << 21
    assert caps.names(0) == []


def test_default_set_is_the_one_engines_give():
    assert caps.mask(caps.DEFAULT) == 0xA80425FB


@pytest.mark.parametrize("name", ["SYS_ADMIN", "cap_sys_admin", "CAP_", ""])
def test_unknown_name_is_refused(name):
    with pytest.raises(errors.SpecError, match=f"^process.capabilities: unknown capability '{name}'"):
        caps.mask([name])
