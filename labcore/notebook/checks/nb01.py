"""Checks of 01-uts: who has which host name, read from outside.

Each check makes processes of its own, under names that no lesson uses, and gives the host its name back.
"""

import contextlib
import os

from labcore.syscalls import CLONE_NEWUTS, sethostname, unshare

from ..checking import NotYet, demand_function
from ..process import Process

GOOD, BAD = ("lantern-4", "Ferry.example"), "not a name!"
UMLAUT = "ä"


@contextlib.contextmanager
def cast(*names):
    """Fresh processes, the last one a witness that stays at home; afterwards the host has its name again."""
    actors = [Process(f"checked-{name}") for name in (*names, "witness")]
    witness, before = actors[-1], actors[-1].hostname()
    try:
        yield actors
    finally:
        if witness.hostname() != before:
            witness.call(sethostname, before)
        for actor in actors:
            actor.end()


# -- 1.1 set_hostname --------------------------------------------------------------------------------------------------


def sets_a_strict_hostname(answer):
    """Good names are taken, in the namespace that is there; bad ones change nothing."""
    demand_function(answer, "set_hostname")
    with cast("sign") as (sign, _):
        sign.call(unshare, CLONE_NEWUTS)
        before, home = sign.hostname(), sign.ns("uts")
        for good in GOOD:
            take(sign, answer, good)
            if sign.ns("uts") != home:
                raise NotYet("moved", "the process is in another UTS namespace than before",
                             "the function calls unshare; the step runs in the container's own namespace already",
                             "the text of exercise 1.1")  # fmt: skip
            if sign.hostname() == before:
                raise NotYet("not-named", "the host name is the old one", "sethostname was not called, or not reached",
                             "By hand, step 2")  # fmt: skip
            if sign.hostname() != good:
                raise NotYet("other-name", f"asked for {good!r}, the host name is {sign.hostname()!r}",
                             "the function uses another text than its parameter `name`", "its last line")  # fmt: skip
        refuse(sign, answer)


def take(sign, answer, good):
    """Give it a good name."""
    try:
        sign.call(answer, good)
    except ValueError as error:
        raise NotYet("good-refused", f"the good name {good!r} was refused: {error}",
                     "capital letters, digits, - and . are in ALLOWED, too",
                     "the condition of your `if`") from None  # fmt: skip


def refuse(sign, answer):
    """Give it a bad name, which must be refused and change nothing."""
    before = sign.hostname()
    try:
        sign.call(answer, BAD)
    except ValueError:
        if sign.hostname() != before:
            raise NotYet("named-anyway", f"{BAD!r} was refused, but the host name has changed",
                         "sethostname comes before the last letter has been looked at",
                         "the first hint") from None  # fmt: skip
        return
    if sign.hostname() == before:
        raise NotYet("refused-silently", f"{BAD!r} changed nothing, but there was no ValueError",
                     "the function returns, or prints, where it should raise", "the text of exercise 1.1")  # fmt: skip
    raise NotYet("anything-goes", f"{BAD!r} has become the host name", "only the first letters were looked at, or none",
                 "the second hint")  # fmt: skip


# -- 1.2 share_a_name --------------------------------------------------------------------------------------------------


def share_one_namespace(answer):
    """Both are in one UTS namespace that is not the host's, and it has the name."""
    demand_function(answer, "share_a_name")
    with cast("one", "two") as (one, two, witness):
        before, home = witness.hostname(), witness.ns("uts")
        answer(one, two, "orchard")
        if witness.hostname() != before:
            raise NotYet("host-renamed", "the host now has the name that was meant for the two",
                         "sethostname was called in the host's namespace, before unshare or instead of it",
                         "By hand, steps 1 and 2: the order")  # fmt: skip
        ours, theirs = one.ns("uts"), two.ns("uts")
        if home in (ours, theirs):
            left_at_home([name for name, at in (("first", ours), ("second", theirs)) if at == home])
        if ours != theirs:
            raise NotYet("two-namespaces", "first and second are in two different UTS namespaces",
                         "each of them made one with unshare", "By hand, step 4")  # fmt: skip
        if one.hostname() != "orchard":
            raise NotYet("not-named", f"they share a namespace, and its name is {one.hostname()!r}",
                         "sethostname is missing, or has another text than `name`", "By hand, step 2")  # fmt: skip


def left_at_home(names):
    """The diagnosis for one or both that have not left the host's namespace."""
    if len(names) == 2:
        raise NotYet("both-at-home", "first and second are still in the host's UTS namespace",
                     "nobody called unshare; a shell command does it for itself, not for the one who started it",
                     "By hand, step 1")  # fmt: skip
    raise NotYet("one-at-home", f"{names[0]} is still in the host's UTS namespace",
                 "it did not enter, or it entered before the other one had a namespace of its own",
                 "By hand, step 4")  # fmt: skip


# -- 1.3 most_letters --------------------------------------------------------------------------------------------------


def counts_letters(answer):
    """The longest name of letters ä: the kernel is asked, not a table."""
    if not isinstance(answer, int) or isinstance(answer, bool):
        raise NotYet("no-number", f"the answer is a {type(answer).__name__}, not a whole number",
                     "write only the number: most_letters = ...", "the exercise cell")  # fmt: skip
    with cast("scribe") as (scribe, _):
        scribe.call(unshare, CLONE_NEWUTS)
        if not (0 <= answer < 4096 and accepts(scribe, answer)):
            raise too_long(answer)
        if accepts(scribe, answer + 1):
            raise NotYet("too-short", "the kernel accepts one letter ä more", "the search ended too early",
                         "the first hint")  # fmt: skip


def too_long(answer):
    """What people answer, and why."""
    seen, look_at = "the kernel refuses a name of that many letters ä", "the second hint"
    known = {
        63: NotYet("dns-limit", seen, "63 is the limit for one part of a DNS name; the kernel asks no DNS", look_at),
        64: NotYet("letters-not-bytes", seen, "the kernel counts bytes, and ä is more than one", "the third hint"),
        65: NotYet("counted-the-end", seen, "the kernel's field has one byte more than a name may have, for the end",
                   look_at),
        255: NotYet("posix-limit", seen, "255 is the limit that POSIX wrote down; Linux has its own", look_at),
    }  # fmt: skip
    return known.get(answer) or NotYet("too-long", seen, "the number was not tried out", "the first hint")


def accepts(scribe, count):
    """Does the kernel take a name of so many letters?"""
    try:
        scribe.call(sethostname, UMLAUT * count)
    except OSError:
        return False
    return True


# -- 1.4 visit ---------------------------------------------------------------------------------------------------------


def comes_home(answer):
    """The target has the name; the visitor is where he was, as he was."""
    demand_function(answer, "visit")
    with cast("inn", "visitor") as (inn, visitor, witness):
        inn.call(unshare, CLONE_NEWUTS)
        home, before, open_before = visitor.ns("uts"), visitor.hostname(), descriptors(witness, visitor)
        visitor.call(answer, inn, "millpond")
        if witness.hostname() != before:
            raise NotYet("home-renamed", "the visitor's own namespace has the new name",
                         "sethostname was called before setns, or after the way home",
                         "the third hint: the order")  # fmt: skip
        if visitor.ns("uts") != home:
            raise NotYet("stayed-there", "the visitor is not in his old UTS namespace",
                         "the way home is missing, or /proc/self/ns/uts was opened after he had left",
                         "the first hint")  # fmt: skip
        if inn.hostname() != "millpond":
            raise NotYet("not-named", "the target has its old name", "sethostname was not called in its namespace",
                         "By hand, step 4")  # fmt: skip
        if descriptors(witness, visitor) > open_before:
            raise NotYet("left-open", "the visitor has more open descriptors than before",
                         "what os.open opened stays open until os.close", "the third hint")  # fmt: skip


def descriptors(witness, actor):
    """How many files a process has open, counted from outside."""
    return len(witness.call(os.listdir, f"/proc/{actor.pid}/fd"))


CHECKS = {"1.1": sets_a_strict_hostname, "1.2": share_one_namespace, "1.3": counts_letters, "1.4": comes_home}
KEEPS = {"1.1": "uts.set_hostname"}
