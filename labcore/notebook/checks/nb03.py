"""Checks of 03-pid: who has which numbers, who has been buried, and who leads a session, read from outside.

Each check makes processes of its own, under names that no lesson uses. What runs in one is given some seconds.
"""

import contextlib
import os
import threading
import time

from labcore.errors import HostError
from labcore.syscalls import CLONE_NEWPID, unshare

from .. import link
from ..checking import NotYet, demand_function
from ..patience import ended, limit, use
from ..process import Process

PATIENCE_S, SIGKILL, SIGCONT = 4, 9, 18
COUNTER = "/proc/sys/kernel/ns_last_pid"


@contextlib.contextmanager
def cast(*names):
    """Fresh processes, the last one a witness that stays at home; afterwards all of them end."""
    actors = [Process(f"checked-{name}") for name in (*names, "witness")]
    try:
        yield actors
    finally:
        for actor in actors:
            actor.end()


def first_inside(outer, name):
    """Number 1 of a fresh PID namespace, in a process group that nobody else is in."""
    outer.call(os.setpgid, 0, 0)
    outer.call(unshare, CLONE_NEWPID)
    return outer.fork(f"checked-{name}")


# -- 3.1 three_numbers -------------------------------------------------------------------------------------------------


def has_three_numbers(answer):
    """The process has three numbers, and the innermost is 1."""
    demand_function(answer, "three_numbers")
    with cast("outer") as (outer, _):
        with limit(outer):
            found = answer(outer, "checked-inmost")
        if not isinstance(found, Process) or not found.alive:
            seen = "a process that has ended" if isinstance(found, Process) else f"a {type(found).__name__}"
            raise NotYet("no-process", f"the function returned {seen}, not a living process",
                         "`return` is missing, or stands before something else than a `fork`",
                         "the third hint")  # fmt: skip
        told_apart([int(word) for word in found.look()["status"]["NSpid"].split()])


def told_apart(numbers):
    """What each wrong list of numbers comes from."""
    count, look_at = len(numbers), "By hand, step 3"
    if count == 1:
        raise NotYet("one-number", "the process has one number, the host's",
                     "nobody has called unshare(CLONE_NEWPID), or the caller itself was returned: it moves its next "
                     "child only", "By hand, steps 1 and 2")  # fmt: skip
    if count == 2:
        raise NotYet("two-numbers", "the process has two numbers", "one unshare is missing: each makes one namespace "
                     "more, for the children of the one who calls it", look_at)  # fmt: skip
    if count > 3:
        raise NotYet("too-many", "the process has more than three numbers", "there was one unshare too many", look_at)
    if numbers[-1] != 1:
        raise NotYet("not-first", "the process has three numbers, and the last of them is not 1",
                     "somebody was born there before it", "the text of exercise 3.1")  # fmt: skip


# -- 3.2 small_init ----------------------------------------------------------------------------------------------------

# One orphan that ends at once, one that outlives everybody; then the command stops itself until it is told to go on.
COMMAND = "(exit 3 & exit 0); (sleep 600 >/dev/null 2>&1 & exit 0); kill -STOP $$; exit 7"


class Running(threading.Thread):
    """The answer at work in number 1 of a namespace."""

    def __init__(self, actor, answer):
        super().__init__(daemon=True)
        self.actor, self.answer, self.value, self.error = actor, answer, None, None
        self.start()

    def run(self):
        """Ask, and keep what comes back."""
        try:
            self.value = self.actor.call(self.answer, COMMAND)
        except BaseException as error:  # it is raised again in the check's own thread
            self.error = error

    def stop(self):
        """End number 1, and with it whatever it has started."""
        if self.is_alive():
            link.here().signal(self.actor.pidfd, SIGKILL)
            self.join()


def children_of(number):
    """{number: state} of the children of a process — proc(5)."""
    found = {}
    with open(f"/proc/{number}/task/{number}/children") as file:
        for word in file.read().split():
            try:
                with open(f"/proc/{word}/stat") as stat:
                    found[int(word)] = stat.read().rpartition(")")[2].split()[0]
            except OSError:
                pass  # gone in this moment
    return found


def is_a_small_init(answer):
    """No zombie while the command runs; its exit code as soon as it has ended."""
    demand_function(answer, "small_init")
    with cast("outer") as (outer, witness):
        init = first_inside(outer, "init")
        running = Running(init, answer)
        try:
            main = until(lambda: running.error or stopped(witness, init))
            judge_start(running, init, main)
            until(lambda: settled(witness.call(children_of, init.pid)))
            judge_burials(witness.call(children_of, init.pid))
            witness.call(os.kill, main, SIGCONT)
            running.join(PATIENCE_S)
            if running.is_alive():
                raise NotYet("waits-for-all", "the command has ended, and the function has not returned",
                             "it goes on until no child is left, and one of them sleeps for a long time; or what it "
                             "compares with main is not the number alone",
                             "the text of exercise 3.2: at once")  # fmt: skip
            judge_end(running)
        finally:
            running.stop()


def until(question):
    """The first answer that is not empty; the last one when time is up."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := question()) and time.monotonic() < deadline:
        time.sleep(0.005)
    return found


def stopped(witness, init):
    """The command's shell, once it has stopped itself."""
    try:
        return next((n for n, state in witness.call(children_of, init.pid).items() if state == "T"), None)
    except OSError:
        return None  # number 1 has gone


def settled(children):
    """Are the command and the orphan that sleeps all that is left, or so many that it makes no sense to wait?"""
    return sorted(children.values()) == ["S", "T"] or len(children) > 9


def judge_start(running, init, main):
    """The command runs below number 1, and the function has not returned."""
    if not init.alive:
        raise ended()
    if running.error:
        raise running.error
    if main is None:
        raise NotYet("not-run", "the command does not run as a child of number 1",
                     "the first line, which was given, is gone, or is not reached", "the exercise cell")  # fmt: skip
    if not running.is_alive():
        if running.value is None:
            raise NotYet("not-waited", "the command still runs, and the function has returned nothing",
                         "nothing below the given line waits yet, or it does not wait until somebody has ended",
                         "the first hint")  # fmt: skip
        raise left_early("the command still runs, and the function has returned")


def left_early(observed):
    """The diagnosis for who waits for one child only, whoever that is."""
    return NotYet("left-early", observed, "the first child that ended was taken for the command", "the first hint")


def judge_burials(children):
    """Nobody is left but the command and the orphan that sleeps."""
    states = list(children.values())
    if len(states) - states.count("Z") > 2:
        raise NotYet("twice", "number 1 has living children that are not from this command",
                     "the command, or something else, was started once more", "the exercise cell")  # fmt: skip
    if "Z" in states:
        raise NotYet("zombie-left", "the command runs, and another child of number 1 is a zombie",
                     "only one child is waited for, or nobody while the command runs", "the second hint")  # fmt: skip


def judge_end(running):
    """What the function returned is the command's own exit code."""
    if running.error:
        raise running.error
    if type(value := running.value) is int and value == 7:
        return
    if value in (3, 3 << 8):
        raise left_early("the command has ended with 7, and another child with 3: the function returned the other's")
    if value is None:
        raise NotYet("nothing-returned", "the command has ended with 7, the function returned nothing",
                     "`return` is missing", "the third hint")  # fmt: skip
    if value == 7 << 8:
        raise NotYet("raw-status", f"the command has ended with 7, the function returned {value}",
                     "a status holds more than the code", "the text: os.waitstatus_to_exitcode")  # fmt: skip
    raise NotYet("other-value", f"the command has ended with 7, the function returned a {type(value).__name__} that is "
                 "not 7", "the code of another child, or the number of one", "the first hint")  # fmt: skip


# -- 3.3 new_session ---------------------------------------------------------------------------------------------------


def leads_a_session(answer):
    """A session and a group of its own; a second call changes nothing; a real refusal is heard."""
    demand_function(answer, "new_session")
    with cast("outer", "leader") as (outer, leader, witness):
        lodger = first_inside(outer, "lodger")
        use(lodger, answer)
        group, session = group_and_session(witness, lodger)
        if session != lodger.pid and group == lodger.pid:
            raise NotYet("group-only", "the process leads a group of its own, in the session of somebody outside",
                         "setpgid makes a group; a session is more", "the first hint")  # fmt: skip
        if session != lodger.pid:
            raise NotYet("not-led", "the process is in the session and the group of somebody outside",
                         "the call was not made, or made by a child or by another program",
                         "the text of exercise 3.3")  # fmt: skip
        try:
            use(lodger, answer)
        except PermissionError:
            raise NotYet("not-twice", "called by the leader of a session, the function raised PermissionError",
                         "the call was made again; who leads a session already needs none",
                         "the second hint") from None  # fmt: skip
        leader.call(os.setpgid, 0, 0)  # of a group, that is
        try:
            use(leader, answer)
        except PermissionError:
            return
        raise NotYet("swallowed", "called by the leader of a group, the function neither made a session nor raised",
                     "the refusal was caught, or the function asks about the group and not about the session",
                     "the third hint")  # fmt: skip


def group_and_session(witness, actor):
    """The numbers of its process group and session, the host's — proc(5)."""
    words = witness.out(f"cat /proc/{actor.pid}/stat").rpartition(")")[2].split()
    return int(words[2]), int(words[3])


# -- 3.4 next_number ---------------------------------------------------------------------------------------------------


def chooses_the_number(answer):
    """The next child has the number that was asked for; two times, so that one lucky number is not enough."""
    demand_function(answer, "next_number")
    if not os.path.exists(COUNTER):
        raise HostError(f"this kernel has no {COUNTER}", "it was built without CONFIG_CHECKPOINT_RESTORE")
    with cast("outer") as (outer, witness):
        office = first_inside(outer, "office")
        before = len(witness.call(os.listdir, f"/proc/{office.pid}/fd"))
        for wanted in (77, 141):
            use(office, answer, wanted)
            born = office.fork("checked-child").call(os.getpid)
            if born == wanted + 1:
                raise NotYet("one-late", "the next child has the number after the one that was asked for",
                             "the file holds the last number, not the next one", "the first hint")  # fmt: skip
            if born != wanted:
                raise NotYet("other-number", "the next child has another number than the one that was asked for",
                             "nothing was written, not as text, or it still stands in a buffer when the child is born",
                             "the second hint")  # fmt: skip
        if len(witness.call(os.listdir, f"/proc/{office.pid}/fd")) > before:
            raise NotYet("left-open", "the process has more open descriptors than before",
                         "what os.open opened stays open until os.close", "the second hint")  # fmt: skip


CHECKS = {"3.1": has_three_numbers, "3.2": is_a_small_init, "3.3": leads_a_session, "3.4": chooses_the_number}
KEEPS = {"3.3": "pid.new_session"}
