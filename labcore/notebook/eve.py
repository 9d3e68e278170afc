"""Eve's list: what a neighbour on the same machine can do to Alice today. Each attack is made, with a small effect.

    eves_list()            Eve is a process beside Alice on the lab host
    eves_list(inside=box)  Eve lives in `box`: a process that you have moved, or a container that runs

An attack works when its evidence is there: seen at Alice's side, or by Eve herself where she only takes.
"""

import ast
import importlib
import inspect
import marshal
import os

from .. import caps, errors, namespace, syscalls
from .. import process as program
from . import link, looking, process, travel

MEMORY_BYTES, PROCESSES = 96 << 20, 100


def eves_list(inside=None):
    """Make every attack on Eve's list; print which of them work, and which lesson closes each."""
    rows = [("Eve can", "today", "closed by")]
    with Scene(inside) as scene:
        rows += [(words, "yes" if scene.succeeds(attack) else "no", lesson) for attack, words, lesson in ATTACKS]
    wide = max(len(words) for words, _, _ in rows)
    for words, state, lesson in rows:
        print(f"{words:{wide}}  {state:5}  {lesson}")


class Scene:
    """Alice and Eve, who come when the list begins and leave when it ends."""

    def __init__(self, inside):
        self.inside, self.between = inside, None

    def __enter__(self):
        self.alice = process.Process(".alice")
        # where anybody may look, as in a shop; the state directory is closed, and would shut Eve out by accident
        self.shop = f"/tmp/.alices-shop{os.path.basename(link.here().known['state'])}"
        self.move(self.alice, "make_shop", self.shop)
        if self.inside is None:
            self.eve = process.Process(".eve's")
        elif isinstance(self.inside, process.Process):
            self.eve = self.inside.fork(".eve's")
        else:
            self.eve = self.move_in(self.inside)
        return self

    def __exit__(self, *_):
        for each in (self.eve, self.between):
            if each is not None:
                each.end()
        self.move(self.alice, "close_shop", self.shop)
        self.alice.end()

    def move_in(self, box):
        """Eve as a process of a container: its cgroup, its namespaces, its capabilities."""
        outer = self.between = process.Process(".eve's outer half")
        seen, own = box.look(), outer.namespaces()
        self.move(outer, "enter_cgroup", cgroups(seen["cgroup"]))
        differ = [kind for kind, at in looking.in_order(seen["namespaces"]).items() if at != own[kind]]
        outer.call(syscalls.setns, Behind(box), namespace.flags(differ))
        inner = outer.fork(".eve's")
        mask = caps.mask(seen["capabilities"])
        inner.call(program.set_no_new_privileges)
        inner.call(caps.limit_bounding, mask)
        inner.call(caps.set, mask, mask, 0, 0)
        return inner

    def move(self, who, name, *args):
        """Have somebody make one move."""
        given, fds = travel.arguments(args)
        answer, _ = who._ask("call", {"code": CODE, "name": name, "args": given}, travel.show, travel.show, fds=fds)
        return ast.literal_eval(answer["value"])

    def succeeds(self, attack):
        """Is the evidence there?"""
        try:
            return bool(attack(self))
        except (OSError, errors.LabError):
            return False


class Behind(process.Background):
    """A container's init, as an argument that travels as a descriptor."""

    def __init__(self, box):
        self.pidfd = box.pidfd

    def __del__(self):
        pass  # the container keeps it


def cgroups(text):
    """The directories of a process's cgroups, from its /proc/PID/cgroup."""
    here, found = link.here().known["facts"], []
    for line in text.splitlines():
        _, words, path = line.split(":", 2)
        top = here["cgroup2"] if not words else here["cgroup1"].get(words.split(",")[0].removeprefix("name="))
        if top and path != "/" and os.path.isdir(top + path):
            found.append(top + path)
    return found


CODE = marshal.dumps(compile(inspect.getsource(importlib.import_module("labcore.notebook.attacks")), "<eve>",
                             "exec")).decode("latin-1")  # fmt: skip


# -- the list ----------------------------------------------------------------------------------------------------------


def rename_host(scene):
    """A name that Eve sets is Alice's host name too."""
    before = scene.alice.hostname()
    try:
        scene.eve.call(syscalls.sethostname, "eve-was-here")
        return scene.alice.hostname() == "eve-was-here"
    finally:
        scene.alice.call(syscalls.sethostname, before)


def destroy_shared_memory(scene):
    """What Alice keeps in shared memory is gone."""
    number = int(scene.alice.out("ipcmk -M 4096").split()[-1])
    scene.eve.out(f"ipcrm -m {number}", check=False)
    try:
        return number not in scene.move(scene.alice, "shared_memory")
    finally:
        scene.alice.out(f"ipcrm -m {number}", check=False)


def end_process(scene):
    """A program of Alice's is killed."""
    shop = scene.alice.start(f"exec sleep 600.{scene.alice.pid}")
    try:
        words = b"sleep\0" + f"600.{scene.alice.pid}".encode() + b"\0"
        while not scene.move(scene.alice, "read", f"/proc/{shop.pid}/cmdline").startswith("sleep"):
            pass  # between fork and execve
        return scene.move(scene.eve, "end_process", words) and shop.wait(5) == -9
    finally:
        shop.kill(9)


def take_port(scene):
    """The port that Alice wants is in use."""
    fd, port = scene.move(scene.eve, "take_port", 0)
    try:
        scene.alice.call(os.close, scene.move(scene.alice, "take_port", port)[0])
        return False
    except OSError:
        return True
    finally:
        scene.eve.call(os.close, fd)


def cover_files(scene):
    """Alice's directory is empty, since something was mounted over it."""
    scene.move(scene.eve, "cover", scene.shop)
    try:
        return "ledger" not in scene.alice.call(os.listdir, scene.shop)
    finally:
        scene.move(scene.eve, "uncover", scene.shop)


def read_ledger(scene):
    """A file that only root may read: Eve is root."""
    return scene.move(scene.eve, "read", f"{scene.shop}/ledger") == "17 loaves"


def see_files(scene):
    """Alice's directory can be seen at all."""
    return "ledger" in scene.eve.call(os.listdir, scene.shop)


def fill_memory(scene):
    """Nothing stops a process that takes memory; a child does it, which may be killed."""
    child = scene.eve.fork(".eve's greedy child")
    try:
        return scene.move(child, "fill_memory", MEMORY_BYTES) == MEMORY_BYTES
    finally:
        child.end()


def fill_process_table(scene):
    """Nothing stops a process that has children."""
    return scene.move(scene.eve, "fill_process_table", PROCESSES) == PROCESSES


def use_root_power(scene):
    """Root may mount, and much else."""
    child = scene.eve.fork(".eve's mounting child")
    try:
        return scene.move(child, "use_root_power", "/tmp")
    finally:
        child.end()


ATTACKS = [
    (rename_host, "give Alice's host another name", "01"),
    (destroy_shared_memory, "destroy Alice's shared memory", "02"),
    (end_process, "kill a program of Alice's", "03"),
    (take_port, "take the port that Alice needs", "04"),
    (cover_files, "mount something over Alice's files", "05"),
    (read_ledger, "read a file that only root may read", "06"),
    (see_files, "see Alice's files", "07"),
    (fill_memory, "take as much memory as she likes", "08"),
    (fill_process_table, "start as many processes as she likes", "09"),
    (use_root_power, "use every power that root has", "10"),
]
