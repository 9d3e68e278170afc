"""Mounts, as mountinfo and the programs inside find them."""

import os

import pytest

from labcore import mount, syscalls


@pytest.fixture
def image(tmp_path):
    """A root file system in the making, and a directory of the host with something in it."""
    (tmp_path / "image/dir").mkdir(parents=True)
    (tmp_path / "image/file").write_text("image")
    (tmp_path / "host/sub").mkdir(parents=True)
    (tmp_path / "host/file").write_text("host")
    return tmp_path / "image"


@pytest.fixture
def rooted(child, image):
    """`rooted(f)`: what f(descriptor of the image) returns, in a mount namespace of its own."""
    def run(function):
        return child(lambda: function(os.open(image, os.O_PATH)), "mnt")

    return run


def table(mounts, below):
    return {path.removeprefix(f"{below}/"): sorted(words) for path, words in mounts().items()
            if path.startswith(f"{below}/")}


def opts(text):
    return mount.options(text.split())


def test_propagation_is_what_was_asked_for(child, mounts):
    def tell():
        mount.set_propagation("shared")
        shared = [w for w in mounts()["/"] if w.startswith("shared:")]
        peer = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        syscalls.unshare(syscalls.CLONE_NEWNS)  # what becomes a slave has its master in the other namespace
        mount.set_propagation("slave")
        slave = [w for w in mounts()["/"] if w.startswith("master:")]
        os.close(peer)
        mount.set_propagation("private")
        return [len(shared), len(slave), [w for w in mounts()["/"] if ":" in w and not w[0].isdigit()]]

    assert child(tell, "mnt") == [1, 1, []]


def test_new_file_system_has_its_options_from_the_start(rooted, mounts, image):
    def tell(root):
        mount.attach(root, "/new/place", "tmpfs", "tmpfs", opts("nosuid noexec nodev ro size=64k mode=1700"), False)
        found = os.statvfs(image / "new/place")
        return [table(mounts, image), found.f_blocks * found.f_frsize, os.stat(image / "new/place").st_mode & 0o7777]

    found, size, mode = rooted(tell)
    assert {"ro", "nosuid", "nodev", "noexec", "tmpfs"} <= set(found["new/place"])
    assert (size, mode) == (64 << 10, 0o1700)


def test_refusal_names_the_file_system_and_its_own_words(rooted, refusal):
    kind, text = rooted(lambda root: refusal(mount.attach, root, "/x", "tmpfs", "", opts("size=many"), False))
    assert kind == "OSError" and text.startswith("tmpfs [size=many]: ") and "Bad value for 'size'" in text
    kind, text = rooted(lambda root: refusal(mount.attach, root, "/x", "nofs", "", opts(""), False))
    assert text == "fsopen('nofs', 1): No such device"


@pytest.mark.parametrize("name", ["/proc", "/link/sub"])
def test_procfs_is_never_redirected_by_a_link(name, rooted, refusal, image, mounts):
    os.symlink("dir", image / "proc")
    os.symlink("dir", image / "link")

    def tell(root):
        return [refusal(mount.attach, root, name, "proc", "proc", opts(""), True), table(mounts, image)]

    (kind, text), left = rooted(tell)
    assert kind == "SpecError" and "symbolic link in the root file system" in text
    assert left == {}


def test_link_out_of_the_image_leads_back_into_it(rooted, image, mounts, tmp_path):
    os.symlink("../../../../..", image / "up")

    def tell(root):
        mount.bind(root, f"/up{tmp_path}/host", str(tmp_path / "host"), opts("bind"))
        return sorted(table(mounts, tmp_path))

    assert rooted(tell) == [f"image{tmp_path}/host"]


def test_bind_shows_a_directory_and_a_file(rooted, tmp_path, image):
    def tell(root):
        mount.bind(root, "/data", str(tmp_path / "host"), opts("rbind"))
        mount.bind(root, "/file", str(tmp_path / "host/file"), opts("bind"))
        mount.bind(root, "/made/here", str(tmp_path / "host/file"), opts("bind"))
        return [(image / name).read_text() for name in ("data/file", "file", "made/here")]

    assert rooted(tell) == ["host"] * 3


@pytest.mark.parametrize("words, top, below", [
    ("rbind ro", "ro", "rw"), ("rbind rro", "ro", "ro"), ("rbind", "rw", "rw"), ("bind ro", "ro", None),
])
def test_read_only_holds_as_far_as_the_word_says(words, top, below, rooted, mounts, tmp_path, image):
    def tell(root):
        mount.attach(os.open(tmp_path, os.O_PATH), "/host/sub", "tmpfs", "tmpfs", opts(""), False)
        mount.bind(root, "/data", str(tmp_path / "host"), opts(words))
        found = table(mounts, image)
        return [[("ro" if "ro" in found[n] else "rw") if n in found else None for n in ("data", "data/sub")],
                "rw" in mounts()[str(tmp_path / "host/sub")]]

    found, host_still_writable = rooted(tell)
    assert found == [top, below] and host_still_writable


def test_copy_does_not_follow_what_is_mounted_at_the_original(rooted, mounts, tmp_path, image):
    def tell(root):
        mount.set_propagation("shared")
        mount.bind(root, "/data", str(tmp_path / "host"), opts("rbind"))
        mount.attach(os.open(tmp_path, os.O_PATH), "/host/sub", "tmpfs", "tmpfs", opts(""), False)
        return sorted(table(mounts, image))

    assert rooted(tell) == ["data"]


def test_source_that_is_missing_is_named(rooted, refusal):
    _, text = rooted(lambda root: refusal(mount.bind, root, "/x", "/no/such/source", opts("bind")))
    assert text == "mounts: the source /no/such/source does not exist"


def test_directory_does_not_go_where_a_file_is(rooted, refusal, tmp_path):
    kind, _ = rooted(lambda root: refusal(mount.bind, root, "/file", str(tmp_path / "host"), opts("bind")))
    assert kind == "NotADirectoryError"


def test_masked_file_is_empty_masked_directory_too_and_missing_ones_do_not_matter(rooted, image, refusal):
    (image / "dir/inner").write_text("x")
    (image / "two").mkdir()
    (image / "two/inner").write_text("x")
    os.symlink("two", image / "to-two")

    def tell(root):
        mount.mask(root, ["/file", "/missing", "/file/below", "/dir", "/to-two", "/missing/too"])
        return [(image / "file").read_text(), os.listdir(image / "dir"), os.listdir(image / "two"),
                refusal((image / "dir/new").touch)[1], os.stat(image / "file").st_rdev == os.makedev(1, 3)]

    text, one, two, refused, null = rooted(tell)
    assert (text, one, two, null) == ("", [], [], True) and "Read-only file system" in refused


def test_read_only_paths_hold_with_all_that_is_mounted_below(rooted, image, refusal):
    def tell(root):
        (image / "dir/sub").mkdir()
        mount.attach(root, "/dir/sub", "tmpfs", "tmpfs", opts(""), False)
        mount.make_readonly(root, ["/dir", "/file", "/missing", "/file/x"])
        return [refusal((image / name).touch)[1] for name in ("dir/new", "dir/sub/new")] + [
            refusal((image / "file").write_text, "x")[1], (image / "file").read_text()]

    *refused, text = rooted(tell)
    assert all("Read-only file system" in r for r in refused) and text == "image"


def test_no_descriptor_is_left_open(rooted, image, tmp_path):
    def tell(root):
        before = sorted(os.listdir("/proc/self/fd"))
        mount.attach(root, "/a", "tmpfs", "tmpfs", opts("ro"), False)
        mount.bind(root, "/b", str(tmp_path / "host"), opts("rbind ro"))
        mount.mask(root, ["/file", "/dir", "/a"])
        mount.make_readonly(root, ["/b"])
        return [before, sorted(os.listdir("/proc/self/fd"))]

    before, after = rooted(tell)
    assert before == after
