"""Which end of a cable belongs to which, what a namespace says of itself, and what a packet socket hears."""

import pytest

from labcore.notebook import link, links, sniffing
from labcore.notebook.process import Process
from labcore.syscalls import CLONE_NEWNET, unshare


@pytest.fixture(scope="module", autouse=True)
def lab_host():
    yield
    link.here().close()
    link.HERE = None


@pytest.fixture
def people():
    made = [Process(name) for name in ("hub", "left", "right", "far")]
    for each in made:
        each.call(unshare, CLONE_NEWNET)
    yield made
    for each in made:
        each.end()


def cable(one, name, other, far_name):
    one.out(f"ip link add {name} type veth peer name {far_name} netns {other.pid}")


def peers(spaces):
    found = {}
    for space in spaces:
        for device in [device for device in space["devices"] if device["kind"] == "veth"]:
            where, name = device["peer"] or (None, None)
            found[space["names"][0], device["name"]] = where if where is None else (spaces[where]["names"][0], name)
    return found


def test_ends_are_joined_although_names_and_indexes_are_the_same_everywhere(people):
    hub, left, right, far = people
    cable(left, "eth0", right, "eth0")  # index 2 here, index 2 there
    cable(hub, "eth0", far, "eth0")  # index 2 here, index 2 there
    cable(hub, "wan", far, "eth1")
    found = peers(links.gather(people))
    assert found == {
        ("left", "eth0"): ("right", "eth0"), ("right", "eth0"): ("left", "eth0"), ("hub", "eth0"): ("far", "eth0"),
        ("far", "eth0"): ("hub", "eth0"), ("hub", "wan"): ("far", "eth1"), ("far", "eth1"): ("hub", "wan"),
    }  # fmt: skip


def test_a_cable_with_both_ends_here_and_one_that_leads_elsewhere(people):
    hub, left, *_ = people
    hub.out("ip link add one type veth peer name two")
    cable(hub, "out", left, "in")
    assert peers(links.gather([hub])) == {
        ("hub", "one"): ("hub", "two"), ("hub", "two"): ("hub", "one"), ("hub", "out"): None}  # fmt: skip


def test_what_a_namespace_says_of_itself(people):
    hub, *_ = people
    hub.out("ip link add br0 type bridge; ip address add 10.9.0.1/24 dev br0; ip link set br0 up; ip link set lo up;"
            "ip route add default via 10.9.0.9; echo 1 > /proc/sys/net/ipv4/ip_forward")  # fmt: skip
    hub.out("""nft -f - <<'END'
table ip t {
  chain a { type nat hook prerouting priority dstnat; tcp dport 80 counter dnat to 10.9.0.2:8080; }
  chain b { type nat hook postrouting priority srcnat; masquerade; }
  chain c { type filter hook forward priority filter; policy drop; }
}
END""")
    server = hub.start("exec busybox httpd -f -p 0.0.0.0:81 -h /proc/self/fdinfo")
    while server.wait(0) is None and not hub.out("ss -Hltn"):
        pass
    (space,) = links.gather([hub])
    assert (space["names"], space["ports"], space["forwards"]) == (["hub"], [81], True)
    assert space["routes"] == ["default via 10.9.0.9"]
    assert set(space["rules"]) == {"port 80 -> 10.9.0.2:8080", "masquerade", "what is forwarded is dropped"}
    assert [(d["name"], d["kind"], d["addresses"]) for d in space["devices"]] == [
        ("lo", "loopback", ["127.0.0.1/8"]), ("br0", "bridge", ["10.9.0.1/24"])]  # fmt: skip


def test_who_shares_a_namespace_is_one_entry():
    one = Process("one")
    other = one.fork("other")
    try:
        assert [space["names"] for space in links.gather([one, other])] == [["one", "other"]]
    finally:
        one.end()


def test_a_conversation_is_overheard_in_words_that_do_not_vary(people):
    hub, *_ = people
    hub.out("ip link set lo up")
    server = hub.start("exec busybox httpd -f -p 127.0.0.1:80 -h /proc/self/fdinfo")
    while server.wait(0) is None and not hub.out("ss -Hltn"):
        pass
    with sniffing.overhear(hub, "lo") as heard:
        hub.out("busybox wget -q -O - http://127.0.0.1/none", check=False)
    assert heard.lines[:4] == [
        "127.0.0.1 -> 127.0.0.1 port 80: may I? (SYN)", "127.0.0.1 port 80 -> 127.0.0.1: you may (SYN, ACK)",
        "127.0.0.1 -> 127.0.0.1 port 80: GET /none HTTP/1.1", "127.0.0.1 port 80 -> 127.0.0.1: HTTP/1.1 404 Not Found",
    ]  # fmt: skip
    with sniffing.overhear(hub, "lo") as heard:
        pass
    assert str(heard) == "nothing"


def test_a_frame_that_is_no_tcp_says_nothing():
    assert sniffing.spoken(b"") is None and sniffing.spoken(bytes(60)) is None
    assert sniffing.spoken(bytes(12) + b"\x08\x00E" + bytes(9)) is None  # cut off
