"""Directories of cgroups: ordinary ones do for the walk."""

import os

import pytest

from labcore import cgroupfs, errors


def test_parents_are_made_and_only_a_new_one_is_ours(tmp_path):
    assert cgroupfs.make(f"{tmp_path}/labcore/a/b") is True
    assert cgroupfs.make(f"{tmp_path}/labcore/a/b") is False
    assert cgroupfs.make(f"{tmp_path}/labcore/a") is False


def test_last_container_removes_the_common_parent(tmp_path):
    cgroupfs.make(f"{tmp_path}/labcore/a/inner")
    cgroupfs.make(f"{tmp_path}/labcore/b")
    cgroupfs.remove(f"{tmp_path}/labcore/a")
    assert os.listdir(tmp_path / "labcore") == ["b"]
    cgroupfs.remove(f"{tmp_path}/labcore/b")
    assert os.listdir(tmp_path) == []
    cgroupfs.remove(f"{tmp_path}/labcore/b")  # gone already: no error


def test_parent_of_another_name_stays(tmp_path):
    cgroupfs.make(f"{tmp_path}/system/a")
    cgroupfs.remove(f"{tmp_path}/system/a")
    assert os.listdir(tmp_path) == ["system"]


def test_cgroup_with_a_child_is_not_empty(tmp_path):
    cgroupfs.make(f"{tmp_path}/labcore/a/inner")
    cgroupfs.remove_empty(f"{tmp_path}/labcore/a")
    assert os.path.isdir(tmp_path / "labcore/a/inner")
    cgroupfs.remove_empty(f"{tmp_path}/labcore/a/inner")
    assert not os.path.exists(tmp_path / "labcore/a/inner")


def test_file_that_is_missing_reads_as_none_and_cannot_be_written(tmp_path):
    assert cgroupfs.read(str(tmp_path), "memory.max") is None
    with pytest.raises(errors.HostError, match="^memory.max: this machine's cgroup has no such file"):
        cgroupfs.write(str(tmp_path), "memory.max", 1)
    assert os.listdir(tmp_path) == []
