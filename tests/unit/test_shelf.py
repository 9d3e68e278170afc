"""What was kept comes back, unless anybody but its owner could have had a hand in it."""

import os

import pytest

from labcore import shelf


@pytest.fixture
def place(tmp_path):
    return str(tmp_path / "a/shelf")


def only_file(place):
    (name,) = os.listdir(place)
    return os.path.join(place, name)


def test_what_is_kept_comes_back_for_the_same_key_only(place):
    assert shelf.recall(place, b"key") is None
    shelf.remember(place, b"key", b"content")
    assert shelf.recall(place, b"key") == b"content"
    assert shelf.recall(place, b"other") is None
    assert os.stat(place).st_mode & 0o777 == 0o700 and os.stat(only_file(place)).st_mode & 0o777 == 0o600


def test_without_a_place_nothing_is_kept_and_nothing_fails(tmp_path):
    for place in (None, "", "/proc/no/such", str(tmp_path / "file")):
        (tmp_path / "file").touch()
        shelf.remember(place, b"key", b"content")
        assert shelf.recall(place, b"key") is None


@pytest.mark.parametrize("damage", [
    lambda kept: b"", lambda kept: kept[:20], lambda kept: kept[:-1], lambda kept: kept + b"x",
    lambda kept: kept[:-1] + bytes([kept[-1] ^ 1]), lambda kept: bytes(32) + kept[32:], lambda kept: b"x" * 100,
])  # fmt: skip
def test_a_damaged_file_is_not_used_and_replaced(place, damage):
    shelf.remember(place, b"key", b"content")
    path = only_file(place)
    with open(path, "rb") as file:
        kept = file.read()
    with open(path, "wb") as file:
        file.write(damage(kept))
    assert shelf.recall(place, b"key") is None
    shelf.remember(place, b"key", b"content")
    assert shelf.recall(place, b"key") == b"content"


def test_a_file_under_another_ones_name_is_not_used(place):
    shelf.remember(place, b"strict", b"1")
    name = only_file(place)
    shelf.remember(place, b"loose", b"2")
    (other,) = set(os.listdir(place)) - {os.path.basename(name)}
    os.replace(os.path.join(place, other), name)
    assert shelf.recall(place, b"strict") is None


@pytest.mark.parametrize("mode", [0o770, 0o702])
def test_a_directory_that_others_may_write_to_is_not_used(place, mode):
    shelf.remember(place, b"key", b"content")
    os.chmod(place, mode)
    assert shelf.recall(place, b"key") is None
    os.chmod(place, 0o755)
    assert shelf.recall(place, b"key") == b"content"


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_may_write_to_is_not_used(place, mode):
    shelf.remember(place, b"key", b"content")
    os.chmod(only_file(place), mode)
    assert shelf.recall(place, b"key") is None


def test_a_link_is_not_followed(place, tmp_path):
    shelf.remember(place, b"key", b"content")
    path = only_file(place)
    os.rename(path, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", path)
    assert shelf.recall(place, b"key") is None
    os.rename(place, tmp_path / "real")
    os.symlink(tmp_path / "real", place)
    assert shelf.recall(place, b"key") is None


def test_a_fifo_does_not_hang(place):
    shelf.remember(place, b"key", b"content")
    path = only_file(place)
    os.unlink(path)
    os.mkfifo(path)
    assert shelf.recall(place, b"key") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_belongs_to_somebody_else_is_not_used(place):
    shelf.remember(place, b"key", b"content")
    os.chown(only_file(place), 1234, 1234)
    assert shelf.recall(place, b"key") is None
    os.chown(only_file(place), 0, 0)
    os.chown(place, 1234, 1234)
    assert shelf.recall(place, b"key") is None


def test_it_does_not_grow_for_ever(place, monkeypatch):
    monkeypatch.setattr(shelf, "KEPT_AT_MOST", 3)
    for n in range(7):
        shelf.remember(place, b"%d" % n, b"x")
        assert len(os.listdir(place)) <= 3 and shelf.recall(place, b"%d" % n) == b"x"
