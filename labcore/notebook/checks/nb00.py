"""Check of 00-start-here: does the learner's function tell namespaces apart?"""

import contextlib
import inspect

from labcore.syscalls import CLONE_NEWIPC, CLONE_NEWUTS, unshare

from ..checking import NotYet
from ..process import Process


@contextlib.contextmanager
def cast():
    """Three processes: `left` has its own UTS namespace, `both` its own IPC namespace too, `asker` asks."""
    actors = [Process(f"checked-{name}") for name in ("left", "both", "asker")]
    try:
        actors[0].call(unshare, CLONE_NEWUTS)
        actors[1].call(unshare, CLONE_NEWUTS | CLONE_NEWIPC)
        yield actors
    finally:
        for actor in actors:
            actor.end()


def tells_namespaces_apart(answer):
    """Ask about pairs that share, pairs that do not, and two kinds."""
    if not inspect.isfunction(answer):
        raise NotYet("no-function", f"the answer is a {type(answer).__name__}, not a function",
                     "the line `def same_namespace(kind, a, b):` is gone",
                     "the exercise cell: keep its `def` line")  # fmt: skip
    with cast() as (left, both, asker):
        pairs = [("uts", left, asker), ("uts", left, left), ("ipc", left, asker), ("ipc", both, asker)]
        said = [asker.call(answer, kind, a.pid, b.pid) for kind, a, b in pairs]
        truth = [a.ns(kind) == b.ns(kind) for kind, a, b in pairs]
    judge(said, truth)


def judge(said, truth):
    """The diagnosis for answers that are not the truth."""
    if all(word is None for word in said):
        raise NotYet("nothing-returned", "the function returned nothing", "it prints, or the word `return` is missing",
                     "the third hint")  # fmt: skip
    if said == truth:
        return
    if not any(said):
        raise NotYet("never-same", "the function says no, even about a process and itself",
                     "the two paths were compared, not the texts of the links", "the second hint")  # fmt: skip
    if all(said):
        raise NotYet("always-same", "the function says yes, even about processes in different namespaces",
                     "both links are of one process, or something was compared that is always equal",
                     "section 3")  # fmt: skip
    if said == [not yes for yes in truth]:
        raise NotYet("upside-down", "the function says yes where the namespaces differ, and no where they are one",
                     "!= where == was meant", "the third hint")  # fmt: skip
    raise NotYet("wrong-kind", "the function is right about some kinds of namespace and wrong about others",
                 "the path names one kind; `kind` is to be put into it", "the second hint")  # fmt: skip


CHECKS = {"0.1": tells_namespaces_apart}
