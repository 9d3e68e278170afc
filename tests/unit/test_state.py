"""Names, and the files of a container."""

import os

import pytest

from labcore import errors, jsonfile, state

FIRST = {"id": "box", "ociVersion": "1.2.0", "bundle": "/", "cgroup": 0, "cgroupPath": "", "annotations": {}}


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(state, "DEFAULT_ROOT", f"{tmp_path}/root")
    return f"{tmp_path}/root"


@pytest.mark.parametrize("name", ["a", "web-1", "A_b+c.d", "..a", "-", "n" * 255])
def test_name_is_taken(name):
    assert state.check_id(name) == name


@pytest.mark.parametrize("name, why", [
    ("", "not a name"), (".", "not a name"), ("..", "not a name"), ("n" * 256, "longer than 255 characters"),
    ("a/b", "invalid character '/'"), ("a b", "invalid character ' '"), ("a\n", r"invalid character '\\n'"),
    ("ä", "invalid character 'ä'"), ("a\0", r"invalid character '\\x00'"),
])  # fmt: skip
def test_name_is_refused(name, why):
    with pytest.raises(errors.SpecError, match=why):
        state.check_id(name)


def test_root_is_made_private(root):
    assert os.stat(state.root()).st_mode & 0o777 == 0o700


def test_root_that_others_may_write_to_is_refused(root):
    os.mkdir(root)
    os.chmod(root, 0o777)
    with pytest.raises(errors.HostError, match="must be a directory that only you can write to"):
        state.root()


def test_root_that_is_a_link_is_refused(root, tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    os.symlink("real", root)
    with pytest.raises(errors.HostError, match="must be a directory"):
        state.root()


def test_of_two_claims_one_wins(root):
    directory = state.directory_of("box")
    state.claim(directory, FIRST, {"config": 1})
    with pytest.raises(errors.AlreadyExists, match="container 'box' exists already"):
        state.claim(directory, FIRST | {"bundle": "/other"}, {})
    assert (state.load("box")["bundle"], state.config(state.load("box"))) == ("/", {"config": 1})


def test_status_is_what_the_kernel_says(root):
    directory = state.directory_of("box")
    state.claim(directory, FIRST, {})
    assert state.load("box")["status"] == "creating"
    state.own(directory, ["/cg/x"])
    state.created(directory, os.getpid(), None)
    door = state.listen(directory)["listener"]
    assert (state.load("box")["status"], state.load("box")["owned"]) == ("created", ["/cg/x"])
    state.started(directory)
    assert (state.load("box")["status"], state.load("box")["pid"]) == ("running", os.getpid())
    os.close(door)
    jsonfile.write(f"{directory}/init", {"pid": os.getpid(), "pidStart": 1})  # another process had the number
    assert state.load("box")["status"] == "stopped"


def test_maker_that_died_at_once_leaves_a_name_that_can_be_removed(root):
    os.mkdir(state.directory_of("box"))
    known = state.load("box")
    assert (known["status"], known["owned"], known["pid"]) == ("creating", [], 0)
    state.forget(known["directory"])
    assert state.list_ids() == []


def test_broken_state_is_said_with_the_way_out(root):
    os.mkdir(state.directory_of("box"))
    with open(f"{root}/box/state.json", "w") as file:
        file.write("{")
    with pytest.raises(errors.StateError, match="container 'box': its state file is broken") as raised:
        state.load("box")
    assert f"{root}/box" in raised.value.hint


def test_container_that_is_not_there(root):
    with pytest.raises(errors.NotFound, match="container 'box' does not exist"):
        state.load("box")
    assert state.list_ids() == []


def test_directory_path_may_be_longer_than_a_socket_address(root, monkeypatch):
    monkeypatch.setattr(state, "DEFAULT_ROOT", f"{root}/{'d' * 120}")
    directory = state.directory_of("n" * 200)
    state.claim(directory, FIRST, {})
    listener = state.listen(directory)["listener"]
    state.knock(directory).close()
    os.close(listener)
    with pytest.raises(errors.StateError, match="init no longer waits for start"):
        state.knock(directory)
