"""Mount options: mount(8)'s words, mount_setattr(2)'s bits."""

import pytest

from labcore import errors, mount

NONE = {"set": 0, "clear": 0, "rset": 0, "rclear": 0, "propagation": 0, "recursive": False, "bind": False, "data": []}
# linux/mount.h
RDONLY, NOSUID, NODEV, NOEXEC, ATIME, NOATIME, STRICTATIME, NODIRATIME = 1, 2, 4, 8, 0x70, 0x10, 0x20, 0x80


@pytest.mark.parametrize("words, found", [
    ("", {}),
    ("ro", {"set": RDONLY}),
    ("rw", {"clear": RDONLY}),
    ("ro rw", {"clear": RDONLY}),
    ("rw ro", {"set": RDONLY}),
    ("nosuid nodev noexec", {"set": NOSUID | NODEV | NOEXEC}),
    ("suid dev exec", {"clear": NOSUID | NODEV | NOEXEC}),
    ("noatime", {"set": NOATIME, "clear": ATIME}),
    ("noatime strictatime", {"set": STRICTATIME, "clear": ATIME}),
    ("noatime relatime", {"clear": ATIME}),
    ("nodiratime", {"set": NODIRATIME}),
    ("rro", {"rset": RDONLY}),
    ("rro rrw", {"rclear": RDONLY}),
    ("rnosuid relatime", {"rset": NOSUID, "clear": ATIME}),
    ("bind", {"bind": True}),
    ("rbind", {"bind": True, "recursive": True}),
    ("private", {"propagation": 1 << 18, "rpropagation": False}),
    ("rslave", {"propagation": 1 << 19, "rpropagation": True}),
    ("shared", {"propagation": 1 << 20, "rpropagation": False}),
    ("runbindable", {"propagation": 1 << 17, "rpropagation": True}),
    ("size=64k mode=1777 newinstance", {"data": ["size=64k", "mode=1777", "newinstance"]}),
    ("defaults async nofail", {}),
])
def test_options(words, found):
    assert mount.options(words.split()) == NONE | found


def test_every_atime_choice_clears_the_others_first():
    """mount_setattr(2): whoever sets one of them must name the whole group in attr_clr."""
    for word in ("noatime", "strictatime"):
        on, off = mount.ATTRIBUTES[word]
        assert on & ATIME and off & ATIME == ATIME


def test_bind_mount_needs_a_source_and_finds_it_below_the_bundle():
    def steps(**m):
        m = {"destination": "/x", "type": "bind", "source": "", "options": []} | m
        return list(mount.plan({"mounts": [m], "linux": {"namespaces": []}}, "/bundle", {"root": True}))

    with pytest.raises(errors.SpecError, match=r"^mounts\[0\]\.source: a bind mount needs one"):
        steps()
    assert steps(source="data")[0].args["source"] == "/bundle/data"
    assert steps(source="/data")[0].args["source"] == "/data"
    assert steps(source="/data", type="none", options=["rbind"])[0].address == "mount.bind"
    assert steps(type="cgroup") == []
    assert [steps(type=t)[0].args["no_symlinks"] for t in ("proc", "sysfs", "tmpfs")] == [True, True, False]
