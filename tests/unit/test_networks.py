"""Words about networks, and what is decided from text alone; what the kernel makes of it: tests/oci/test_network.py."""

import pytest

from labcore import errors, net, networks, options
from labcore.engine import bridge, network


@pytest.mark.parametrize("name", ["lab", "a", "web-1", "x" * 11, "0", "a_b"])
def test_a_name_can_be_part_of_a_device(name):
    assert network.check_name(name) == name


@pytest.mark.parametrize("name", ["", "x" * 12, "-a", "_a", "a.b", "a b", "a/b", "ä", "none", "host", "private", "a\n"])
def test_a_name_that_cannot_is_refused(name):
    with pytest.raises(errors.SpecError, match="^network "):
        network.check_name(name)


@pytest.mark.parametrize("text, kept", [
    ("nameserver 192.0.2.53\n", "nameserver 192.0.2.53\n"), ("nameserver 127.0.0.53\noptions edns0\n", ""), ("", ""),
    ("nameserver ::1\nnameserver 192.0.2.53\nsearch example\n", "nameserver 192.0.2.53\nsearch example\n"),
    ("nameserver\nnameserver 2001:db8::53", "nameserver\nnameserver 2001:db8::53\n"), ("search example", ""),
])  # fmt: skip
def test_name_servers_that_only_the_host_reaches_are_left_out(text, kept):
    assert network.name_servers(text) == kept


def test_lines_for_nft_can_be_read():
    ports = ["0.0.0.0:8080:80/tcp", "127.0.0.1:53:5353/udp"]
    assert net.create_elements("10.89.0.2", ports).splitlines() == [
        "create element ip labcore ports { tcp . 8080 : 10.89.0.2 . 80 }",
        "create element ip labcore ports_at { 127.0.0.1 . udp . 53 : 10.89.0.2 . 5353 }"]  # fmt: skip
    assert net.delete_elements("10.89.0.2", ports[:1]).splitlines() == [
        "add element ip labcore ports { tcp . 8080 : 10.89.0.2 . 80 }",
        "delete element ip labcore ports { tcp . 8080 }"]  # fmt: skip
    assert net.create_elements("10.89.0.2", []) == net.delete_elements("10.89.0.2", []) == ""
    assert all(line.startswith(("add ", "flush table ip labcore")) for line in bridge.TABLE.splitlines())


@pytest.mark.parametrize("words, why", [
    ([], "network needs"), (["walk"], "'walk'"), (["create"], "one name"), (["create", "a", "b"], "one name"),
    (["ls", "a"], "no name"), (["rm"], "one name or more"), (["ls", "--subnet", "10.0.0.0/8"], "--subnet"),
    (["create", "a", "--moon"], "--moon"),
])  # fmt: skip
def test_words_that_cannot_be_understood_are_refused(words, why):
    with pytest.raises(options.UsageError, match=why):
        networks.call(words)


def test_help_is_given_wherever_it_is_asked_for(capsys):
    for words in (["--help"], ["create", "--help"], ["create", "x", "-h"]):
        assert networks.call(words) == 0
        said = capsys.readouterr().out
        assert said.startswith("usage: labcore network create NAME") and "--subnet CIDR" in said


@pytest.mark.parametrize("word", ["none", "private", "host", "container:x"])
def test_no_network_no_ports(word):
    assert networks.place({"network": word}, "box", {}) is None
    with pytest.raises(errors.SpecError, match=f"^--publish 80:80: needs a network, but --network is {word}\n"):
        networks.place({"network": word, "publish": ["80:80"]}, "box", {})
    with pytest.raises(options.UsageError, match="--bundle|a bundle"):
        networks.place({"network": word, "bundle": "/x"}, "box", {})
