"""Checks of 07-rootfs: what is whose `/`, and what leads out of it, read from outside.

Each check makes processes of its own, under names that no lesson uses, and a directory on a tmpfs that is gone
afterwards. A process whose root is odd runs no commands here, it makes calls; and none is waited for without end.
"""

import contextlib
import os

from labcore.syscalls import (
    CLONE_NEWNS,
    MNT_DETACH,
    MS_BIND,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    mount,
    pivot_root,
    umount,
    unshare,
)

from .. import link, roots
from ..checking import NotYet, demand_function
from ..patience import limit, use
from ..process import Process


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
        use(lodger, answer, lodger.call(move_close, room))
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
        use(prisoner, answer)
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


# -- 7.3 leak ----------------------------------------------------------------------------------------------------------


def drift(top, leaky):
    """A root of one's own, with files and directories open; a leaky one has the host's `/` among them."""
    unshare(CLONE_NEWNS)
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount(top, top, None, MS_BIND)
    opened = [os.open(path, os.O_RDONLY) for path in ("/etc/passwd", top, "/dev/null")]
    leak = os.open("/", os.O_RDONLY) if leaky else None
    opened.append(os.open(f"{top}/hold", os.O_RDONLY))
    os.chdir(top)
    pivot_root(".", ".")
    umount(".", MNT_DETACH)
    return leak


def finds_the_leak(answer):
    """The number of the descriptor that is the host's `/`; None where there is none."""
    demand_function(answer, "leak")
    with stage("raft", "barge", "watch") as (top, raft, barge, watch, witness):
        witness.call(os.mkdir, f"{top}/hold")
        number = raft.call(drift, top, True)
        barge.call(drift, top, False)
        said, about_none = (use(watch, answer, each.pid) for each in (raft, barge))
        if said is None:
            raise NotYet("nothing-found", "a process has the host's / open, and the function returned nothing",
                         "the comparison is never true, or the function returns too early",
                         "the first hint")  # fmt: skip
        if not isinstance(said, int) or isinstance(said, bool):
            raise NotYet("no-number", f"the function returned a {type(said).__name__}, not a whole number",
                         "os.listdir gives texts; int() makes a number of one", "the exercise cell")  # fmt: skip
        if said != number:
            raise NotYet("wrong-descriptor", "the descriptor that was named is not the host's /",
                         "an open file is no way out, and a directory of his own root is none either",
                         "the second hint")  # fmt: skip
        if about_none is not None:
            raise NotYet("false-alarm", "a process without a leak was accused",
                         "the function returns something when nothing was found", "its last line")  # fmt: skip


# -- 7.4 build ---------------------------------------------------------------------------------------------------------

PROGRAMS, MANY = ("/bin/ls", "/usr/bin/sort"), 40


def builds_a_root(answer):
    """Each program runs in the directory that was made for it, and little else is there."""
    demand_function(answer, "build")
    for program in PROGRAMS:
        with stage("mason") as (top, mason, witness):
            yard = f"{top}/yard"
            witness.call(os.mkdir, yard)
            with limit(mason):
                answer(mason, yard, program)
            demand_it_runs(witness, yard, program)
            if int(witness.out(f"find {yard} -type f | wc -l")) > MANY:
                raise NotYet("too-much", "the program runs, among many files that it does not need",
                             "whole directories were copied", "the first hint")  # fmt: skip


def demand_it_runs(witness, yard, program):
    """Raise unless the program starts with this directory as its root."""
    said = witness.out(f"chroot {yard} {program} --version 2>&1; echo status $?")
    if said.endswith("status 0\n"):
        return
    if not witness.call(os.access, f"{yard}{program}", os.X_OK):
        raise NotYet("no-program", f"there is no {program} in the new root that can be executed",
                     "it was not copied, or not to its own path", "the first hint")  # fmt: skip
    if "error while loading" in said:
        raise NotYet("no-library", "the loader starts, and finds a library missing",
                     "not every path that ldd names was copied to the same path", "the second hint")  # fmt: skip
    raise NotYet("no-loader", f"{program} is there, and the kernel cannot start it",
                 "the loader is not at the path that the program names", "Look: the loader")  # fmt: skip


CHECKS = {"7.1": changes_the_root, "7.2": walks_out, "7.3": finds_the_leak, "7.4": builds_a_root}
KEEPS = {"7.1": "rootfs.pivot"}
