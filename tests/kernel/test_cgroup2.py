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
    ({"cpu": {"shares": 1024}}, "cpu.weight", "100"),
    ({"pids": {"limit": 7}}, "pids.max", "7"),
    ({"memory": {"limit": 32 << 20, "swap": 48 << 20}}, "memory.swap.max", str(16 << 20)),
    ({"memory": {"reservation": 16 << 20}}, "memory.low", str(16 << 20)),
    ({"cpu": {"quota": 50000, "burst": 20000}}, "cpu.max.burst", "20000"),
    ({"cpu": {"idle": 1}}, "cpu.idle", "1"),
    ({"unified": {"memory.high": "1048576"}}, "memory.high", "1048576"),
    ({"unified": {"cgroup.max.depth": "3"}}, "cgroup.max.depth", "3"),
])
def test_kernel_took_the_limit(resources, file, text, paths):
    cgroup2.set_limits(paths, cgroup2.limits(resources))
    assert cgroupfs.read(paths["unified"], file) == text


def test_refused_value_names_file_and_value(paths):
    with pytest.raises(OSError, match=r"write lots to .*/pids.max: Invalid argument"):
        cgroup2.set_limits(paths, [["pids", "pids.max", "lots"]])
    with pytest.raises(errors.HostError, match="^pids.hats: this machine's cgroup has no such file"):
        cgroup2.set_limits(paths, [["pids", "pids.hats", 1]])


def with_controller(paths, name):
    """The same cgroup, with one more controller, where the machine has it."""
    if name not in FACTS["controllers"]:
        pytest.skip(f"no {name} controller here")
    cgroup2.enable(os.path.dirname(paths["unified"]), [name], FACTS["cgroup2"])
    return paths


def test_processors_and_nodes(paths):
    with_controller(paths, "cpuset")
    cgroup2.set_limits(paths, cgroup2.limits({"cpu": {"cpus": "0", "mems": "0"}}))
    assert cgroupfs.read(paths["unified"], "cpuset.cpus.effective") == "0"


def test_processors_that_are_not_there_are_not_silently_others(paths):
    """The kernel takes a list of what might be plugged in one day, and gives what the parent has."""
    with_controller(paths, "cpuset")
    with pytest.raises((OSError, errors.HostError), match=r"cpuset.cpus.*(was asked for|: Invalid|: Numerical)"):
        cgroup2.set_limits(paths, cgroup2.limits({"cpu": {"cpus": f"0,{os.cpu_count()}"}}))


def a_disk():
    for name in sorted(os.listdir("/sys/block")):
        with open(f"/sys/block/{name}/dev") as file:
            return tuple(map(int, file.read().split(":")))
    return None


def test_weights_and_rates_of_input_and_output(paths):
    with_controller(paths, "io")
    cgroup2.set_limits(paths, cgroup2.limits({"blockIO": {"weight": 505}}))
    found = [cgroupfs.read(paths["unified"], f) for f in ("io.weight", "io.bfq.weight")]
    assert "default 5000" in found or "default 505" in found
    if disk := a_disk():
        device = {"major": disk[0], "minor": disk[1]}
        cgroup2.set_limits(paths, cgroup2.limits({"blockIO": {"throttleReadBpsDevice": [device | {"rate": 1 << 20}],
                                                              "throttleWriteIOPSDevice": [device | {"rate": 7}]}}))
        found = cgroupfs.read(paths["unified"], "io.max")
        assert found == f"{disk[0]}:{disk[1]} rbps=1048576 wbps=max riops=max wiops=7"
    with pytest.raises(OSError, match=r"write 4095:9 rbps=1 to .*/io.max: No such device"):
        cgroup2.set_limits(paths, [["io", "io.max", "4095:9 rbps=1"]])


def test_huge_pages(paths):
    with_controller(paths, "hugetlb")
    size = next(f for f in sorted(os.listdir(paths["unified"])) if f.startswith("hugetlb.")).split(".")[1]
    cgroup2.set_limits(paths, cgroup2.limits({"hugepageLimits": [{"pageSize": size, "limit": 0}]}))
    assert cgroupfs.read(paths["unified"], f"hugetlb.{size}.max") == "0"


def test_change_that_is_refused_changes_nothing(paths):
    top = FACTS["cgroup2"]
    cgroup2.set_limits(paths, cgroup2.limits({"memory": {"limit": 64 << 20}, "cpu": {"quota": 5000}}))
    rows = cgroup2.limits({"memory": {"limit": 32 << 20}, "cpu": {"quota": 7000}})
    with pytest.raises(OSError, match=r"write lots to .*/pids.max"):
        cgroup2.change_limits(paths, [*rows, ("pids", "pids.max", "lots")], [], top, True)
    assert cgroupfs.read(paths["unified"], "memory.max") == str(64 << 20)
    assert cgroupfs.read(paths["unified"], "cpu.max") == "5000 100000"
    cgroup2.change_limits(paths, rows, ["pids"], top, False)
    assert cgroupfs.read(paths["unified"], "cpu.max") == "7000 100000"


def test_limit_below_what_is_used_is_refused_when_asked_to_look(paths, sleeper):
    with pytest.raises(errors.SpecError, match="^linux.resources.memory.limit: 0 is less than"):
        cgroup2.change_limits(paths, [["memory", "memory.max", 0]], [], FACTS["cgroup2"], False)


def test_frozen_processes_wait_and_go_on(paths, sleeper):
    cgroup2.freeze(paths)
    assert cgroupfs.is_frozen(paths.values())
    cgroup2.thaw(paths)
    assert not cgroupfs.is_frozen(paths.values())


RULES = cgroupfs.device_rules([{"allow": False, "type": "a", "access": "rwm"},
                               {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "r"}])


@pytest.mark.parametrize("device, flags, allowed", [
    ((1, 3), os.O_RDWR, True), ((1, 11), os.O_RDONLY, True), ((1, 11), os.O_RDWR, False), ((1, 1), os.O_RDONLY, False),
    ((10, 200), os.O_RDWR, False),
])
def test_program_in_the_kernel_decides_about_devices(paths, tmp_path, device, flags, allowed):
    fd = cgroup2.open(paths)["cgroup"]
    cgroup2.limit_devices(fd, [list(rule) for rule in RULES])
    pid = syscalls.clone(syscalls.CLONE_NEWNS, fd)
    if pid == 0:
        code = 3
        try:
            syscalls.mount(None, "/", None, syscalls.MS_PRIVATE | syscalls.MS_REC)
            syscalls.mount("none", str(tmp_path), "tmpfs")  # where device files work
            os.mknod(tmp_path / "node", 0o600 | 0o020000, os.makedev(*device))
            os.open(tmp_path / "node", flags)
            code = 0
        except PermissionError:
            code = 1
        finally:
            os._exit(code)
    os.close(fd)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == (0 if allowed else 1)


def test_refused_forks_are_counted(paths):
    cgroup2.set_limits(paths, [["pids", "pids.max", 1]])
    fd = cgroup2.open(paths)["cgroup"]
    pid = syscalls.clone(0, fd)
    if pid == 0:
        for _ in range(3):
            try:
                os.fork()
            except BlockingIOError:
                pass
        os._exit(0)
    os.close(fd)
    os.waitpid(pid, 0)
    assert cgroup2.read(paths)["forks_refused"] == 3


def test_cgroup_that_holds_processes_cannot_pass_controllers_on(paths, sleeper):
    inner = {"unified": f"{paths['unified']}/inner"}
    with pytest.raises(errors.HostError, match="holds processes of its own, so it cannot pass memory on"):
        cgroup2.create(inner, ["memory"], FACTS["cgroup2"], True)
    cgroup2.remove_empty(inner)


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
