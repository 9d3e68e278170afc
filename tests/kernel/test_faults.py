"""Every step of every plan fails once, before and after its work, and the walker is killed everywhere: what is left?

A step carries a source of its own here, as a learner's function would: it raises, or waits to be killed, at that point.
Each walk happens in a child of the test, broken_walk.py.
"""

import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parents[2]
WALKER = str(pathlib.Path(__file__).with_name("broken_walk.py"))
PYTHON = [sys.executable, "-ISBXutf8", WALKER]
TIMEOUT_S = 20

from labcore import facts, plan, runtime, state  # noqa: E402
from labcore.image import template  # noqa: E402
from tests.kernel.broken_walk import configuration  # noqa: E402

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(scope="module")
def rootfs():
    """Not below pytest's own directory: root of a user namespace could not get there."""
    with tempfile.TemporaryDirectory(prefix="faults-") as path:
        os.chmod(path, 0o755)
        yield template.busybox(into=path)


@pytest.fixture
def box(tmp_path, rootfs, leaves_no_trace):
    """box.walk(…) walks one broken plan; box.delete() is the command that must always help."""
    box = Box(str(tmp_path / "states"), rootfs)
    yield box
    for process in box.sleepers:
        process.kill()
        process.communicate()
    if box.ids():
        box.delete()
    assert box.ids() == []


class Box:
    through = ()  # words before every command: test_net.py puts it elsewhere

    def __init__(self, root, rootfs):
        self.root, self.rootfs, self.sleepers = root, rootfs, []

    def command(self, *words):
        words = [*self.through, str(HERE / ".venv/bin/labcore"), "--root", self.root, *words]
        return subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)

    def delete(self):
        done = self.command("delete", "--force", "box")
        assert done.returncode == 0, done.stderr
        return done

    def ids(self):
        return os.listdir(self.root) if os.path.isdir(self.root) else []

    def walk(self, kind, verb, at, when):
        """How a broken walk went: its words, or None where the walker was killed."""
        words = [*self.through, *PYTHON, self.root, self.rootfs, kind, verb, str(at), when]
        pipe = subprocess.PIPE
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True) as walker:
            if when.startswith("kill"):
                told = walker.stderr.readline()
                assert told == "now\n", told + walker.stderr.read() + walker.stdout.read()
                walker.kill()
                return None
            answer = walker.stdout.readline()  # not to the end: an init that waits holds the other end as well
            walker.wait(TIMEOUT_S)
            said = select.select([walker.stderr], [], [], 0)[0] and os.read(walker.stderr.fileno(), 1 << 16)
            assert answer and not said, (answer, said)
            return json.loads(answer)

    def run(self, kind):
        """A container that runs, made by a walker that outlives the test's look."""
        words = [*self.through, *PYTHON, self.root, self.rootfs, kind, "stay"]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.sleepers.append(process)
        assert process.stdout.readline() == "runs\n"


def steps_of(verb, kind, network=None):
    """The plan of a verb as it is on this machine: only addresses and places are of interest."""
    here = facts.read()
    config = configuration("/", kind)
    path = runtime.cgroup_path("box", config, here)
    first = state.new("box", "/", config, here, path, False, network)
    if verb == "run":
        return plan.run(config, here, "/", "/nowhere", first)
    if verb == "create":
        return plan.create(config, here, "/", "/nowhere", first)
    if verb == "start":
        return plan.start(config, "/nowhere")
    if verb == "enter":
        return plan.enter(config, here, 1, 1, path, attached=True)
    owned = list(plan.CGROUPS[here["cgroup"]].places(here, path).values()) if path else []
    return plan.delete(first | {"pid": 1, "pidStart": 1, "owned": owned, "status": "running",
                                "directory": "/nowhere"}, here)  # fmt: skip


# run has every other step of create, and takes down the same way
OF_CREATE = {"state.claim", "state.listen", "helper.clone", "uts.set_hostname", "rootfs.pivot", "state.created"}


def cases(*verbs, kinds=("all", "plain")):
    """(verb, kind, number) of each step; of `plain` only those whose address `all` has not."""
    found = []
    if os.geteuid() != 0:
        return found
    for verb in verbs:
        seen = set()
        for kind in kinds:
            for number, step in enumerate(steps_of(verb, kind)):
                if step.address == "helper.park" or kind == "plain" and step.address in seen:
                    continue
                if verb == "create" and step.address not in OF_CREATE:
                    continue
                seen.add(step.address)
                name = f"{verb}-{kind}-{number}-{step.address}"
                found.append(pytest.param(verb, kind, number, step.address, id=name))
    return found


# after these the host cannot be told anything any more: init is the program
TOO_LATE = {"process.execute"}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("verb, kind, number, address", cases("run", "create", "start"))
def test_a_run_that_fails_at_any_step_names_it_and_leaves_nothing(box, verb, kind, number, address, when):
    if when == "after" and address in TOO_LATE:
        return
    told = box.walk(kind, verb, number, when)
    assert told["error"] and told["error"].startswith(f"{address}: "), told
    assert "injected" in told["error"]
    if address == "state.claim" and when == "after":
        return
    if verb == "start":  # the container is there still, as the specification has it; delete is the caller's
        box.delete()
    assert box.ids() == []


@pytest.mark.parametrize("when", ["kill-before", "kill-after"])
@pytest.mark.parametrize("verb, kind, number, address", cases("run", "create", "start"))
def test_after_a_walker_was_killed_at_any_step_delete_leaves_nothing(box, verb, kind, number, address, when):
    if when == "kill-after" and address in TOO_LATE:
        return
    box.walk(kind, verb, number, when)
    box.delete()
    assert box.ids() == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_exec_that_fails_at_any_step_names_it_and_leaves_the_container_alone(box, when):
    box.run("all")
    init = json.loads(box.command("state", "box").stdout)["pid"]
    for case in cases("enter", kinds=["all"]):
        verb, kind, number, address = case.values
        if when == "after" and address in TOO_LATE:
            continue
        told = box.walk(kind, verb, number, when)
        assert told["error"] and told["error"].startswith(f"{address}: "), (address, told)
        assert only_process_is(init), address


@pytest.mark.parametrize("when", ["kill-before", "kill-after"])
def test_an_exec_whose_walker_is_killed_leaves_no_process_in_the_container(box, when):
    box.run("all")
    init = json.loads(box.command("state", "box").stdout)["pid"]
    for case in cases("enter", kinds=["all"]):
        verb, kind, number, address = case.values
        if when == "kill-after" and address in TOO_LATE:
            continue
        box.walk(kind, verb, number, when)
        assert only_process_is(init), address


def only_process_is(init):
    """Nobody else is in the container's cgroup, at the latest when those on their way out are gone."""
    for line in pathlib.Path(f"/proc/{init}/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        file = pathlib.Path("/sys/fs/cgroup", controllers.split(",")[0].removeprefix("name="), path[1:], "cgroup.procs")
        if controllers in ("pids", "memory") and file.exists():
            break
    else:
        file = pathlib.Path("/sys/fs/cgroup", path[1:], "cgroup.procs")
    for _ in range(5):
        others = set(map(int, file.read_text().split())) - {init}
        for pid in others:
            try:
                fd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            select.select([fd], [], [], 2)
            os.close(fd)
        if not others:
            return True
    return False


@pytest.mark.parametrize("when", ["before", "after", "kill-before", "kill-after"])
@pytest.mark.parametrize("verb, kind, number, address", cases("delete", kinds=["all"]))
def test_after_a_delete_that_failed_a_second_one_completes(box, verb, kind, number, address, when):
    box.run("all")
    told = box.walk(kind, verb, number, when)
    if told:
        assert told["error"].startswith(f"{address}: "), told
    box.delete()
    assert box.ids() == []

