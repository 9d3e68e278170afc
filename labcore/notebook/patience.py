"""For checks: a learner's function is called by an actor, or gives actors orders, but not for ever.

    value = use(actor, answer, 3, 4)     # the actor calls it
    with limit(router, guest):           # the check calls it, and it has these actors do something
        answer(router, guest)

Actors that keep the check waiting are ended, with whatever descends from them.
"""

import _thread
import contextlib
import os
import signal
import threading

from ..errors import LabError
from . import link
from .checking import NotYet
from .looking import pid_of

PATIENCE_S, GRACE_S = 5, 1


def use(actor, answer, *args):
    """Have it call the answer, but not for ever."""
    with limit(actor):
        return actor.call(answer, *args)


@contextlib.contextmanager
def limit(*actors):
    """Around an answer that gives orders to actors: when it takes too long, they are ended, and it with them."""
    late, over, pidfds = [], threading.Event(), [actor.pidfd for actor in actors]
    timer = threading.Timer(PATIENCE_S, give_up, (pidfds, late, over))
    timer.daemon = True
    timer.start()
    try:
        yield
    except (LabError, OSError):
        if all(actor.alive for actor in actors):
            raise
        raise ended(late) from None
    except KeyboardInterrupt:
        if not late:
            raise
        raise ended(late) from None
    finally:
        over.set()
        timer.cancel()
        timer.join()  # from here on a descriptor may be closed, and its number become another's
    if not all(actor.alive for actor in actors):
        raise ended(late)


def give_up(pidfds, late, over):
    """Patience is lost: kill these processes, and whoever descends from them; then stop a loop in the notebook."""
    late.append(True)
    for pidfd in pidfds:
        try:
            family = [os.pidfd_open(number) for number in descendants(pid_of(pidfd))]
        except (OSError, StopIteration):
            family = []  # somebody has just ended
        for each in (pidfd, *family):
            with contextlib.suppress(OSError):
                link.here().signal(each, signal.SIGKILL)
        for each in family:
            os.close(each)
    if not over.wait(GRACE_S):
        _thread.interrupt_main()


def descendants(number):
    """The numbers of all children of a process, and of theirs — proc(5)."""
    with open(f"/proc/{number}/task/{number}/children", encoding="ascii") as file:
        for child in file.read().split():
            yield int(child)
            yield from descendants(int(child))


def ended(late=False):
    """The diagnosis for an actor that is no more."""
    if late:
        return NotYet("ended", "the function had not come back when the check lost its patience",
                      "a loop or a command that does not end, or it waits for what never comes",
                      "what ends each loop and each command, and what it waits for")  # fmt: skip
    return NotYet("ended", "the process that ran the function, or one that it was given, has ended",
                  "the function ends it, closes all that it has open, or makes another program of it",
                  "calls like os._exit, os.kill, os.closerange and os.execv")  # fmt: skip
