"""Terminals, in a devpts of the container's own."""

import os
import socket

import pytest

from labcore import mount, rootfs, tty, wire


@pytest.fixture
def image(tmp_path):
    (tmp_path / "image/dev/pts").mkdir(parents=True)
    return tmp_path / "image"


def with_devpts(image):
    root = rootfs.open(str(image))["rootfs"]
    mount.attach(root, "/dev/pts", "devpts", "devpts", mount.options(["newinstance", "ptmxmode=0666"]), False)
    return root


def test_what_one_end_writes_the_other_reads(child, image):
    def tell():
        ends = tty.open(with_devpts(image), {"height": 33, "width": 99})
        os.write(ends["terminal"], b"out\n")
        os.write(ends["master"], b"in\n")
        return [os.read(ends["master"], 5).decode(), os.read(ends["terminal"], 5).decode(),
                tty.get_size(ends["terminal"]), os.path.exists(image / "dev/pts/0"),
                os.get_inheritable(ends["master"]) or os.get_inheritable(ends["terminal"])]

    assert child(tell, "mnt") == ["out\r\n", "in\n", [33, 99], True, False]


def test_size_follows(child, image):
    def tell():
        ends = tty.open(with_devpts(image), None)
        before = tty.get_size(ends["terminal"])
        tty.set_size(ends["master"], 50, 300)
        return [before, tty.get_size(ends["terminal"])]

    assert child(tell, "mnt") == [[0, 0], [50, 300]]


def test_multiplexer_that_an_image_planted_is_refused(child, image, refusal):
    os.symlink("/dev/null", image / "dev/pts/ptmx")

    def tell():
        link = refusal(tty.open, rootfs.open(str(image))["rootfs"], None)[0]
        os.unlink(image / "dev/pts/ptmx")
        os.mknod(image / "dev/pts/ptmx", 0o020666, os.makedev(1, 3))
        return [link, refusal(tty.open, rootfs.open(str(image))["rootfs"], None)]

    link, other = child(tell, "mnt")
    assert link == "OSError" and other[0] == "SpecError" and "is not a terminal multiplexer" in other[1]


def test_terminal_becomes_the_controlling_one_and_all_three_streams(child, image):
    def tell():
        ends = tty.open(with_devpts(image), None)
        here, there = wire.pair()
        made = os.fork()
        if made == 0:
            os.setsid()
            tty.take(ends["terminal"])
            same = {os.fstat(fd).st_rdev for fd in (0, 1, 2)} == {os.fstat(ends["terminal"]).st_rdev}
            found = os.open("/dev/tty", os.O_RDWR)
            wire.send(there, [same, os.readlink("/proc/self/fd/0"), os.tcgetpgrp(found) == os.getpid()])
            os._exit(0)
        there.close()
        os.waitpid(made, 0)
        return wire.receive(here)[0]

    same, name, foreground = child(tell, "mnt")
    assert same and foreground and name.endswith("/dev/pts/0")


@pytest.mark.parametrize("plant, said", [
    (lambda p: None, None), (lambda p: p.write_text("old"), None),
    (lambda p: p.symlink_to("/etc/hostname"), "/dev/console is a symbolic link"),
], ids=["missing", "file", "link"])
def test_console_shows_the_terminal(plant, said, child, image, refusal):
    plant(image / "dev/console")

    def tell():
        root = with_devpts(image)
        terminal = tty.open(root, None)["terminal"]
        if said:
            return refusal(tty.make_console, root, terminal)
        tty.make_console(root, terminal)
        return os.stat(image / "dev/console").st_rdev == os.fstat(terminal).st_rdev

    found = child(tell, "mnt")
    assert found is True if not said else said in found[1]


def test_other_end_is_handed_to_the_console_socket(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "console"))
        server.listen()
        master, terminal = os.openpty()
        tty.send(master, str(tmp_path / "console"))
        visitor, _ = server.accept()
        message, fds, *_ = socket.recv_fds(visitor, 100, 1)
        visitor.close()
    os.write(terminal, b"x")
    assert (message, os.read(fds[0], 1)) == (b"/dev/ptmx", b"x")
    with pytest.raises(OSError):
        os.fstat(master)  # ours is closed
    os.close(fds[0]), os.close(terminal)


def test_console_socket_that_nobody_listens_on(refusal, tmp_path):
    master, terminal = os.openpty()
    os.close(terminal)
    kind, text = refusal(tty.send, master, str(tmp_path / "none"))
    assert (kind, text) == ("LabError", f"console socket {tmp_path}/none: No such file or directory")
