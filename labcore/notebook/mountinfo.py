"""The mounts of a process as the kernel lists them, and which of them can be seen — proc(5), /proc/PID/mountinfo."""

import re
from typing import NamedTuple

from .. import actor


class Mount(NamedTuple):
    """One line of mountinfo. Peer groups are numbers, 0 where there is none."""

    number: int
    parent: int
    root: str
    point: str
    options: str
    shared: int
    master: int
    unbindable: bool
    fstype: str


def read(process):
    """The mounts of a process, read from outside by the actor that looks."""
    from .process import CAST

    process.look()  # is there life, and is there an eye?
    return parse(CAST[".eye"].call(actor.read, f"/proc/{process.pid}/mountinfo"))


def parse(text):
    """The lines of mountinfo, in their order."""
    return [line(words.split(" ")) for words in text.splitlines()]


def line(words):
    """One line: six fields, optional ones up to a dash, then file system, source and its own options."""
    dash = words.index("-", 6)
    tags = dict(word.partition(":")[::2] for word in words[6:dash])
    return Mount(int(words[0]), int(words[1]), plain(words[3]), plain(words[4]), words[5], int(tags.get("shared", 0)),
                 int(tags.get("master", 0)), "unbindable" in tags, plain(words[dash + 1]))  # fmt: skip


def plain(text):
    """A path without the escapes that keep spaces out of a field: `\\040` is one."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def holds(point, path):
    """Does path lie at point, or below it?"""
    return path == point or path.startswith(point.rstrip("/") + "/")


def at(mounts, path):
    """The mount that a path leads into: from the root inwards, at each point the one on top."""
    numbers = {mount.number for mount in mounts}
    here = next((mount for mount in mounts if mount.parent not in numbers or mount.parent == mount.number), None)
    while here is not None:
        over = [m for m in mounts if m.parent == here.number != m.number and holds(m.point, path)]
        if not over:
            return here
        here = min(over, key=lambda mount: len(mount.point))  # a walk meets the nearest first
    return None


def below(mounts, path):
    """What a picture of a directory shows: [(mount, covered)] of all that is mounted there, each after its parent."""
    top = at(mounts, path)
    children = {}
    for mount in mounts:
        if mount.number != mount.parent:
            children.setdefault(mount.parent, []).append(mount)
    found = []

    def visit(mount, hidden):
        over = sorted(children.get(mount.number, []), key=lambda child: child.point.split("/"))
        covered = hidden or any(child.point == mount.point for child in over)
        if holds(path, mount.point):
            found.append((mount, covered))
        for child in over:
            beside = any(other is not child and holds(other.point, child.point) for other in over)
            visit(child, hidden or beside)

    if top is not None:
        visit(top, False)
    return found
