"""Checks of 07-rootfs: what is whose `/`, and what leads out of it, read from outside.

Each check makes processes of its own, under names that no lesson uses, and a directory on a tmpfs that is gone
afterwards. A process whose root is odd runs no commands here, it makes calls; and none is waited for without end.
"""

import contextlib
import inspect
import os
import threading

from labcore.syscalls import (
    CLONE_NEWNS,
    MNT_DETACH,
    MS_BIND,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    mount,
    umount,
    unshare,
)

from ...errors import LabError
from .. import link, roots
from ..checking import NotYet
from ..process import Process

PATIENCE_S = 10


@contextlib.contextmanager
def stage(*names):
    """(an empty directory on a tmpfs, fresh processes…, a witness that stays at home)."""
    actors = [Process(f"checked-{name}") for name in (*names, "witness")]
    witness, top = actors[-1], f"{link.here().known['state']}/.checked-07"
    witness.call(put_up, top)
    try:
        yield top, *actors
    finally:
        for actor in actors[:-1]:
            actor.end()
        witness.call(take_down, top)
        witness.end()


def put_up(top):
    """An empty tmpfs that everybody may pass."""
    os.makedirs(top, exist_ok=True)
    mount("checked", top, "tmpfs", 0, "mode=755")


def take_down(top):
    """And away, with all that is mounted below."""
    umount(top, MNT_DETACH)
    os.rmdir(top)


def demand_function(answer, name):
    """Raise unless there is a function to call."""
    if not inspect.isfunction(answer):
        raise NotYet("no-function", f"the answer is a {type(answer).__name__}, not a function",
                     f"the line `def {name}(...):` is gone, or the name means something else now",
                     "the exercise cell: keep its `def` line")  # fmt: skip


def told_to(actor, answer, *args):
    """Have it call the answer, and end it when it does not come back."""
    bell = threading.Timer(PATIENCE_S, stop, [actor])
    bell.start()
    try:
        return actor.call(answer, *args)
    except LabError:
        if actor.alive:
            raise
        raise NotYet("ended", "the process that called your function has ended, or did not come back in time",
                     "the function leaves or replaces its process, or loops for ever",
                     "the function: it has to return") from None  # fmt: skip
    finally:
        bell.cancel()


def stop(actor):
    """Kill it; whoever waits for its answer hears that it has ended."""
    link.here().signal(actor.pidfd, 9)


# -- 7.1 pivot ---------------------------------------------------------------------------------------------------------


def move_close(room):
    """A private mount namespace, and the room as a mount: a descriptor of it. The process stands elsewhere."""
    unshare(CLONE_NEWNS)
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount(room, room, None, MS_BIND)
    os.chdir("/etc")
    return os.open(room, os.O_PATH)


def is_root_of(pid, room):
    """Is this directory the root of that process?"""
    return os.path.samefile(f"/proc/{pid}/root/", room)


def changes_the_root(answer):
    """The room is `/`, and nothing of the host's tree is in reach."""
    demand_function(answer, "pivot")
    with stage("lodger") as (top, lodger, witness):
        room = f"{top}/lodge"
        for path in (room, f"{room}/tmp", f"{room}/old"):
            witness.call(os.mkdir, path)
        told_to(lodger, answer, lodger.call(move_close, room))
        demand_root(roots.facts(lodger), witness.call(is_root_of, lodger.pid, room))
        demand_no_way(roots.facts(lodger))


def demand_root(seen, right):
    """Raise unless the room is the root of the mount namespace."""
    if seen["kind"] == "host":
        raise NotYet("root-unchanged", "the root of the process is still the host's /",
                     "neither pivot_root nor chroot was called, or it was called on the host's /",
                     "By hand, step 6")  # fmt: skip
    if seen["kind"] == "chroot":
        raise NotYet("only-chroot", "the root has changed, but the host's tree is still mounted around it",
                     "chroot was called; it changes one process's root, not what is mounted",
                     "By hand, steps 5 and 6")  # fmt: skip
    if not right:
        raise NotYet("other-root", "the root is another directory than the one behind the descriptor",
                     "the working directory was not the new root when pivot_root was called",
                     "the first hint")  # fmt: skip


def demand_no_way(seen):
    """Raise if something still leads to the host's tree."""
    if seen["old"]:
        raise NotYet("old-root-left", f"the new root is right, and the old one is still mounted {seen['old']}",
                     "umount of the old root is missing, or it took something else away",
                     "By hand, step 7")  # fmt: skip
    if seen["cwd"]:
        raise NotYet("stands-outside", "the working directory is not below the new root",
                     "the process stood in the old tree, and nobody told it to leave",
                     "the second hint")  # fmt: skip
    if seen["open"]:
        raise NotYet("left-open", "a directory outside the new root is open",
                     "a descriptor of the old root was opened, and not closed: it leads out",
                     "By hand, step 3")  # fmt: skip


# -- 7.2 escape --------------------------------------------------------------------------------------------------------

DEEP = "a/long/way/down/the/stairs/and/round/the/corner"


def lock_up(jail):
    """In a chroot, read-only, with nothing from before."""
    unshare(CLONE_NEWNS)
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount(jail, jail, None, MS_BIND)
    mount(None, jail, None, MS_REMOUNT | MS_BIND | MS_RDONLY)
    os.chroot(jail)
    os.chdir("/")


def walks_out(answer):
    """The prisoner's root is the host's."""
    demand_function(answer, "escape")
    with stage("prisoner") as (top, prisoner, witness):
        jail = f"{top}/{DEEP}"
        witness.call(os.makedirs, f"{jail}/tmp")
        prisoner.call(lock_up, jail)
        told_to(prisoner, answer)
        seen = roots.facts(prisoner)
        if seen["kind"] == "host":
            return
        if seen["path"] == jail:
            raise NotYet("still-inside", "the prisoner's root is still the jail",
                         "his root was never below him: `..` stops at it", "By hand, step 2")  # fmt: skip
        if seen["path"].startswith(f"{jail}/"):
            raise NotYet("deeper", "the prisoner's root is now a directory in the jail",
                         "the last chroot is missing, or he went into that directory himself",
                         "By hand, step 2: where does she stand?")  # fmt: skip
        raise NotYet("half-way", "the prisoner's root is a directory between the jail and the host's /",
                     "there were too few steps upwards", "the second hint")  # fmt: skip


CHECKS = {"7.1": changes_the_root, "7.2": walks_out}
KEEPS = {"7.1": "rootfs.pivot"}
