"""Walks a plan: one step after the other, each timed; the first that fails ends the walk."""

import _signal
import os
import time

from . import errors, helper, step


def walk(steps, handles=None, one_by_one=False):
    """Yield (step, microseconds) for each step as it is done; StepFailed names the one that failed.

    `handles` is the table of values that exist only at run time; it is filled as steps return them. Consecutive
    inside steps travel as one message, or one by one for a learner who wants to look in between.
    """
    handles = {} if handles is None else handles
    steps, at = list(steps), 0
    handles["steps"] = steps  # a helper is born with them
    wanted = sorted({n for s in steps if s.place == step.HOST for n in step.handles_in(s.args)})
    while at < len(steps):
        count = 1
        if steps[at].place == step.INSIDE and not one_by_one:
            while at + count < len(steps) and steps[at + count].place == step.INSIDE:
                count += 1
        yield from _do(steps[at : at + count], handles, wanted)
        at += count


def _do(batch, handles, wanted):
    try:
        if batch[0].place == step.HOST:
            begun = time.perf_counter_ns()
            returned = step.resolve(batch[0])(**step.fill(batch[0].args, handles))
            took = [(time.perf_counter_ns() - begun) // 1000]
        else:
            took, returned = handles["helper"].play(batch, handles, wanted)
        handles.update(returned or {})
    except helper.PlayFailed as failed:
        raise errors.StepFailed(batch[failed.index], failed.cause) from None
    except (errors.Interrupted, KeyboardInterrupt):
        raise
    except Exception as error:
        raise errors.StepFailed(batch[0], error) from error
    yield from zip(batch, took, strict=True)


def let_go(handles):
    """Close what a walk left open on the host's side."""
    for name, value in list(handles.items()):
        if isinstance(value, step.Descriptor):
            os.close(value)
            del handles[name]
        elif hasattr(value, "close"):  # a helper, or a program that was started and must not go on behind our back
            value.close()
            del handles[name]


class Guard:
    """While a plan is walked, a signal that would end us ends it between steps, or where it waits for the inside.

    `for x in guard.over(walk(…))` raises Interrupted; whoever walks then takes down what was built.
    """

    SIGNALS = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGQUIT, _signal.SIGUSR1, _signal.SIGUSR2,
               _signal.SIGALRM)  # fmt: skip

    def __enter__(self):
        self.caught, self.raised = None, False
        self.before = {number: _signal.signal(number, self._catch) for number in self.SIGNALS}
        return self

    def __exit__(self, *_):
        if self.caught:
            _signal.setitimer(_signal.ITIMER_REAL, 0)
        for number, action in self.before.items():
            _signal.signal(number, action if action is not None else _signal.SIG_DFL)

    def _catch(self, number, frame):
        self.caught = self.caught or number
        if self.raised:
            return
        if frame is not None and frame.f_globals.get("__name__", "").endswith("labcore.wire"):
            self.raised = True
            raise errors.Interrupted(self.caught)  # waiting for the inside, perhaps for ever
        _signal.setitimer(_signal.ITIMER_REAL, 0.02)  # on the way there, perhaps: look again

    def check(self):
        """Raise Interrupted when a signal has come."""
        if self.caught:
            self.raised = True
            raise errors.Interrupted(self.caught)

    def over(self, walking):
        """The same steps, but Interrupted between two of them when a signal has come."""
        for done in walking:
            yield done
            self.check()
