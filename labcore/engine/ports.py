"""Published ports: the words of --publish. What the kernel is told about them is net.publish."""

import _socket
import errno

from .. import errors, lease

MOST = 100  # they stand in one symbolic link, and in one transaction


def parse(words):
    """[`IP:HOSTPORT:PORT/PROTOCOL`, …] from the words after --publish; SpecError says which one cannot be meant."""
    if len(words) > MOST:
        raise errors.SpecError(f"--publish: {len(words)} ports, but at most {MOST} can be published")
    found = [_one(word) for word in words]
    for n, port in enumerate(found):
        if any(lease.overlap(port, other) for other in found[:n]):
            raise errors.SpecError(f"--publish {words[n]}: port {lease.parts(port)[1]} is published twice")
    return found


def check_free(port):
    """No program of the host may have this port; of containers the leases know — bind(2)."""
    ip, outside, _, protocol = lease.parts(port)
    kind = _socket.SOCK_STREAM if protocol == "tcp" else _socket.SOCK_DGRAM
    sock = _socket.socket(_socket.AF_INET, kind | _socket.SOCK_CLOEXEC)
    try:
        if protocol == "tcp":  # connections on their way out take no port; for udp the word would mean to share it
            sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        sock.bind((ip, outside))
    except OSError as error:
        why = {errno.EADDRINUSE: f"port {outside} is taken",
               errno.EADDRNOTAVAIL: f"{ip} is no address of this host"}.get(error.errno, error.strerror)  # fmt: skip
        raise errors.StateError(f"{lease.option(port)}: {why}") from None
    finally:
        sock.close()


def _one(word):
    what = f"--publish {word!r}"
    numbers, slash, protocol = word.partition("/")
    if slash and protocol not in ("tcp", "udp"):
        raise errors.SpecError(f"{what}: unknown protocol {protocol!r}", "tcp or udp")
    *ip, outside, inside = numbers.split(":") if numbers.count(":") in (1, 2) else ("", "", "")
    if not (outside and inside):
        raise errors.SpecError(f"{what}: must be [IP:]HOSTPORT:PORT[/tcp|udp]", "--publish 8080:80")
    return f"{_ip(what, *ip)}:{_number(what, outside)}:{_number(what, inside)}/{protocol or 'tcp'}"


def _ip(what, text=lease.ANY):
    try:
        return _socket.inet_ntop(_socket.AF_INET, _socket.inet_pton(_socket.AF_INET, text))
    except (OSError, ValueError):
        raise errors.SpecError(f"{what}: {text!r} is no IPv4 address", "--publish 127.0.0.1:8080:80") from None


def _number(what, text):
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise errors.SpecError(f"{what}: {text!r} is no port", "a port is a number from 1 to 65535")
    return int(text)
