"""A small town for the checks of networks: a router with a bridge, an outside, and guests, each in a namespace.

    with town("baker") as (router, outside, baker): ...
    with cast("lodger") as (lodger,): ...       # network namespaces of their own, and nothing in them but lo

Each has mounts of its own, too: the pages that they serve lie in a tmpfs that goes with them.
"""

import contextlib

from ..syscalls import CLONE_NEWNET, CLONE_NEWNS, unshare
from .process import Process
from .web import PAGES, serve

PATIENCE_S = 3
GATE, OUTSIDE, OUT = "10.4.0.1", "198.51.100.7", "198.51.100.1"


@contextlib.contextmanager
def cast(*names, lo="up"):
    """Processes in network namespaces of their own."""
    actors = [Process(f"checked-{name}") for name in names]
    try:
        for actor in actors:
            actor.call(unshare, CLONE_NEWNET | CLONE_NEWNS)
            actor.out(f"mount --make-rprivate / && mount -t tmpfs pages /mnt && mkdir {PAGES} && ip link set lo {lo}")
        yield actors
    finally:
        for actor in actors:
            actor.end()


@contextlib.contextmanager
def town(*guests):
    """A router with the bridge shop0 and an outside behind wan0; guests with addresses from 10.4.0.20, all serving."""
    with cast("router", "outside", *guests) as (router, outside, *people):
        batch(router, "link add shop0 type bridge", f"address add {GATE}/24 dev shop0", "link set shop0 up",
              f"link add wan0 type veth peer name eth0 netns {outside.pid}", f"address add {OUT}/24 dev wan0",
              "link set wan0 up")  # fmt: skip
        batch(outside, f"address add {OUTSIDE}/24 dev eth0", "link set eth0 up")
        router.out("echo 0 > /proc/sys/net/ipv4/ip_forward")
        for number, guest in enumerate(people):
            batch(router, f"link add at-{number} type veth peer name eth0 netns {guest.pid}",
                  f"link set at-{number} master shop0 up")  # fmt: skip
            batch(guest, f"address add 10.4.0.{20 + number}/24 dev eth0", "link set eth0 up",
                  f"route add default via {GATE}")  # fmt: skip
            serve(guest, guest.name)
        yield router, outside, *people


def batch(who, *lines):
    """Several lines for `ip`, at once."""
    who.out("ip -batch - <<END\n" + "\n".join(lines) + "\nEND")


def fetch(who, address, port=80):
    """The page that somebody gets, which is the name of its server, or ""."""
    return who.out(f"timeout {PATIENCE_S} busybox wget -q -O - http://{address}:{port}/", check=False).strip()
