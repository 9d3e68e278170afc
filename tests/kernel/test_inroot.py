"""No path leaves the root file system, whatever an image holds."""

import os
import threading

import pytest

from labcore import errors, inroot


@pytest.fixture
def root(tmp_path):
    """An image full of tricks, beside a secret."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/file").write_text("secret")
    image = tmp_path / "image"
    (image / "dir/deep").mkdir(parents=True)
    (image / "dir/file").write_text("inside")
    for name, target in {"absolute": "/dir", "up": "../../../../..", "secret": f"{tmp_path}/secret", "loop": "loop",
                         "relative": "dir/../dir/deep/..", "proc": "/proc/self/root", "dangling": "/nowhere/x",
                         "to-file": "/dir/file"}.items():
        os.symlink(target, image / name)
    fd = os.open(image, os.O_PATH)
    yield fd
    os.close(fd)


def inside(root, path):
    fd = inroot.open(root, path)
    try:
        return os.readlink(f"/proc/self/fd/{fd}").partition("/image")[2]
    finally:
        os.close(fd)


@pytest.mark.parametrize("path, found", [
    ("/", ""), ("..", ""), ("/../../..", ""), ("/up", ""), ("/up/dir", "/dir"), ("/absolute/file", "/dir/file"),
    ("/relative/file", "/dir/file"), ("/to-file", "/dir/file"), ("dir/../../../dir", "/dir"),
    ("/dir/deep/../../../../dir/file", "/dir/file"),
])
def test_links_are_followed_as_the_container_will_see_them(root, path, found):
    assert inside(root, path) == found


@pytest.mark.parametrize("path", ["/secret/file", "/secret", "/up/secret/file", "/proc", "/dangling", "/loop"])
def test_nothing_outside_is_reached(root, path):
    with pytest.raises(OSError):
        fd = inroot.open(root, path, os.O_PATH)
        pytest.fail(os.readlink(f"/proc/self/fd/{fd}"))


def test_magic_links_are_not_followed():
    root = os.open("/", os.O_PATH)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        inroot.open(root, "/proc/self/root/etc")
    os.close(root)


def test_missing_directories_are_made_inside(root, tmp_path):
    os.close(inroot.make_directories(root, "/new/a/b"))
    os.close(inroot.make_directories(root, "/absolute/c"))
    os.close(inroot.make_directories(root, "/up/up/d"))
    image = tmp_path / "image"
    assert (image / "new/a/b").is_dir() and (image / "dir/c").is_dir() and (image / "d").is_dir()
    assert sorted(os.listdir(tmp_path)) == ["image", "secret"] and os.listdir(tmp_path / "secret") == ["file"]


@pytest.mark.parametrize("path", ["/dir/file/x", "/dangling", "/loop/x"])
def test_what_cannot_become_a_directory_is_refused(root, path):
    with pytest.raises(OSError):
        inroot.make_directories(root, path)


@pytest.mark.parametrize("path", ["/", "", "..", "/dir/..", "/dir/."])
def test_path_without_a_last_name_names_no_file(root, path):
    with pytest.raises(errors.SpecError, match="does not name a file"):
        inroot.open_parent(root, path)


def test_file_is_made_empty_and_an_old_one_is_kept(root, tmp_path):
    os.close(inroot.make_file(root, "/etc/made"))
    os.close(inroot.make_file(root, "/dir/file"))
    assert (tmp_path / "image/etc/made").read_text() == ""
    assert (tmp_path / "image/dir/file").read_text() == "inside"


def test_file_is_never_made_through_a_dangling_link(root, tmp_path):
    os.symlink(f"{tmp_path}/secret/planted", tmp_path / "image/trap")
    with pytest.raises(OSError):
        inroot.make_file(root, "/trap")
    assert os.listdir(tmp_path / "secret") == ["file"]


def test_directory_swapped_for_a_link_during_the_walk_never_leads_out(root, tmp_path):
    """A neighbour exchanges a directory and a link to the secret all the time; no walk arrives there."""
    image, stop = tmp_path / "image", threading.Event()
    (image / "swap").mkdir()
    (image / "swap/file").write_text("inside")
    os.symlink(f"{tmp_path}/secret", image / "other")

    def swap():
        while not stop.is_set():
            os.rename(image / "swap", image / "third")
            os.rename(image / "other", image / "swap")
            os.rename(image / "swap", image / "other")
            os.rename(image / "third", image / "swap")

    neighbour = threading.Thread(target=swap)
    neighbour.start()
    seen = set()
    try:
        for _ in range(2000):
            try:
                fd = inroot.open(root, "/swap/file", os.O_RDONLY)
            except (OSError, errors.LabError):
                continue
            seen.add(os.read(fd, 10))
            os.close(fd)
    finally:
        stop.set()
        neighbour.join()
    assert seen <= {b"inside"}


@pytest.mark.parametrize("make", [
    lambda p: os.mkfifo(p), lambda p: os.symlink("/dev/zero", p), lambda p: os.mkdir(p),
    lambda p: os.symlink("/proc/self/mem", p), lambda p: os.symlink(p, p), lambda p: None,
])
def test_what_is_no_regular_file_reads_as_nothing_and_hangs_nobody(make, tmp_path):
    make(str(tmp_path / "passwd"))
    assert inroot.read(str(tmp_path / "passwd")) == ""


def test_huge_file_is_read_up_to_the_limit(tmp_path):
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(1 << 40)
    assert len(inroot.read(str(tmp_path / "huge"))) == 1 << 20
    (tmp_path / "odd").write_bytes(b"\xff\xfea")
    assert inroot.read(str(tmp_path / "odd")) == "\ufffd\ufffda"
