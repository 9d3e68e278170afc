"""The words of --publish."""

import socket

import pytest

from labcore import errors
from labcore.engine import ports


@pytest.mark.parametrize("word, port", [
    ("8080:80", "0.0.0.0:8080:80/tcp"), ("8080:80/tcp", "0.0.0.0:8080:80/tcp"), ("53:53/udp", "0.0.0.0:53:53/udp"),
    ("127.0.0.1:1:65535", "127.0.0.1:1:65535/tcp"), ("0.0.0.0:080:80", "0.0.0.0:80:80/tcp"),
])  # fmt: skip
def test_a_word_becomes_a_port(word, port):
    assert ports.parse([word]) == [port]


@pytest.mark.parametrize("word", [
    "", "80", "80:", ":80", ":", "::", "a:80", "80:a", "0:80", "80:0", "65536:80", "80:65536", "80:80/sctp", "80:80/",
    "80:80/TCP", "1:2:3:4", "1.2.3:80:80", "1.2.3.4.5:80:80", "::1:80:80", "[::1]:80:80", "x:80:80", "-1:80", "+1:80",
    "1-2:80", "²:80", "80 :80", "8" * 5000 + ":80", "1\0:80", "1.2.3.4\0:80:80",
])  # fmt: skip
def test_a_word_that_cannot_be_meant_is_named(word):
    with pytest.raises(errors.SpecError, match="^--publish '"):
        ports.parse([word])


def test_a_port_is_published_once():
    ports.parse(["80:80", "81:80", "80:80/udp", "127.0.0.1:90:1", "127.0.0.2:90:1"])
    for words in (["80:80", "80:81"], ["127.0.0.1:80:80", "80:81"], ["80:81", "127.0.0.1:80:80"]):
        with pytest.raises(errors.SpecError, match=f"^--publish {words[1]}: port 80 is published twice$"):
            ports.parse(words)
    with pytest.raises(errors.SpecError, match="at most 100"):
        ports.parse([f"{n}:{n}" for n in range(1, 102)])


@pytest.mark.parametrize("kind, protocol", [(socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp")])
def test_a_port_that_a_program_has_is_taken(kind, protocol):
    with socket.socket(type=kind) as sock:
        sock.bind(("127.0.0.1", 0))
        if protocol == "tcp":
            sock.listen()
        port = sock.getsockname()[1]
        for ip in ("0.0.0.0", "127.0.0.1"):
            with pytest.raises(errors.StateError, match=f"^--publish .*: port {port} is taken$"):
                ports.check_free(f"{ip}:{port}:80/{protocol}")
    ports.check_free(f"127.0.0.1:{port}:80/{protocol}")


def test_an_address_of_somebody_else_cannot_be_published_on():
    with pytest.raises(errors.StateError, match="^--publish 192.0.2.99:80:80/udp: 192.0.2.99 is no address"):
        ports.check_free("192.0.2.99:80:80/udp")
