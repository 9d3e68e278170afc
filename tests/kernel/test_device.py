"""Device files, and names that are something else already."""

import os
import stat

import pytest

from labcore import device


@pytest.fixture
def dev(tmp_path):
    (tmp_path / "dev").mkdir()
    return tmp_path / "dev"


def null(**more):
    return {"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o666, "uid": 0, "gid": 0} | more


def make(child, dev, *devices):
    return child(lambda: device.make(os.open(dev.parent, os.O_PATH), list(devices)), "mnt")


def test_every_default_device_is_what_its_name_says(child, dev):
    make(child, dev, *device.DEFAULT)
    for d in device.DEFAULT:
        found = os.stat(dev / os.path.basename(d["path"]))
        assert (stat.S_ISCHR(found.st_mode), found.st_mode & 0o777) == (True, 0o666), d
        host = os.stat(d["path"])
        assert found.st_rdev == host.st_rdev


def test_mode_and_owner_are_as_asked_for_whatever_the_umask(child, dev):
    make(child, dev, null(fileMode=0o640, uid=7, gid=8), {"path": "/dev/fifo", "type": "p", "major": 0, "minor": 0,
                                                          "fileMode": 0o622, "uid": 0, "gid": 0})
    found = os.stat(dev / "null")
    assert (found.st_mode & 0o777, found.st_uid, found.st_gid) == (0o640, 7, 8)
    assert stat.S_ISFIFO(os.stat(dev / "fifo").st_mode) and os.stat(dev / "fifo").st_mode & 0o777 == 0o622


def test_device_that_exists_already_is_taken(child, dev):
    make(child, dev, null())
    make(child, dev, null(fileMode=0o600))
    assert os.stat(dev / "null").st_mode & 0o777 == 0o600


@pytest.mark.parametrize("plant", [
    lambda p: p.write_text(""), lambda p: p.symlink_to("/dev/null"), lambda p: p.mkdir(), lambda p: os.mkfifo(p),
    lambda p: os.mknod(p, stat.S_IFCHR | 0o600, os.makedev(1, 5)), lambda p: p.symlink_to("/etc/shadow"),
], ids=["file", "link", "directory", "fifo", "other device", "link to a secret"])
def test_name_that_is_something_else_is_refused_and_left_as_it_is(plant, child, dev, refusal):
    plant(dev / "null")
    before, secret = os.lstat(dev / "null"), os.stat("/etc/shadow")
    assert child(lambda: refusal(device.make, os.open(dev.parent, os.O_PATH), [null(uid=1)]), "mnt") == [
        "SpecError", "linux.devices: /dev/null exists in the root file system and is something else"]
    after = os.lstat(dev / "null")
    assert (after.st_mode, after.st_uid, after.st_ino) == (before.st_mode, before.st_uid, before.st_ino)
    assert os.stat("/etc/shadow").st_uid == secret.st_uid


def test_bound_device_works_in_a_user_namespace_and_the_hosts_keeps_its_owner(child, dev):
    before = os.stat("/dev/null")
    at = dev
    while at.name != "tmp" and at != at.parent:
        at.chmod(0o777)
        at = at.parent

    def tell():
        device.bind(os.open(dev.parent, os.O_PATH), [null()])
        with open(dev / "null", "w") as file:
            file.write("x")
        return os.stat(dev / "null").st_rdev == os.makedev(1, 3)

    assert child(tell, "user", "mnt") is True
    after = os.stat("/dev/null")
    assert (after.st_uid, after.st_mode, after.st_size) == (before.st_uid, before.st_mode, 0)


def test_host_path_that_is_another_device_is_not_bound(child, dev, refusal):
    kind, text = child(lambda: refusal(device.bind, os.open(dev.parent, os.O_PATH), [null(minor=5)]), "mnt")
    assert (kind, text) == ("HostError", "/dev/null on this machine is another device than expected")


def test_usual_links_are_made_and_old_ones_kept(child, dev):
    os.symlink("/elsewhere", dev / "fd")
    child(lambda: device.link(os.open(dev.parent, os.O_PATH), "/dev", device.LINKS))
    assert os.readlink(dev / "fd") == "/elsewhere" and os.readlink(dev / "stdout") == "/proc/self/fd/1"
    assert os.readlink(dev / "ptmx") == "pts/ptmx"


def test_host_dev_that_is_bound_gets_nothing_made_in_it():
    spec = {"mounts": [{"destination": "/dev/", "type": "bind"}], "linux": {"devices": [], "namespaces": []}}
    assert list(device.plan(spec, {"in_userns": False})) == []
