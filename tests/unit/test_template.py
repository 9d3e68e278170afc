"""The busybox root file system, from this machine's own busybox."""

import os
import subprocess

import pytest

from labcore import errors
from labcore.image import template


@pytest.fixture(scope="module")
def busybox(tmp_path_factory):
    try:
        program = template._static_busybox()
    except errors.HostError:
        pytest.skip("no static busybox on this machine (apt install busybox-static)")
    top = str(tmp_path_factory.mktemp("templates"))
    return program, top, template.busybox(top)


def test_it_has_a_shell_that_needs_nothing_else(busybox):
    _, _, path = busybox
    assert os.readlink(f"{path}/bin/sh") == "busybox"
    assert subprocess.run([f"{path}/bin/busybox", "echo", "hi"], env={}, capture_output=True).stdout == b"hi\n"
    assert open(f"{path}/etc/passwd").readline() == "root:x:0:0:root:/root:/bin/sh\n"
    assert os.stat(f"{path}/tmp").st_mode & 0o7777 == 0o1777
    assert os.path.exists(f"{path}/usr/sbin/ls") and os.path.exists(f"{path}/sbin/ls")


def test_second_time_nothing_is_made(busybox):
    _, top, path = busybox
    before = os.stat(path)
    assert template.busybox(top) == path
    assert (os.stat(path).st_ino, os.listdir(top)) == (before.st_ino, [os.path.basename(path)])


def test_of_two_makers_the_slower_one_tidies_up(busybox):
    program, top, path = busybox
    before = os.stat(path).st_ino
    template._make(program, path)
    assert (os.stat(path).st_ino, os.listdir(top)) == (before, [os.path.basename(path)])


def test_removing_a_tree_follows_no_link(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    (tmp_path / "tree").mkdir()
    os.symlink(tmp_path / "kept", tmp_path / "tree/link")
    template.remove(str(tmp_path / "tree"))
    assert sorted(os.listdir(tmp_path)) == ["kept"] and os.listdir(tmp_path / "kept") == ["file"]
