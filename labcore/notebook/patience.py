"""For checks: a learner's function is called by an actor, or gives actors orders, but not for ever."""

import contextlib
import signal
import threading

from ..errors import LabError
from . import link
from .checking import NotYet

PATIENCE_S = 5


def use(actor, answer, *args):
    """Have it call the answer, but not for ever."""
    with limit(actor):
        return actor.call(answer, *args)


@contextlib.contextmanager
def limit(*actors):
    """Around an answer that gives orders to actors: when it takes too long, they are ended, and it with them."""
    timer = threading.Timer(PATIENCE_S, give_up, (link.here().signal, actors))
    timer.start()
    try:
        yield
    except LabError:
        if all(actor.alive for actor in actors):
            raise
        raise ended() from None
    finally:
        timer.cancel()
    if not all(actor.alive for actor in actors):
        raise ended()


def give_up(send, actors):
    """Patience is lost: kill those that are still there."""
    for actor in actors:
        if actor.pidfd is not None:
            send(actor.pidfd, signal.SIGKILL)


def ended():
    """The diagnosis."""
    return NotYet("ended", "the process that ran the function has ended",
                  "the function ends it, or never came back, and the check lost its patience",
                  "loops, commands that do not end, and calls of os._exit, os.exec or os.kill")  # fmt: skip
