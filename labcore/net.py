"""Network namespace: devices, addresses, routes and ports of one's own. (notebook 04)"""

import _socket
import fcntl

from .step import inside

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def set_loopback_up():
    """Switch on lo, which every new network namespace has and which starts down — netdevice(7)."""
    sock = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
    try:
        request = bytearray(b"lo".ljust(40, b"\0"))  # struct ifreq: 16 bytes name, then the flags
        fcntl.ioctl(sock, _SIOCGIFFLAGS, request)
        request[16] |= _IFF_UP
        fcntl.ioctl(sock, _SIOCSIFFLAGS, request)
    finally:
        sock.close()


def plan(spec):
    """lo is switched on in a network namespace that is new."""
    if any(n["type"] == "network" and not n.get("path") for n in spec["linux"]["namespaces"]):
        yield inside(set_loopback_up)
