"""For checks: a learner's function is called, but nobody waits for it for ever.

    value = use(actor, answer, 3, 4)     # the actor calls it
    with patient(router, guest):         # the check calls it, and it has these actors do something
        answer(router, guest)

An actor that keeps the check waiting is ended, with all its children. Then the diagnosis is `no-end`; `ended` is that
of an actor which ended by itself.
"""

import contextlib
import os
import signal
import threading

from ..errors import LabError
from . import link
from .checking import NotYet
from .looking import pid_of

PATIENCE_S = 5


def use(actor, answer, *args, patience_s=None):
    """Have it call the answer, but not for ever."""
    with patient(actor, patience_s=patience_s):
        return actor.call(answer, *args)


@contextlib.contextmanager
def patient(*actors, patience_s=None):
    """Be patient with these actors for some seconds."""
    late, pidfds = [], [actor.pidfd for actor in actors]
    bell = threading.Timer(patience_s or PATIENCE_S, end, (pidfds, late))
    bell.daemon = True
    bell.start()
    try:
        yield
    except LabError:
        if None not in [actor.pidfd for actor in actors]:
            raise
        raise gone(late) from None
    finally:
        bell.cancel()
        bell.join()  # afterwards a descriptor may be closed, and its number another's


def gone(late):
    """The diagnosis for an actor that is no more."""
    if late:
        return NotYet("no-end", "the function had not come back when the check lost its patience",
                      "a loop that never ends, or it waits for what never comes",
                      "the exercise cell: what ends each loop, and what it waits for")  # fmt: skip
    return NotYet("ended", "the process that ran the function has ended in the middle of it",
                  "the function ends it, closes all that it has open, or makes another program of it",
                  "calls like os._exit, os.kill, os.closerange and os.execv")  # fmt: skip


def end(pidfds, late):
    """Kill these processes, and whoever descends from them."""
    late.append(True)
    for pidfd in pidfds:
        try:
            family = [os.pidfd_open(number) for number in descendants(pid_of(pidfd))]
        except OSError:
            family = []  # somebody has just ended
        for each in (pidfd, *family):
            link.here().signal(each, signal.SIGKILL)
        for each in family:
            os.close(each)


def descendants(number):
    """The numbers of all children of a process, and of theirs — proc(5)."""
    with open(f"/proc/{number}/task/{number}/children", encoding="ascii") as file:
        for child in file.read().split():
            yield int(child)
            yield from descendants(int(child))
