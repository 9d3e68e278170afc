"""Checks of 06-user: whose ID is whose, read from outside: maps, user IDs in /proc, owners of files.

Each check makes processes of its own, under names that no lesson uses, and files only in a mount namespace of theirs.
"""

import contextlib
import errno
import os

from labcore.syscalls import CLONE_NEWNS, CLONE_NEWUSER, MS_PRIVATE, MS_REC, PR_SET_DUMPABLE, mount, prctl, unshare

from ..checking import NotYet, demand_function
from ..idmaps import parse
from ..patience import use
from ..process import Process

UID, GID = 1234, 2345
USERS = [(0, 21000, 500), (600, 33000, 40)]
GROUPS = [(0, 22000, 300), (1000, 34000, 1), (2000, 35000, 7)]
NOTHING = 65534


@contextlib.contextmanager
def cast(*names):
    """Fresh processes, the last one a witness that stays at home."""
    actors = [Process(f"checked-{name}") for name in (*names, "witness")]
    try:
        yield actors
    finally:
        for actor in actors:
            actor.end()


@contextlib.contextmanager
def stage(mode, *names):
    """A cast with an empty /mnt, in a mount namespace of their own."""
    with cast() as (witness,):
        witness.call(unshare, CLONE_NEWNS)
        witness.call(mount, None, "/", None, MS_REC | MS_PRIVATE)
        witness.call(mount, "checked", "/mnt", "tmpfs", 0, f"mode={mode}")
        yield [*(witness.fork(f"checked-{name}") for name in names), witness]


def become(uid, gid, group):
    """Be this user, and in one group more, open to be looked at."""
    os.setgroups([group])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    prctl(PR_SET_DUMPABLE, 1)


def attempt(actor, answer, *args):
    """Have it use the answer; the kernel's refusal is returned, since what is there tells more."""
    try:
        use(actor, answer, *args)
    except OSError as refusal:
        return refusal
    return None


def as_oci(lines):
    """A map as OCI writes it."""
    return [{"containerID": first, "hostID": out, "size": count} for first, out, count in lines]


# -- 6.1 own_root ------------------------------------------------------------------------------------------------------


def is_own_root(answer):
    """An ordinary user is user and group 0 of a user namespace, and nobody more than before outside."""
    demand_function(answer, "own_root")
    with cast("nomad") as (nomad, witness):
        nomad.call(become, UID, GID, 3456)
        home = nomad.ns("user")
        error = attempt(nomad, answer, UID, GID)
        seen = nomad.look()
        if seen["namespaces"]["user"] == home:
            if error is not None:
                raise NotYet("map-first", "the process is in its old user namespace, and the kernel refused a write",
                             "a map was written before there was a namespace to write it for",
                             "By hand, steps 1 and 2: the order")  # fmt: skip
            raise NotYet("at-home", "the process is in the user namespace in which it began",
                         "unshare is missing; without it there is nothing to map", "By hand, step 1")  # fmt: skip
        users, groups = parse(seen["uid_map"]), parse(seen["gid_map"])
        deny = witness.out(f"cat /proc/{nomad.pid}/setgroups").strip()
        root_of_users(users)
        root_of_groups(groups, deny)
        if error is not None:
            raise error


def root_of_users(users):
    """The diagnoses for a user map that is not `0 UID 1`."""
    if not users:
        raise NotYet("no-user-map", "there is a new user namespace, and its uid_map is empty",
                     "the kernel refused another ID than the user's own; after unshare os.getuid() no longer tells it",
                     "By hand, step 2")  # fmt: skip
    if users != [(0, UID, 1)]:
        raise NotYet("not-root", f"the first ID inside is {users[0][0]}",
                     "the first number of the line is the ID inside, and root is 0", "the first hint")  # fmt: skip


def root_of_groups(groups, deny):
    """The diagnoses for a group map that is not `0 GID 1`."""
    if groups == [(0, GID, 1)]:
        return
    if groups:
        raise NotYet("group-not-root", f"the first group inside is {groups[0][0]}",
                     "the first number of the line is the group inside, and root's is 0", "the first hint")  # fmt: skip
    if deny != "deny":
        raise NotYet("no-deny", "the uid_map is written, the gid_map is empty, and setgroups is still allowed",
                     "an ordinary user may map a group only after giving up setgroups", "By hand, step 3")  # fmt: skip
    raise NotYet("no-group-map", "the uid_map is written, setgroups is given up, and the gid_map is empty",
                 "the third write is missing, or it names another group than the user's own",
                 "the third hint")  # fmt: skip


# -- 6.2 write_maps ----------------------------------------------------------------------------------------------------


def writes_maps(answer):
    """Both maps of another process are what was asked for."""
    demand_function(answer, "write_maps")
    with cast("infant", "clerk") as (infant, clerk, witness):
        infant.call(unshare, CLONE_NEWUSER)
        error = attempt(clerk, answer, infant.pid, as_oci(USERS), as_oci(GROUPS))
        seen = infant.look()
        users, groups = parse(seen["uid_map"]), parse(seen["gid_map"])
        may = witness.out(f"cat /proc/{infant.pid}/setgroups").strip()
    if not users and not groups:
        said = f", and the kernel refused: {os.strerror(error.errno)}" if error is not None and error.errno else ""
        raise NotYet("nothing-written", f"both maps are empty{said}",
                     "a line is inside, outside, count, with spaces between and a line end after it",
                     "the text of exercise 6.2")  # fmt: skip
    compare("uid_map", users, USERS)
    if groups == USERS:
        raise NotYet("groups-are-users", "the gid_map has the lines of the users",
                     "the second file was written with uid_maps", "the third hint")  # fmt: skip
    if not groups:
        raise NotYet("no-groups", "the uid_map is right, the gid_map is empty", "only the first file was written",
                     "the second hint")  # fmt: skip
    compare("gid_map", groups, GROUPS)
    if may != "allow":
        raise NotYet("no-setgroups", "both maps are right, and nobody inside can change groups any more",
                     "deny was written to setgroups; root outside needs no such bargain",
                     "By hand, step 3")  # fmt: skip
    if error is not None:
        raise error


def compare(name, found, wanted):
    """One map, line by line."""
    if found == wanted:
        return
    if found == wanted[:1]:
        raise NotYet("first-line-only", f"the {name} has one line of {len(wanted)}",
                     "a map is written once: a second write is refused, and all lines belong into one text",
                     "the first hint")  # fmt: skip
    if found == wanted[-1:]:
        raise NotYet("last-line-only", f"the {name} has only the last line",
                     "the text is made anew for each entry, where a line should be added",
                     "the second hint")  # fmt: skip
    if found == [(out, first, count) for first, out, count in wanted]:
        raise NotYet("swapped", f"the {name} has inside and outside exchanged",
                     "containerID comes first in a line", "the table in section 3")  # fmt: skip
    raise NotYet("other-lines", f"the {name} has other lines than were asked for",
                 "one of the three numbers is not what its name says; size is a count, not an end",
                 "the table in section 3")  # fmt: skip


# -- 6.3 id_outside ----------------------------------------------------------------------------------------------------

ASKED = (0, 7, 499, 500, 600, 639, 640, 21000, 4000)


def make(path, number):
    """A file of this owner; False when the ID has no place in the map."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    try:
        os.chown(path, number, -1)
    except OSError:
        return False
    return True


def id_is_right(answer):
    """The answer for each ID is the owner that a file has outside, when it was made by this ID inside."""
    demand_function(answer, "id_outside")
    with cast("adder") as (adder, _):
        given = {number: use(adder, answer, USERS, number) for number in ASKED}
    owners = owners_outside()
    for number in ASKED:
        if given[number] != owners[number] or isinstance(given[number], bool):
            raise wrong_id(number, given[number], owners[number])


def owners_outside():
    """{ID inside: who owns a file outside that was given to it inside, None when the kernel refused}."""
    found = {}
    with stage("777", "scribe") as (scribe, witness):
        scribe.call(unshare, CLONE_NEWUSER)
        lines = "".join(f"{first} {out} {count}\n" for first, out, count in USERS)
        for name in ("uid_map", "gid_map"):
            witness.call(put, f"/proc/{scribe.pid}/{name}", lines)
        scribe.call(become, 0, 0, 0)
        for number in ASKED:
            path = f"/mnt/checked-{number}"
            found[number] = witness.call(os.stat, path)[4] if scribe.call(make, path, number) else None
    return found


def put(path, text):
    """Write a map."""
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, text.encode())
    os.close(fd)


def wrong_id(number, given, owner):
    """What people answer, and why."""
    if not (given is None or type(given) is int):
        return NotYet("no-number", f"for the ID {number} the answer is a {type(given).__name__}",
                      "return one number, or None", "the text of exercise 6.3")  # fmt: skip
    seen = f"a file of {number} inside belongs to {owner} outside; the answer is {given}"
    if owner is None:
        seen = f"the ID {number} has no place in the map; the answer is {given}"
        if given in (NOTHING, number):
            return NotYet("unmapped", seen, "an ID that no line holds has no ID outside: None", "section 3")
        return NotYet("past-the-end", seen, "a range of 500 from 0 on ends with 499", "the first hint")
    if given is None:
        return NotYet("not-found", seen, "only the first line was looked at, or a range ends too early",
                      "the third hint")  # fmt: skip
    return NotYet("other-id", seen, "the distance from the beginning of the range is the same on both sides",
                  "the second hint")  # fmt: skip


# -- 6.4 show_as -------------------------------------------------------------------------------------------------------

TABLE = "0 21000 1\n700 23000 5\n"


def shows_owners(answer):
    """At the target the same file has the owner that the table makes of it; at the source it has its own."""
    demand_function(answer, "show_as")
    with stage("755", "table", "curator") as (table, curator, witness):
        table.call(unshare, CLONE_NEWUSER)
        for name in ("uid_map", "gid_map"):
            witness.call(put, f"/proc/{table.pid}/{name}", TABLE)
        witness.out("mkdir /mnt/from /mnt/to; touch /mnt/from/leaf; chown 702 /mnt/from/leaf")
        before = descriptors(witness, curator)
        hang(curator, answer, table.pid)
        views_differ(witness)
        if descriptors(witness, curator) > before:
            raise NotYet("left-open", "the process has more open descriptors than before",
                         "what open_tree and os.open opened stays open until os.close",
                         "the text of exercise 6.4, last line")  # fmt: skip


def hang(curator, answer, pid):
    """Have it hang the view; what the kernel says of the order is a diagnosis."""
    try:
        use(curator, answer, "/mnt/from", "/mnt/to", pid)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EPERM) or "mount_setattr" not in str(error):
            raise
        raise NotYet("no-table", f"mount_setattr was refused: {os.strerror(error.errno)}",
                     "the copy was attached already, or userns_fd is not the user namespace of pid",
                     "the text of exercise 6.4: the order, 3 before 4") from None  # fmt: skip


def views_differ(witness):
    """The owners on both sides."""
    here = witness.call(os.stat, "/mnt/from/leaf")[4]
    if here != 702:
        raise NotYet("chowned", "the file itself has another owner now",
                     "an idmapped mount changes no file; something else was called", "Further B")  # fmt: skip
    try:
        there = witness.call(os.stat, "/mnt/to/leaf")[4]
    except OSError:
        raise NotYet("not-attached", "the target is as empty as before",
                     "move_mount is missing, or its target is another", "the third hint") from None  # fmt: skip
    if there == 702:
        raise NotYet("same-owner", "the target shows the file with the owner that it has at the source",
                     "it is an ordinary bind mount: mount_setattr with MOUNT_ATTR_IDMAP is missing",
                     "the second hint")  # fmt: skip
    if there != 23002:
        raise NotYet("other-table", "the target shows an owner that the table of pid does not give",
                     "the descriptor is of another process's user namespace", "the first hint")  # fmt: skip


def descriptors(witness, actor):
    """How many files a process has open, counted from outside."""
    return len(witness.call(os.listdir, f"/proc/{actor.pid}/fd"))


CHECKS = {"6.1": is_own_root, "6.2": writes_maps, "6.3": id_is_right, "6.4": shows_owners}
KEEPS = {"6.2": "user.write_maps"}
