"""lo, an address and a way out, in a network namespace of one's own; and every step of a network fails once."""

import os
import socket
import subprocess

import pytest

from labcore import errors, net
from tests.kernel.test_faults import Box, rootfs, steps_of  # noqa: F401


def test_loopback_is_down_until_it_is_switched_on(child, refusal):
    def tell():
        early, server = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        before = refusal(early.sendto, b"x", ("127.0.0.1", 9))
        net.set_loopback_up()
        server.bind(("127.0.0.1", 0))
        server.sendto(b"hello", server.getsockname())
        return [before, server.recv(10).decode(), [name for _, name in socket.if_nameindex()][:1]]

    before, heard, links = child(tell, "net")
    assert (before[1], heard, links) == ("Network is unreachable", "hello", ["lo"])


def test_an_address_and_a_route_are_what_ip_would_make_of_them(child):
    def tell():
        net.start("ip", "link add eth0 type veth peer name other\nlink set other up\n").check()
        net.set_address("eth0", "10.89.3.7", 20)
        net.add_route("10.89.0.1")
        return [net.start("ip", f"{what}\n").check() for what in ("address show eth0", "route show")]

    address, routes = child(tell, "net")
    assert "inet 10.89.3.7/20 brd 10.89.15.255 scope global eth0" in address and "UP" in address
    assert [line.split(" scope")[0].strip() for line in routes.splitlines()] == [
        "default via 10.89.0.1 dev eth0", "10.89.0.0/20 dev eth0 proto kernel"]  # fmt: skip


def test_what_the_kernel_refuses_is_an_error(child, refusal):
    def tell():
        return [refusal(net.set_address, "eth0", "10.89.0.2", 24)[1], refusal(net.add_route, "10.89.0.1")[1]]

    assert child(tell, "net") == ["No such device", "Network is unreachable"]


def test_what_ip_and_nft_refuse_is_told_in_their_words(child):
    def tell():
        said = []
        for name, lines in (("ip", "link set nowhere up\n"), ("ip", "pudding\n"), ("nft", "delete table ip nowhere\n"),
                            ("nft", "pudding\n")):  # fmt: skip
            try:
                net.start(name, lines).check()
            except errors.HostError as error:
                said.append(str(error))
        net.detach("nowhere")
        return [said, net.exists("lo"), net.exists("nowhere"), net.exists("x" * 99)]

    said, *there = child(tell, "net")
    assert said[0] == 'ip: Cannot find device "nowhere"'
    assert said[2] == "nft: Could not process rule: No such file or directory"
    assert len(said) == 4 and there == [True, False, False]


def test_a_program_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(net, "PROGRAMS", net.PROGRAMS | {"pudding": ("pudding-tools", [])})
    with pytest.raises(errors.HostError, match="^pudding is not installed\n.*apt install pudding-tools"):
        net.start("pudding", "")


# -- every step fails once, and the walker is killed everywhere: test_faults.py with a network -------------------------


class NetBox(Box):
    """The same, in a network namespace of its own, with a network `shop` in it."""

    def __init__(self, root, rootfs):  # noqa: F811
        super().__init__(root, rootfs)
        self.process = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)  # fmt: skip
        self.process.stdout.readline()
        self.through = ["nsenter", f"--net=/proc/{self.process.pid}/ns/net"]
        assert self.command("network", "create", "shop").returncode == 0
        self.first = self.left()

    def left(self):
        text = "cd $0/.networks/shop; ls; cat hosts; ip -brief link | cut -d ' ' -f 1; nft list table ip labcore"
        done = subprocess.run([*self.through, "sh", "-c", text, self.root], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    def ids(self):
        return [name for name in super().ids() if name[0] != "."]

    def end(self):
        assert self.command("network", "rm", "shop").returncode == 0
        self.process.communicate()


@pytest.fixture
def box(tmp_path, rootfs, leaves_no_trace):  # noqa: F811
    box = NetBox(str(tmp_path / "states"), rootfs)
    yield box
    box.end()


NETWORK = dict.fromkeys(("name", "directory", "gateway", "bridge", "link", "container"), "x") | {
    "subnet": "10.89.0.0/24", "names": [], "ports": ["0.0.0.0:8080:80/tcp"]}  # fmt: skip


def cases(verb):
    """The numbers of the steps that a network adds to a plan."""
    names = [s.address for s in steps_of(verb, "network", NETWORK)] if os.geteuid() == 0 else []
    return [pytest.param(n, name, id=name) for n, name in enumerate(names) if name.startswith(("net.", "lease."))]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number, address", cases("run"))
def test_a_network_step_that_fails_leaves_nothing(box, number, address, when):
    told = box.walk("network", "run", number, when)
    assert told["error"].startswith(f"{address}: ") and "injected" in told["error"], told
    assert box.ids() == [] and box.left() == box.first


@pytest.mark.parametrize("when", ["kill-before", "kill-after"])
@pytest.mark.parametrize("number, address", cases("run"))
def test_after_a_walker_was_killed_at_a_network_step_delete_leaves_nothing(box, number, address, when):
    box.walk("network", "run", number, when)
    box.delete()
    assert box.ids() == [] and box.left() == box.first


@pytest.mark.parametrize("when", ["before", "after", "kill-before", "kill-after"])
@pytest.mark.parametrize("number, address", cases("delete"))
def test_after_a_delete_that_failed_at_a_network_step_a_second_one_completes(box, number, address, when):
    box.run("network")
    try:
        told = box.walk("network", "delete", number, when)
        assert not told or told["error"].startswith(f"{address}: "), told
    finally:
        for process in box.sleepers:
            process.kill()
            process.communicate()
    box.delete()
    assert box.ids() == [] and box.left() == box.first
