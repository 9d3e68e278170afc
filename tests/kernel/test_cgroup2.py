"""Version 2: one tree for everything. Runs where it has the controllers: in a virtual machine, if not here."""

import os
import signal

import pytest

from labcore import cgroup2, cgroupfs, errors, facts, syscalls

FACTS = facts.read()
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="cgroups need root"),
    pytest.mark.skipif(FACTS["cgroup"] != 2, reason="cgroup v2 has no controllers here: v1 or hybrid machine"),
    pytest.mark.usefixtures("leaves_no_trace"),
]


@pytest.fixture
def paths():
    """A cgroup of our own with the usual controllers, empty and limitless."""
    found = cgroup2.places(FACTS, f"/labcore/kernel-test-{os.getpid()}")
    assert cgroup2.create(found, ["cpu", "memory", "pids"], FACTS["cgroup2"], True) == {"made": list(found.values())}
    yield found
    cgroup2.kill(found)
    cgroup2.remove(found)


@pytest.fixture
def sleeper(paths):
    """A process that was born in the cgroup."""
    fd = cgroup2.open(paths)["cgroup"]
    pid = syscalls.clone(0, fd)
    if pid == 0:
        signal.pause()
        os._exit(0)
    os.close(fd)
    yield pid
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def test_controllers_are_passed_on_from_the_top(paths):
    have = set(cgroupfs.read(paths["unified"], "cgroup.controllers").split())
    assert {"cpu", "memory", "pids"} <= have
    assert cgroup2.create(paths, ["cpu"], FACTS["cgroup2"], False) == {"made": []}


def test_process_is_born_in_its_cgroup(paths, sleeper):
    with open(f"/proc/{sleeper}/cgroup") as file:
        assert file.read().strip().endswith("::" + paths["unified"].removeprefix(FACTS["cgroup2"]))


def test_process_may_enter_later(paths):
    pid = os.fork()
    if pid == 0:
        cgroup2.enter(paths)
        os._exit(open("/proc/self/cgroup").read().strip().endswith(os.path.basename(paths["unified"])))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1


@pytest.mark.parametrize("resources, file, text", [
    ({"memory": {"limit": 32 << 20}}, "memory.max", str(32 << 20)),
    ({"memory": {"limit": -1}}, "memory.max", "max"),
    ({"cpu": {"quota": 50000, "period": 100000}}, "cpu.max", "50000 100000"),
    ({"cpu": {"quota": -1}}, "cpu.max", "max 100000"),
    ({"cpu": {"shares": 1024}}, "cpu.weight", "39"),
    ({"pids": {"limit": 7}}, "pids.max", "7"),
])
def test_kernel_took_the_limit(resources, file, text, paths):
    cgroup2.set_limits(paths, cgroup2.limits(resources))
    assert cgroupfs.read(paths["unified"], file) == text


def test_refused_value_names_file_and_value(paths):
    with pytest.raises(OSError, match=r"write lots to .*/pids.max: Invalid argument"):
        cgroup2.set_limits(paths, [["pids", "pids.max", "lots"]])
    with pytest.raises(errors.HostError, match="^pids.hats: this machine's cgroup has no such file"):
        cgroup2.set_limits(paths, [["pids", "pids.hats", 1]])


def test_pids_limit_stops_a_fork(paths):
    cgroup2.set_limits(paths, [["pids", "pids.max", 1]])
    fd = cgroup2.open(paths)["cgroup"]
    pid = syscalls.clone(0, fd)
    if pid == 0:
        try:
            os.fork()
        except BlockingIOError:
            os._exit(11)
        os._exit(0)
    os.close(fd)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 11


def test_kill_leaves_nobody_and_read_tells_how_many_there_were(paths, sleeper):
    found = cgroup2.read(paths)
    assert (found["pids"], found["oom_kills"]) == (1, 0) and found["memory_bytes"] >= 0 and found["cpu_ns"] >= 0
    cgroup2.kill(paths)
    assert os.waitstatus_to_exitcode(os.waitpid(sleeper, 0)[1]) == -signal.SIGKILL
    assert cgroupfs.processes(paths["unified"]) == []


def test_killing_in_a_cgroup_that_is_gone_is_no_error():
    cgroup2.kill({"unified": f"{FACTS['cgroup2']}/labcore/never-{os.getpid()}"})


def test_cgroup_with_somebody_in_it_is_not_taken_for_an_empty_one(paths, sleeper):
    cgroup2.remove_empty(paths)
    assert os.path.isdir(paths["unified"])
