"""lo, in a network namespace of one's own."""

import socket

from labcore import net


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
