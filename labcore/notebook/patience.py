"""For checks: a learner's function is called by an actor, but not for ever."""

import signal
import threading

from ..errors import LabError
from . import link
from .checking import NotYet

PATIENCE_S = 5


def use(actor, answer, *args):
    """Have it call the answer, but not for ever."""
    timer = threading.Timer(PATIENCE_S, link.here().signal, (actor.pidfd, signal.SIGKILL))
    timer.start()
    try:
        return actor.call(answer, *args)
    except LabError:
        if actor.pidfd is not None:
            raise
        raise NotYet("ended", "the process that ran the function has ended",
                     "the function ends it, or never came back, and the check lost its patience",
                     "loops, and calls of os._exit or os.kill") from None  # fmt: skip
    finally:
        timer.cancel()
