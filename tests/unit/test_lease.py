"""Addresses, names and ports as links in a directory: who gets which, and what is left."""

import os
import threading

import pytest

from labcore import errors, lease


@pytest.fixture
def root(tmp_path):
    for name in ("lab", "shop"):
        (tmp_path / ".networks" / name).mkdir(parents=True)
        (tmp_path / ".networks" / name / "hosts").touch()
    return tmp_path


def take(root, container, *ports, network="lab", subnet="10.89.0.0/24", names=()):
    (root / container).mkdir(exist_ok=True)
    return lease.take(f"{root}/.networks/{network}", subnet, container, names, ports)


def leases(root, network="lab"):
    return {p.name: os.readlink(p) for p in (root / ".networks" / network).iterdir() if p.is_symlink()}


def test_addresses_are_given_in_their_order_and_come_back(root):
    assert [take(root, name)["address"] for name in ("a", "b", "c")] == ["10.89.0.2", "10.89.0.3", "10.89.0.4"]
    lease.end(f"{root}/.networks/lab", "b")
    assert take(root, "d")["address"] == "10.89.0.3"
    assert leases(root) == {"10.89.0.2": "a", "10.89.0.3": "d", "10.89.0.4": "c"}


def test_hosts_is_the_same_file_and_says_who_is_where(root):
    hosts = root / ".networks/lab/hosts"
    before = hosts.stat().st_ino
    take(root, "database-with-a-long-name", names=["db"])
    take(root, "web")
    assert hosts.read_text().splitlines()[2:] == ["10.89.0.2 database-with-a-long-name db", "10.89.0.3 web"]
    lease.end(f"{root}/.networks/lab", "database-with-a-long-name")
    assert hosts.read_text().splitlines()[2:] == ["10.89.0.3 web"]
    assert hosts.stat().st_ino == before


def test_of_many_each_has_an_address_of_its_own(root):
    got = []
    threads = [threading.Thread(target=lambda n=n: got.append(take(root, f"c{n}")["address"])) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 20 and len(leases(root)) == 20


def test_a_small_network_is_full_at_last(root):
    assert take(root, "a", subnet="10.7.0.0/30")["address"] == "10.7.0.2"
    with pytest.raises(errors.StateError, match=r"^network 'lab' is full: all its addresses are leased"):
        take(root, "b", subnet="10.7.0.0/30")
    assert leases(root) == {"10.7.0.2": "a"}


def test_a_lease_without_its_container_is_free_and_reported(root):
    port = 8080
    take(root, "ghost", f"0.0.0.0:{port}:80/tcp", network="shop", subnet="10.7.0.0/24")
    (root / "ghost").rmdir()
    took = take(root, "web", f"0.0.0.0:{port}:81/tcp")
    assert took == {"address": "10.89.0.2", "stale": [["10.7.0.2", [f"0.0.0.0:{port}:80/tcp"]]]}
    assert leases(root, "shop") == {}


@pytest.mark.parametrize("first, second", [("0.0.0.0", "0.0.0.0"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0"),
                                           ("127.0.0.1", "127.0.0.1")])  # fmt: skip
def test_a_port_is_given_once_in_all_networks(root, first, second):
    port = 8080
    take(root, "web", f"{first}:{port}:80/tcp")
    with pytest.raises(errors.StateError, match=f"{port}:1: port {port} is taken by container 'web'\n"):
        take(root, "two", f"{second}:{port}:1/tcp", network="shop", subnet="10.7.0.0/24")
    assert leases(root, "shop") == {}


def test_one_port_at_two_addresses_is_two(root):
    port = 8080
    take(root, "one", f"127.0.0.1:{port}:80/tcp")
    take(root, "two", f"127.0.0.2:{port}:80/tcp")


def test_a_network_that_is_gone_is_told_when_one_comes_and_not_when_one_goes(root):
    directory = f"{root}/.networks/gone"
    with pytest.raises(errors.StateError, match="^network 'gone' is gone$"):
        lease.take(directory, "10.89.0.0/24", "web", [], [])
    lease.end(directory, "web")


def test_numbers_and_spans():
    assert lease.text(lease.number("10.89.0.2") + 254) == "10.89.1.0"
    assert [lease.text(n) for n in lease.span("10.89.4.0/22")] == ["10.89.4.0", "10.89.7.255"]
    assert lease.parts("0.0.0.0:8080:80/tcp") == ("0.0.0.0", 8080, 80, "tcp")
    assert [lease.option(p) for p in ("0.0.0.0:8080:80/tcp", "127.0.0.1:53:53/udp")] == [
        "--publish 8080:80", "--publish 127.0.0.1:53:53/udp"]  # fmt: skip
