"""detached.py: a file system that is nowhere until it is attached."""

import os

import pytest

from labcore import detached, syscalls

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a new mount needs root")


def test_what_is_detached_can_be_used_and_is_seen_by_nobody():
    with open("/proc/self/mountinfo") as file:
        before = file.read()
    fd = detached.new("tmpfs", ["size=64k", "mode=711"], syscalls.MOUNT_ATTR_NOEXEC)
    try:
        assert os.fstat(fd).st_mode & 0o777 == 0o711
        assert os.fstatvfs(fd).f_blocks * os.fstatvfs(fd).f_frsize == 64 << 10
        assert os.fstatvfs(fd).f_flag & os.ST_NOEXEC
        with open("/proc/self/mountinfo") as file:
            assert file.read() == before
    finally:
        os.close(fd)


@pytest.mark.parametrize("fstype, parameters, said", [
    ("tmpfs", ["source=x", "size=much"], "tmpfs [size=much]: "),
    ("tmpfs", ["nonsense"], "Unknown parameter 'nonsense'"),
    ("nonsense", [], "nonsense"),
])  # fmt: skip
def test_a_refusal_says_what_was_asked_and_what_the_file_system_said(fstype, parameters, said):
    with pytest.raises(OSError) as refused:
        detached.new(fstype, parameters)
    assert said in refused.value.strerror
