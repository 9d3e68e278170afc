"""A small town for the checks of networks: a router with a bridge, an outside, and guests, each in a namespace.

    with town("baker") as (router, outside, baker): ...
    with cast("lodger") as (lodger,): ...       # network namespaces of their own, and nothing in them but lo

Nobody in it lives longer than a check may take: an answer that hangs ends with them.
"""

import contextlib
import signal
import threading

from ..errors import LabError
from ..syscalls import CLONE_NEWNET, unshare
from . import link
from .checking import NotYet
from .process import CommandFailed, Process
from .web import serve

PATIENCE_S, LIMIT_S = 3, 8
GATE, OUTSIDE, OUT = "10.4.0.1", "198.51.100.7", "198.51.100.1"


@contextlib.contextmanager
def cast(*names, lo="up"):
    """Processes in network namespaces of their own; none of them lives longer than a check may take."""
    actors = [Process(f"checked-{name}") for name in names]
    over = []

    def give_up():
        over.append(True)
        for actor in filter(lambda each: each.alive, actors):
            link.here().signal(actor.pidfd, signal.SIGKILL)

    timer = threading.Timer(LIMIT_S, give_up)
    timer.start()
    try:
        for actor in actors:
            actor.call(unshare, CLONE_NEWNET)
            actor.out(f"ip link set lo {lo}")
        yield actors
    except LabError as error:
        if isinstance(error, CommandFailed) or all(actor.alive for actor in actors):
            raise
        if over:
            raise NotYet("no-end", "your function had not ended when the check gave up",
                         "it waits for something that does not come; a ping without -c never ends",
                         "the exercise cell") from None  # fmt: skip
        raise NotYet("ended", "the process that ran your function has ended",
                     "an os.exec call makes the process itself another program; a child is needed",
                     "the first hint") from None  # fmt: skip
    finally:
        timer.cancel()
        for actor in actors:
            actor.end()


@contextlib.contextmanager
def town(*guests):
    """A router with the bridge shop0 and an outside behind wan0; guests with addresses from 10.4.0.20, all serving."""
    with cast("router", "outside", *guests) as (router, outside, *people), pages() as directory:
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
            serve(guest, guest.name, directory=directory)
        yield router, outside, *people


def batch(who, *lines):
    """Several lines for `ip`, at once."""
    who.out("ip -batch - <<END\n" + "\n".join(lines) + "\nEND")


@contextlib.contextmanager
def pages():
    """A directory for pages, on the lab host."""
    host = Process.host()
    directory = host.out(f"mktemp -d {link.here().known['state']}/.pages-XXXXXX").strip()
    try:
        yield directory
    finally:
        host.out(f"rm -r {directory}")


def fetch(who, address, port=80):
    """The page that somebody gets, which is the name of its server, or ""."""
    return who.out(f"timeout {PATIENCE_S} busybox wget -q -O - http://{address}:{port}/", check=False).strip()
