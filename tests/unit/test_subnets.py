"""Which subnet a network gets."""

import pytest

from labcore import errors
from labcore.engine import subnets

SAID = """\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
    inet6 ::1/128 scope host noprefixroute
4: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 1000
    inet 192.0.2.7/24 brd 192.0.2.255 scope global dynamic eth0
       valid_lft 4242sec preferred_lft 4242sec
default via 192.0.2.1 dev eth0
0.0.0.0/1 via 10.8.0.1 dev tun0
128.0.0.0/1 via 10.8.0.1 dev tun0
10.8.0.1 dev tun0 proto kernel scope link src 10.8.0.2
198.51.100.0/24 via 192.0.2.1 dev eth0
blackhole 203.0.113.0/25
local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1
broadcast 192.0.2.255 dev eth0 table local proto kernel scope link src 192.0.2.7
fe80::/64 dev eth0 proto kernel metric 256 pref medium
ff00::/8 dev eth0 table local proto kernel metric 256 pref medium
"""


def test_what_the_host_has_is_read_from_ip():
    assert subnets.in_use(SAID) == {
        "127.0.0.0/8": "an address of lo", "192.0.2.0/24": "an address of eth0", "10.8.0.1/32": "a route to tun0",
        "198.51.100.0/24": "a route to eth0", "203.0.113.0/25": "a route to nowhere",
        "192.0.2.255/32": "a route to eth0",
    }  # fmt: skip
    assert subnets.in_use("") == {}


def test_the_first_free_default_is_chosen():
    assert subnets.choose(None, {}) == "10.89.0.0/24"
    assert subnets.choose(None, {"10.89.0.0/23": "x", "10.89.2.7/32": "y"}) == "10.89.3.0/24"
    with pytest.raises(errors.HostError, match=r"^no subnet of 10\.89\.0\.0/16 is free"):
        subnets.choose(None, {"10.0.0.0/8": "a route to vpn0"})


@pytest.mark.parametrize("taken", ["10.1.2.0/24", "10.1.0.0/16", "10.1.2.128/25", "10.1.2.3/32", "0.0.0.0/0"])
def test_a_wanted_subnet_that_overlaps_names_both(taken):
    with pytest.raises(errors.SpecError, match=f"^--subnet 10.1.2.0/24: overlaps {taken}, which is network 'x'\n"):
        subnets.choose("10.1.2.0/24", {taken: "network 'x'"})
    assert subnets.choose("10.1.2.0/24", {"10.1.3.0/24": "", "10.1.1.0/24": ""}) == "10.1.2.0/24"


@pytest.mark.parametrize("text", ["10.1.0.0/16", "192.168.0.0/30", "10.0.0.0/8"])
def test_a_subnet_is_itself(text):
    assert subnets.parse(text) == text


@pytest.mark.parametrize("text, word", [
    ("", "ADDRESS"), ("10.1.0.0", "length"), ("10.1.0.0/", "length"), ("10.1.0.0/x", "length"), ("/24", "ADDRESS"),
    ("10.1.0.0/33", "length"), ("10.1.0.0/31", "length"), ("10.0.0.0/7", "length"), ("10.1.0.0/²", "length"),
    ("10.1.0.0/-1", "length"),
    ("10.1.0.0/24/24", "length"), ("10.1/16", "ADDRESS"), ("fd00::/64", "ADDRESS"), ("10.1.0.0\0/24", "ADDRESS"),
    ("10.1.0.1/24", "an address in a subnet"), ("127.0.0.0/8", "127.0.0.0/8"), ("224.0.0.0/24", "224.0.0.0/3"),
    ("0.0.0.0/8", "0.0.0.0/8"), ("255.255.255.0/24", "224.0.0.0/3"),
])  # fmt: skip
def test_what_is_no_subnet_for_containers_is_refused(text, word):
    with pytest.raises(errors.SpecError, match="^--subnet '") as refused:
        subnets.parse(text)
    assert word in str(refused.value)
