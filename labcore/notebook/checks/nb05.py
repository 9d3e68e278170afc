"""Checks of 05-mount: what is mounted where and how, by mountinfo from outside, by writing, by device numbers.

Each check has a stage of its own: a mount namespace that shares nothing with the lab host, with an empty tmpfs on /mnt.
"""

import contextlib
import os
import stat

from labcore.syscalls import CLONE_NEWNS, MS_PRIVATE, MS_REC, MS_SHARED, mount, unshare

from .. import mountinfo
from ..checking import NotYet, demand_function
from ..patience import use
from ..process import Process

WORDS, ODD_WORD = ("slave", "private", "shared", "unbindable"), "sideways"


@contextlib.contextmanager
def stage(*directories):
    """An actor in a mount namespace that nothing leaves; it goes, and all its mounts with it."""
    actor = Process("checked-stage")
    try:
        actor.call(unshare, CLONE_NEWNS)
        actor.call(mount, None, "/", None, MS_REC | MS_PRIVATE)
        actor.call(mount, "checked", "/mnt", "tmpfs", 0, "mode=755")
        for directory in directories:
            actor.call(os.makedirs, directory)
        yield actor
    finally:
        actor.end()


def can_write(actor, directory):
    """Does the kernel let it make something there?"""
    try:
        actor.call(os.mkdir, f"{directory}/checked-write")
    except OSError:
        return False
    actor.call(os.rmdir, f"{directory}/checked-write")
    return True


def there(actor, path):
    """Is there something at this path, as this actor sees it?"""
    return actor.call(is_there, path)


def is_there(path):
    """Also a link that leads nowhere is something."""
    return os.path.lexists(path)


# -- 5.1 set_propagation -----------------------------------------------------------------------------------------------


def sets_propagation(answer):
    """All mounts take the kind that was asked for; another word changes nothing."""
    demand_function(answer, "set_propagation")
    with stage("/mnt/low") as outside:
        outside.call(mount, "checked", "/mnt/low", "tmpfs", 0, "mode=755")
        outside.call(mount, None, "/", None, MS_REC | MS_SHARED)
        for word in WORDS:
            inside = fresh(outside, MS_PRIVATE if word == "shared" else MS_SHARED)
            take(inside, answer, word)
        refuse(fresh(outside, MS_SHARED), answer)


def fresh(outside, kind):
    """A child in a copy of the stage, all mounts of this kind."""
    inside = outside.fork("checked-inside")
    inside.call(unshare, CLONE_NEWNS)
    inside.call(mount, None, "/", None, MS_REC | kind)
    return inside


def kinds(actor):
    """The propagation of `/` and of a mount far below it."""
    mounts = mountinfo.read(actor)
    return [kind(mountinfo.at(mounts, path)) for path in ("/", "/mnt/low")]


def kind(m):
    """The word for a mount's propagation."""
    return "shared" if m.shared else "slave" if m.master else "unbindable" if m.unbindable else "private"


def take(inside, answer, word):
    """Ask for a kind, and read what has become of the mounts."""
    before, home = kinds(inside), inside.ns("mnt")
    try:
        use(inside, answer, word)
    except ValueError as error:
        raise NotYet("good-refused", f"the good word {word!r} was refused: {error}",
                     "all four kinds are good: shared, slave, private, unbindable",
                     "the condition of your `if`") from None  # fmt: skip
    if inside.ns("mnt") != home:
        raise NotYet("moved", "the process is in another mount namespace than before",
                     "the function calls unshare; the step runs in the container's own namespace already",
                     "the text of exercise 5.1")  # fmt: skip
    top, low = kinds(inside)
    if top == before[0]:
        raise NotYet("not-changed", f"asked for {word!r}, `/` is still {top}",
                     "mount was not called, or on something else than `/`, or with MS_BIND or another flag that "
                     "makes it another call", "By hand, step 2")  # fmt: skip
    if top == word != low:
        raise NotYet("top-only", f"asked for {word!r}: `/` is {top}, but a mount below it is still {low}",
                     "MS_REC is missing: a kind alone is set on one mount only", "the second hint")  # fmt: skip
    if (top, low) != (word, word):
        raise NotYet("other-kind", f"asked for {word!r}, `/` has become {top}",
                     "the function takes one kind for every word", "the parameter `propagation`")  # fmt: skip


def refuse(inside, answer):
    """Ask for what is no kind: ValueError, and nothing changes."""
    before = kinds(inside)
    try:
        use(inside, answer, ODD_WORD)
    except ValueError:
        if kinds(inside) != before:
            raise NotYet("changed-anyway", f"{ODD_WORD!r} was refused, but the mounts have changed",
                         "mount comes before the word has been looked at", "the first hint") from None  # fmt: skip
        return
    except LookupError as error:
        raise NotYet("other-error", f"{ODD_WORD!r} ended in {type(error).__name__}, not in ValueError",
                     "a dict that is asked for a word it does not have raises KeyError",
                     "the text of exercise 5.1") from None  # fmt: skip
    if kinds(inside) != before:
        raise NotYet("anything-goes", f"{ODD_WORD!r} has changed the mounts",
                     "the last `else` takes whatever is left over", "the text of exercise 5.1")  # fmt: skip
    raise NotYet("refused-silently", f"{ODD_WORD!r} changed nothing, but there was no ValueError",
                 "the function returns, or prints, where it should raise", "the text of exercise 5.1")  # fmt: skip


# -- 5.2 show_readonly -------------------------------------------------------------------------------------------------


def shows_readonly(answer):
    """Everything is to be seen a second time, nothing can be written there, and the source is as it was."""
    demand_function(answer, "show_readonly")
    source, target = "/mnt/barn", "/mnt/window"
    with stage(f"{source}/hay", f"{source}/loft", target) as actor:
        actor.call(mount, "checked", f"{source}/loft", "tmpfs", 0, "mode=755")
        for name in ("owl", "nest"):
            actor.call(os.mkdir, f"{source}/loft/{name}")
        actor.call(mount, "checked", f"{source}/loft/nest", "tmpfs", 0, "mode=755")
        reader = actor.fork("checked-reader")  # in the same namespace, and not at the mercy of the answer
        use(actor, answer, source, target)
        if mountinfo.at(mountinfo.read(reader), target).point != target:
            raise NotYet("not-bound", "nothing is mounted at target", "mount was not called, or source and target "
                         "have changed places", "By hand, step 5")  # fmt: skip
        if not there(reader, f"{target}/hay"):
            raise NotYet("other-source", "what is mounted at target is not what source shows",
                         "a new file system was mounted, where MS_BIND shows one that is there",
                         "By hand, step 5")  # fmt: skip
        if not there(reader, f"{target}/loft/owl"):
            raise NotYet("submount-missing", "what is mounted below source is missing below target",
                         "MS_REC is missing", "By hand, step 5")  # fmt: skip
        readonly(reader, source, target)


def readonly(reader, source, target):
    """Attempts to write, at four places."""
    if not (can_write(reader, source) and can_write(reader, f"{source}/loft")):
        raise NotYet("source-readonly", "source can no longer be written to",
                     "the change was made to source, or to the file system: MS_REMOUNT without MS_BIND",
                     "By hand, step 6")  # fmt: skip
    if can_write(reader, target):
        raise NotYet("still-writable", "a file can be made in target",
                     "the kernel ignores MS_RDONLY in the call that binds", "By hand, step 6")  # fmt: skip
    if can_write(reader, f"{target}/loft") or can_write(reader, f"{target}/loft/nest"):
        raise NotYet("submount-writable", "target is read-only, but what is mounted below it is not",
                     "AT_RECURSIVE is missing, or a remount changed only the one mount",
                     "By hand, step 7")  # fmt: skip


# -- 5.3 make_dev ------------------------------------------------------------------------------------------------------


def makes_dev(answer):
    """A tmpfs with the devices that were asked for, each shown from the host's /dev, and with nothing else."""
    demand_function(answer, "make_dev")
    for names in (["null", "zero"], ["full", "random", "urandom"]):
        with stage("/mnt/nodes") as actor:
            reader = actor.fork("checked-reader")
            call_without_mknod(actor, answer, names)
            mounts = mountinfo.read(reader)
            own = mountinfo.at(mounts, "/mnt/nodes")
            if own.point == "/mnt/nodes" and own.fstype != "tmpfs":
                raise NotYet("host-dev", "what is mounted on directory is no tmpfs: the whole /dev came along",
                             "/dev itself was bound, or a devtmpfs was mounted", "the text of Further C")  # fmt: skip
            if own.point != "/mnt/nodes":
                raise NotYet("no-tmpfs", "directory is no mount of its own", "the tmpfs is missing, or was mounted "
                             "elsewhere", "the first hint")  # fmt: skip
            for name in names:
                examine_device(reader, mounts, name)
            if set(reader.call(os.listdir, "/mnt/nodes")) != set(names):
                raise NotYet("too-many", "there is more in directory than the names that were asked for",
                             "the function makes what it likes, not what `names` lists",
                             "the text of exercise 5.3")  # fmt: skip


def call_without_mknod(actor, answer, names):
    """Have the answer work; root of a user namespace may not make device files."""
    try:
        use(actor, answer, "/mnt/nodes", names)
    except PermissionError as error:
        if "mknod" not in getattr(error, "learner", ("", ""))[1]:
            raise
        raise made_anew("the kernel did not let you make a device file") from None


def made_anew(observed):
    """The diagnosis for who used mknod."""
    return NotYet("made-anew", observed, "mknod works for the real root only; a bind mount works for everybody",
                  "the text of exercise 5.3")  # fmt: skip


def examine_device(reader, mounts, name):
    """Is it the host's device, and bound?"""
    path = f"/mnt/nodes/{name}"
    if not there(reader, path):
        raise NotYet("not-there", f"there is no {name} in directory", "not every name was made, or the tmpfs was "
                     "mounted last and covers them", "the third hint: the order")  # fmt: skip
    mode, device = reader.call(numbers_of, path)
    if stat.S_ISLNK(mode):
        raise NotYet("link", f"{name} is a symbolic link", "a link into /dev leads nowhere once `/` is another "
                     "directory", "By hand, step 5: MS_BIND")  # fmt: skip
    if not stat.S_ISCHR(mode):
        raise NotYet("plain-file", f"{name} is an ordinary file", "the bind mount is missing, or copied "
                     "the content", "the second hint")  # fmt: skip
    if device != reader.call(numbers_of, f"/dev/{name}")[1]:
        raise NotYet("other-device", f"{name} is another device than /dev/{name}",
                     "every name got the same device", "the loop's variable")  # fmt: skip
    if mountinfo.at(mounts, path).point != path:
        raise made_anew(f"{name} is a new device file, not a mount")


def numbers_of(path):
    """(mode, device number), of the thing itself."""
    found = os.lstat(path)
    return found.st_mode, found.st_rdev


# -- 5.4 make_readonly -------------------------------------------------------------------------------------------------


def makes_readonly(answer):
    """The paths are read-only with all below them; what is beside them, and missing paths, are not touched."""
    demand_function(answer, "make_readonly")
    root = "/mnt/house"
    with stage(f"{root}/cellar/barrel", f"{root}/kitchen", f"{root}/attic") as actor:
        actor.call(mount, "checked", f"{root}/cellar/barrel", "tmpfs", 0, "mode=755")
        actor.call(os.mkdir, f"{root}/cellar/barrel/tap")
        reader = actor.fork("checked-reader")
        use(actor, answer, actor.call(os.open, root, os.O_PATH), ["/cellar", "/no-such-room", "/attic"])
        if not there(reader, f"{root}/cellar/barrel/tap"):
            raise NotYet("submount-gone", "what was mounted below a path is not to be seen any more",
                         "the copy was made without AT_RECURSIVE, and covers it", "the second hint")  # fmt: skip
        for room in ("cellar", "attic"):
            if can_write(reader, f"{root}/{room}"):
                raise NotYet("still-writable", f"a file can be made in {room}, which was among the paths",
                             "the copy was not attached, or has not been made read-only", "the first hint")  # fmt: skip
        if can_write(reader, f"{root}/cellar/barrel"):
            raise NotYet("below-writable", "a path is read-only, but what is mounted below it is not",
                         "mount_setattr without AT_RECURSIVE changes one mount", "the second hint")  # fmt: skip
        if not can_write(reader, f"{root}/kitchen"):
            raise NotYet("too-much", "a directory beside the paths is read-only, too",
                         "the mount that was changed holds the whole root", "the first hint")  # fmt: skip


CHECKS = {"5.1": sets_propagation, "5.2": shows_readonly, "5.3": makes_dev, "5.4": makes_readonly}
KEEPS = {"5.1": "mount.set_propagation", "5.4": "mount.make_readonly"}
