"""From a directory to the root."""

import os

import pytest

from labcore import mount, rootfs


@pytest.fixture
def image(tmp_path):
    (tmp_path / "image").mkdir()
    (tmp_path / "image/mark").write_text("image")
    (tmp_path / "empty").mkdir()
    return tmp_path / "image"


def test_pivot_leaves_nothing_of_the_old_root(child, image, mounts, tmp_path):
    def tell():
        root = rootfs.open(str(image))["rootfs"]
        mount.attach(root, "/proc", "proc", "proc", mount.options([]), True)
        rootfs.pivot(root)
        return [sorted(os.listdir("/")), sorted(mounts()), os.getcwd(), sorted(os.listdir("/.."))]

    names, table, here, above = child(tell, "mnt")
    assert names == above == ["mark", "proc"]
    assert (table, here) == (["/", "/proc"], "/")


def test_pivot_works_where_the_root_was_shared(child, image, mounts):
    def tell():
        mount.set_propagation("shared")  # as systemd does, before the plan's first mount step
        before = len(mounts())
        lasting = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        inside = os.fork()
        if inside == 0:
            from labcore import syscalls

            syscalls.unshare(syscalls.CLONE_NEWNS)
            mount.set_propagation("slave")
            rootfs.pivot(rootfs.open(str(image))["rootfs"])
            os._exit(os.listdir("/") != ["mark"])
        os.close(lasting)
        return [os.waitstatus_to_exitcode(os.waitpid(inside, 0)[1]), len(mounts()) - before]

    assert child(tell, "mnt") == [0, 0]


def test_root_may_be_opened_when_the_directory_is_a_mount_already(child, image):
    def tell():
        mount.attach(os.open(image, os.O_PATH), "/", "tmpfs", "tmpfs", mount.options([]), False)
        (image / "new").touch()
        rootfs.pivot(rootfs.open(str(image))["rootfs"])
        return os.listdir("/")

    assert child(tell, "mnt") == ["new"]


@pytest.mark.parametrize("name, said", [
    ("image/mark", ["SpecError", "root.path: {} is not a directory"]),
    ("missing", ["FileNotFoundError", "{}: No such file or directory"]),
])
def test_root_that_is_no_directory_is_refused(name, said, child, refusal, image, tmp_path):
    path = str(tmp_path / name)
    assert child(lambda: refusal(rootfs.open, path), "mnt") == [said[0], said[1].format(path)]


def test_fifo_as_root_hangs_nobody(child, refusal, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    assert child(lambda: refusal(rootfs.open, str(tmp_path / "fifo")), "mnt")[0] == "SpecError"


def test_read_only_root_takes_no_file_and_mounts_in_it_do(child, image, refusal):
    (image / "tmp").mkdir()

    def tell():
        root = rootfs.open(str(image))["rootfs"]
        mount.attach(root, "/tmp", "tmpfs", "tmpfs", mount.options([]), False)
        rootfs.pivot(root)
        rootfs.make_readonly()
        open("/tmp/x", "w").close()
        return refusal(open, "/x", "w")

    assert child(tell, "mnt") == ["OSError", "/x: Read-only file system"]


@pytest.mark.parametrize("word, mark", [("rshared", "shared:"), ("private", None), ("rslave", None)])
def test_propagation_of_the_new_root(word, mark, child, image, mounts):
    def tell():
        root = rootfs.open(str(image))["rootfs"]
        mount.attach(root, "/proc", "proc", "proc", mount.options([]), True)
        rootfs.pivot(root)
        rootfs.set_propagation(word)
        return [w for w in mounts()["/"] if w.startswith(("shared:", "master:"))]

    found = child(tell, "mnt")
    assert [w for w in found if mark is None or not w.startswith(mark)] == [] and bool(found) == bool(mark)


@pytest.mark.parametrize("name", ["plain", "with:colon", "with\\backslash", "with,comma"])
def test_what_a_container_writes_stays_in_its_layer(name, child, tmp_path):
    lower = tmp_path / name
    lower.mkdir()
    (lower / "mark").write_text("image")
    (tmp_path / "point").mkdir()

    def tell():
        rootfs.pivot(rootfs.open_copy_on_write(str(lower), str(tmp_path / "point"), False)["rootfs"])
        with open("/mark", "w") as file:
            file.write("changed")
        open("/new", "w").close()
        return [sorted(os.listdir("/")), open("/mark").read()]

    assert child(tell, "mnt") == [["mark", "new"], "changed"]
    assert (os.listdir(lower), (lower / "mark").read_text()) == (["mark"], "image")
    assert os.listdir(tmp_path / "point") == []


def test_copy_on_write_in_a_user_namespace(child, image, tmp_path):
    (tmp_path / "point").mkdir()
    at = tmp_path
    while at.name != "tmp" and at != at.parent:
        at.chmod(0o755)
        at = at.parent

    def tell():
        os.setresgid(0, 0, 0), os.setresuid(0, 0, 0)
        rootfs.pivot(rootfs.open_copy_on_write(str(image), str(tmp_path / "point"), True)["rootfs"])
        open("/new", "w").close()
        os.unlink("/mark")
        return os.listdir("/")

    assert child(tell, "user", "mnt") == ["new"]
    assert os.listdir(image) == ["mark"]
