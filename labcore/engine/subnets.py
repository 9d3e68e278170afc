"""Subnets: which addresses a network gets, and what of this host they must not overlap."""

import _socket

from .. import errors, lease, net

DEFAULTS = [f"10.89.{n}.0/24" for n in range(256)]
_RESERVED = ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3")
_KINDS = ("local", "broadcast", "multicast", "anycast", "unreachable", "blackhole", "prohibit", "throw", "nat")


def parse(text):
    """`10.1.0.0/16`, checked; SpecError says why it is no subnet for containers."""
    base, _, length = text.partition("/")
    what = f"--subnet {text!r}"
    try:
        first = int.from_bytes(_socket.inet_pton(_socket.AF_INET, base), "big")
    except (OSError, ValueError):
        raise errors.SpecError(f"{what}: not ADDRESS/LENGTH", "--subnet 10.1.2.0/24") from None
    if not (length.isascii() and length.isdigit() and len(length) <= 2 and 8 <= int(length) <= 30):
        raise errors.SpecError(f"{what}: the length must be a number from 8 to 30", f"--subnet {base}/24")
    if first % (1 << 32 - int(length)):
        whole = lease.text(first >> 32 - int(length) << 32 - int(length))
        raise errors.SpecError(f"{what}: is an address in a subnet", f"the subnet is {whole}/{int(length)}")
    subnet = f"{lease.text(first)}/{int(length)}"
    reserved = next((r for r in _RESERVED if overlap(subnet, r)), None)
    if reserved:
        raise errors.SpecError(f"{what}: {reserved} has a meaning of its own", "--subnet 10.1.2.0/24")
    return subnet


def choose(wanted, taken):
    """The wanted subnet, or the first default one that is free; `taken` is {subnet: what has it}."""
    for subnet in [wanted] if wanted else DEFAULTS:
        other = next((t for t in taken if overlap(subnet, t)), None)
        if other is None:
            return subnet
        if wanted:
            raise errors.SpecError(f"--subnet {wanted}: overlaps {other}, which is {taken[other]}",
                                   "choose another, or leave it out")  # fmt: skip
    raise errors.HostError("no subnet of 10.89.0.0/16 is free on this host", "choose one yourself with --subnet")


def overlap(a, b):
    """Have two subnets an address in common?"""
    (first_a, last_a), (first_b, last_b) = lease.span(a), lease.span(b)
    return first_a <= last_b and first_b <= last_a


def of_host():
    """{subnet: what has it} of the host's addresses and routes, as ip(8) tells them."""
    return in_use(net.start("ip", "address show\nroute show table all\n").check())


def in_use(said):
    """The same from the text: `    inet 192.0.2.7/24 … eth0` and `198.51.100.0/24 via 192.0.2.1 dev eth0 …`."""
    found = {}
    for line in said.splitlines():
        words = line.split() or [""]
        if words[0] == "inet":
            subnet, what = words[1], f"an address of {words[-1]}"
        else:
            subnet = words[1] if words[0] in _KINDS and len(words) > 1 else words[0]
            what = f"a route to {words[words.index('dev') + 1] if 'dev' in words else 'nowhere'}"
        base, _, length = subnet.partition("/")
        if base.count(".") == 3 and ":" not in base and length not in ("0", "1"):  # half of the world is a way out, too
            found.setdefault(_whole(base, int(length or 32)), what)
    return found


def _whole(base, length):
    """The subnet that an address lies in."""
    return f"{lease.text(lease.number(base) >> 32 - length << 32 - length)}/{length}"
