"""Every step of every plan fails once, before and after its work, and the walker is killed everywhere: what is left?

A step carries a source of its own here, as a learner's function would: it raises, or kills the walker, at that point.
Each walk happens in a child of the test that is this module run as a program.
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
sys.path.append(str(HERE))

from labcore import default, errors, facts, plan, runtime, spec, state  # noqa: E402
from labcore.image import template  # noqa: E402
from labcore.step import INSIDE, Step  # noqa: E402

TIMEOUT_S = 20
EVERYTHING = {
    "hostname": "box", "domainname": "example",
    "process": {"args": ["sleep", "1000"], "cwd": "/", "env": ["PATH=/bin"], "user": {"name": "1000:5"},
                "oomScoreAdj": 500, "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 64}]},
    "linux": {"namespaces": [{"type": t} for t in (*default.NAMESPACES, "user")],
              "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
              "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
              "sysctl": {"net.ipv4.ip_forward": "1"}, "resources": {"pids": {"limit": 50}},
              "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"]},
}  # fmt: skip


def configuration(rootfs, kind):
    """`all` has every step there is, by way of a user namespace; `plain` makes its devices and joins a namespace."""
    value = json.loads(json.dumps(EVERYTHING))
    value |= {"ociVersion": "1.2.0", "root": {"path": rootfs}, "mounts": default.mounts(True)}
    if kind == "plain":
        del value["linux"]["uidMappings"], value["linux"]["gidMappings"], value["linux"]["sysctl"]
        value["linux"]["namespaces"] = [n for n in value["linux"]["namespaces"] if n["type"] not in ("user", "network")]
        value["linux"]["namespaces"].append({"type": "network", "path": "/proc/self/ns/net"})
    return spec.check(value)


# -- the walker: this module as a program -------------------------------------------------------------------------------


def source_for(step, when):
    """Text of a function that fails `before` or `after` the step's own work, or that ends the walker there."""
    module, _, name = step.address.rpartition(".")
    work = f"__import__('sys').modules['labcore.{module}'].{name}(**args)"
    fail = "raise OSError(5, 'injected')"
    if when.startswith("kill"):  # inside, the walker has no PID: the test does it, and says nothing
        fail = "__import__('os').write(2, b'now\\n'); __import__('time').sleep(60)"
    if when.endswith("before"):
        return f"def {name}(**args):\n    {fail}\n"
    return f"def {name}(**args):\n    done = {work}\n    {fail}\n    return done\n"


def inject(steps, at, when):
    """The same steps, but number `at` fails."""
    broken = list(steps)
    s = broken[at]
    broken[at] = Step(s.place, s.address, s.args, source_for(s, when))
    if s.address == "helper.park":
        raise SystemExit(77)  # park is the helper's own; its inner steps are those of start
    return broken


def walk_as_program(root, rootfs, kind, verb, at, when):
    """Walk the plan of `verb` with its step `at` failing; says on standard output how that went."""
    state.DEFAULT_ROOT = root
    at, original = int(at), getattr(plan, verb)

    def broken(*args, **options):
        if verb == "start":  # its inside steps are with init already: create must have handed them over broken
            return original(*args, **options)
        return inject(original(*args, **options), at, when)

    config = configuration(rootfs, kind)
    if verb == "start":
        _break_start(at, when)
    elif verb != "delete":
        setattr(plan, verb, broken)
    try:
        if verb == "enter":
            runtime.enter("box", config["process"])
        elif verb == "delete":
            plan.delete = broken
            runtime.delete("box", force=True)
        else:
            runtime.run("box", "/", config)
        print(json.dumps({"error": None}), flush=True)
    except errors.LabError as error:
        print(json.dumps({"error": str(error), "type": type(error).__name__}), flush=True)
    os._exit(0)


def _break_start(at, when):
    """Both copies of a start step are replaced: what start names, and what init was handed by create."""
    start, tail = plan.start, plan._tail

    def broken_tail(*args):
        return inject(tail(*args), at - 1, when) if 0 < at <= len(tail(*args)) else tail(*args)

    def broken_start(*args, **options):
        plan._tail = tail
        steps = start(*args, **options)
        return inject(steps, at, when) if steps[at].place != INSIDE else steps

    plan._tail, plan.start = broken_tail, broken_start


# -- the tests ------------------------------------------------------------------------------------------------------------

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
        process.wait()
    box.delete()
    assert box.ids() == []


class Box:
    def __init__(self, root, rootfs):
        self.root, self.rootfs, self.sleepers = root, rootfs, []

    def command(self, *words):
        return subprocess.run([str(HERE / ".venv/bin/labcore"), "--root", self.root, *words], capture_output=True,
                              text=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)  # fmt: skip

    def delete(self):
        done = self.command("delete", "--force", "box")
        assert done.returncode == 0, done.stderr
        return done

    def ids(self):
        return os.listdir(self.root) if os.path.isdir(self.root) else []

    def walk(self, kind, verb, at, when):
        """How a broken walk went: its words, or None where the walker was killed."""
        words = [sys.executable, "-B", __file__, self.root, self.rootfs, kind, verb, str(at), when]
        pipe = subprocess.PIPE
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True) as walker:
            told = walker.stderr.readline()
            if when.startswith("kill"):
                assert told == "now\n", told + walker.stderr.read() + walker.stdout.read()
                walker.kill()
                return None
            assert not told, told + walker.stderr.read()
            return json.loads(walker.stdout.read())

    def run(self, kind):
        """A container that runs, made by a walker that outlives the test's look."""
        boot = (f"import sys; sys.path.insert(0, {str(HERE)!r}); sys.path.insert(0, {os.path.dirname(__file__)!r})\n"
                f"import test_faults as t, signal\nt.state.DEFAULT_ROOT = {self.root!r}\n"
                f"t.runtime.run('box', '/', t.configuration({self.rootfs!r}, {kind!r}))\n"
                "print('runs', flush=True); signal.pause()")  # fmt: skip
        process = subprocess.Popen([sys.executable, "-B", "-c", boot], stdout=subprocess.PIPE, text=True)
        self.sleepers.append(process)
        assert process.stdout.readline() == "runs\n"
        process.stdout.close()


def steps_of(verb, kind):
    """The plan of a verb as it is on this machine: only addresses and places are of interest."""
    here = facts.read()
    config = configuration("/", kind)
    path = runtime.cgroup_path("box", config, here)
    first = state.new("box", "/", config, here, path, False)
    if verb == "create":
        return plan.create(config, here, "/", "/nowhere", first, attached=True)
    if verb == "start":
        return plan.start(config, "/nowhere", attached=True)
    if verb == "enter":
        return plan.enter(config, here, 1, 1, path)
    owned = list(plan.CGROUPS[here["cgroup"]].places(here, path).values()) if path else []
    return plan.delete(first | {"pid": 1, "pidStart": 1, "owned": owned, "status": "running",
                                "directory": "/nowhere"}, here)  # fmt: skip


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
                seen.add(step.address)
                found.append(pytest.param(verb, kind, number, step.address, id=f"{verb}-{kind}-{number}-{step.address}"))
    return found


# after these the host cannot be told anything any more: init is the program
TOO_LATE = {"process.execute"}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("verb, kind, number, address", cases("create", "start"))
def test_a_run_that_fails_at_any_step_names_it_and_leaves_nothing(box, verb, kind, number, address, when):
    if when == "after" and address in TOO_LATE:
        return
    told = box.walk(kind, verb, number, when)
    assert told["error"] and told["error"].startswith(f"{address}: "), told
    assert "injected" in told["error"]
    if address == "state.claim" and when == "after":
        return
    assert box.ids() == []


@pytest.mark.parametrize("when", ["kill-before", "kill-after"])
@pytest.mark.parametrize("verb, kind, number, address", cases("create", "start"))
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


if __name__ == "__main__":
    walk_as_program(*sys.argv[1:])
