"""Version 1, in hierarchies of this machine."""

import os
import signal

import pytest

from labcore import cgroup1, cgroupfs, errors, facts, syscalls

FACTS = facts.read()
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="cgroups need root"),
    pytest.mark.skipif(FACTS["cgroup"] != 1, reason="no cgroup v1 hierarchy with controllers here"),
    pytest.mark.usefixtures("leaves_no_trace"),
]


@pytest.fixture
def paths():
    """A cgroup of our own in every hierarchy, empty and limitless."""
    found = cgroup1.places(FACTS, f"/labcore/kernel-test-{os.getpid()}")
    made = cgroup1.create(found, True)["made"]
    assert set(made) == set(found.values())
    yield found
    cgroup1.kill(found)
    cgroup1.remove(found)


def one(paths, *subsystems):
    for subsystem in subsystems:
        if subsystem not in paths:
            pytest.skip(f"no {subsystem} hierarchy here")


@pytest.fixture
def sleeper(paths):
    """A process in the cgroup, which has one child of its own there."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        cgroup1.enter(paths)
        if os.fork():
            os.write(writer, b"x")
        signal.pause()
        os._exit(0)
    os.read(reader, 1)
    os.close(reader), os.close(writer)
    yield pid
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def test_only_what_is_new_is_said_to_be_made(paths):
    assert cgroup1.create(paths, False) == {"made": []}


def test_process_that_enters_is_in_every_hierarchy(paths, sleeper):
    with open(f"/proc/{sleeper}/cgroup") as file:
        places = {line.rstrip("\n").split(":", 2)[1]: line.rstrip("\n").split(":", 2)[2] for line in file}
    for name, directory in paths.items():
        words = next(w for w in places if name in w.removeprefix("name=").split(","))
        assert directory.endswith(places[words]), name
        assert len(cgroupfs.processes(directory)) == 2


@pytest.mark.parametrize("resources, file, text", [
    ({"memory": {"limit": 32 << 20}}, "memory.limit_in_bytes", str(32 << 20)),
    ({"cpu": {"quota": 50000, "period": 100000}}, "cpu.cfs_quota_us", "50000"),
    ({"cpu": {"shares": 512}}, "cpu.shares", "512"),
    ({"pids": {"limit": 7}}, "pids.max", "7"),
    ({"pids": {"limit": -1}}, "pids.max", "max"),
    ({"memory": {"limit": 32 << 20, "swap": 64 << 20}}, "memory.memsw.limit_in_bytes", str(64 << 20)),
    ({"memory": {"reservation": 16 << 20}}, "memory.soft_limit_in_bytes", str(16 << 20)),
    ({"memory": {"swappiness": 7}}, "memory.swappiness", "7"),
    ({"memory": {"disableOOMKiller": True}}, "memory.oom_control", "oom_kill_disable 1\nunder_oom 0\noom_kill 0"),
    ({"cpu": {"quota": 50000, "burst": 20000}}, "cpu.cfs_burst_us", "20000"),
    ({"cpu": {"idle": 1}}, "cpu.idle", "1"),
    ({"cpu": {"cpus": "0", "mems": "0"}}, "cpuset.cpus", "0"),
])
def test_kernel_took_the_limit(resources, file, text, paths):
    rows = cgroup1.limits(resources)
    one(paths, *(row[0] for row in rows))
    cgroup1.set_limits(paths, rows)
    subsystem = next(row[0] for row in rows if row[1] == file)
    assert cgroupfs.read(paths[subsystem], file) == text


def test_refused_value_names_file_and_value(paths):
    one(paths, "pids")
    with pytest.raises(OSError, match=r"write lots to .*/pids.max: Invalid argument"):
        cgroup1.set_limits(paths, [["pids", "pids.max", "lots"]])


def test_missing_file_is_the_machines_lack(paths):
    one(paths, "pids")
    with pytest.raises(errors.HostError, match="^pids.hats: this machine's cgroup has no such file"):
        cgroup1.set_limits(paths, [["pids", "pids.hats", 1]])
    with pytest.raises(errors.HostError):
        cgroup1.set_limits({}, [["nosuch", "no.file", 1]])


def test_weight_goes_to_the_scheduler_that_there_is(paths):
    one(paths, "blkio")
    cgroup1.set_limits(paths, cgroup1.limits({"blockIO": {"weight": 300}}))
    weights = [cgroupfs.read(paths["blkio"], f"blkio.{name}weight") for name in ("", "bfq.")]
    assert "300" in weights


def a_disk():
    """MAJOR:MINOR of some block device, whole: limits are for these."""
    for name in os.listdir("/sys/block"):
        with open(f"/sys/block/{name}/dev") as file:
            return tuple(map(int, file.read().split(":")))
    pytest.skip("no block device here")


def test_rates_are_kept_for_each_device(paths):
    one(paths, "blkio")
    major, minor = a_disk()
    cgroup1.set_limits(paths, cgroup1.limits({"blockIO": {
        "throttleReadBpsDevice": [{"major": major, "minor": minor, "rate": 1 << 20}],
        "throttleWriteIOPSDevice": [{"major": major, "minor": minor, "rate": 77}]}}))
    assert cgroupfs.read(paths["blkio"], "blkio.throttle.read_bps_device") == f"{major}:{minor} {1 << 20}"
    assert cgroupfs.read(paths["blkio"], "blkio.throttle.write_iops_device") == f"{major}:{minor} 77"
    with pytest.raises(OSError, match=r"write 4095:9 1 to .*read_bps_device: No such device"):
        cgroup1.set_limits(paths, cgroup1.limits({"blockIO": {
            "throttleReadBpsDevice": [{"major": 4095, "minor": 9, "rate": 1}]}}))


def test_limits_change_in_whichever_order_the_kernel_takes_them(paths):
    one(paths, "memory")
    for limit, swap in ((64, 80), (32, 40), (128, 160)):  # up and down: each must stay below the other
        rows = cgroup1.limits({"memory": {"limit": limit << 20, "swap": swap << 20}})
        cgroup1.change_limits(paths, rows, True)
        assert cgroupfs.read(paths["memory"], "memory.limit_in_bytes") == str(limit << 20)
        assert cgroupfs.read(paths["memory"], "memory.memsw.limit_in_bytes") == str(swap << 20)


def test_change_that_is_refused_changes_nothing(paths):
    one(paths, "memory", "pids", "cpuset")
    cgroup1.set_limits(paths, cgroup1.limits({"memory": {"limit": 64 << 20}, "pids": {"limit": 7}}))
    rows = cgroup1.limits({"memory": {"limit": 32 << 20}, "pids": {"limit": 5}})
    with pytest.raises(OSError, match=r"write 9999 to .*cpuset.cpus"):
        cgroup1.change_limits(paths, [*rows, ("cpuset", "cpuset.cpus", "9999")], True)
    assert cgroupfs.read(paths["memory"], "memory.limit_in_bytes") == str(64 << 20)
    assert cgroupfs.read(paths["pids"], "pids.max") == "7"


def test_limit_below_what_is_used_is_refused_when_asked_to_look(paths, sleeper):
    one(paths, "memory")
    rows = cgroup1.limits({"memory": {"limit": 4096}})
    with pytest.raises(errors.SpecError, match=r"^linux.resources.memory.limit: 4096 is less than the \d+ b"):
        cgroup1.change_limits(paths, rows, False)


def test_frozen_processes_wait_and_go_on(paths, sleeper):
    one(paths, "freezer")
    assert not cgroupfs.is_frozen(paths.values())
    cgroup1.freeze(paths)
    assert cgroupfs.is_frozen(paths.values())
    os.kill(sleeper, signal.SIGKILL)
    assert os.waitpid(sleeper, os.WNOHANG) == (0, 0)  # it cannot even die
    cgroup1.thaw(paths)
    assert os.waitstatus_to_exitcode(os.waitpid(sleeper, 0)[1]) == -signal.SIGKILL
    assert not cgroupfs.is_frozen(paths.values())


def test_without_a_freezer_nothing_is_held_still():
    with pytest.raises(errors.HostError, match="^freezer.state: this machine's cgroup has no such file"):
        cgroup1.freeze({"freezer": "/no/such"})
    cgroup1.thaw({"memory": "/x"})


def test_refused_forks_are_counted(paths):
    one(paths, "pids")
    cgroup1.set_limits(paths, [["pids", "pids.max", 1]])
    pid = os.fork()
    if pid == 0:
        cgroup1.enter(paths)
        for _ in range(3):
            try:
                os.fork()
            except BlockingIOError:
                pass
        os._exit(0)
    os.waitpid(pid, 0)
    assert cgroup1.read(paths)["forks_refused"] == 3


def test_network_classes_in_a_hierarchy_of_ones_own(tmp_path):
    """net_cls and net_prio are free on many machines: then a hierarchy with them can be mounted, and goes again."""
    if {"net_cls", "net_prio"} & FACTS["cgroup1"].keys():
        pytest.skip("net_cls or net_prio is in use here")
    try:
        syscalls.mount("none", str(tmp_path), "cgroup", 0, "net_cls,net_prio")
    except OSError as error:
        pytest.skip(f"this kernel has neither net_cls nor net_prio: {error.strerror}")
    directory = f"{tmp_path}/x"
    try:
        os.mkdir(directory)
        rows = cgroup1.limits({"network": {"classID": 0x100001, "priorities": [{"name": "lo", "priority": 5}]}})
        cgroup1.set_limits({"net_cls": directory, "net_prio": directory}, rows)
        assert cgroupfs.read(directory, "net_cls.classid") == str(0x100001)
        assert "lo 5" in cgroupfs.read(directory, "net_prio.ifpriomap").splitlines()
        os.rmdir(directory)
    finally:
        syscalls.umount(str(tmp_path))


def test_pids_limit_stops_a_fork(paths):
    one(paths, "pids")
    cgroup1.set_limits(paths, [["pids", "pids.max", 1]])
    pid = os.fork()
    if pid == 0:
        try:
            cgroup1.enter(paths)
            os.fork()
        except BlockingIOError:
            os._exit(11)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 11


def test_kill_leaves_nobody_and_read_tells_how_many_there_were(paths, sleeper):
    assert cgroup1.read(paths)["pids"] in (2, None)
    assert cgroup1.read(paths)["oom_kills"] == 0
    cgroup1.kill(paths)
    assert os.waitstatus_to_exitcode(os.waitpid(sleeper, 0)[1]) == -signal.SIGKILL
    assert cgroupfs.processes(next(iter(paths.values()))) == []


def test_fork_bomb_is_killed_and_its_cgroup_removed_at_once():
    paths = cgroup1.places(FACTS, f"/labcore/kernel-bomb-{os.getpid()}")
    one(paths, "pids")
    cgroup1.create(paths, True)
    try:
        cgroup1.set_limits(paths, [["pids", "pids.max", 40]])
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            cgroup1.enter(paths)
            while True:
                try:
                    os.fork()
                except OSError:
                    os.write(writer, b"x")  # the limit is reached
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)
    finally:
        cgroup1.kill(paths)
        cgroup1.remove(paths)
    os.waitpid(pid, 0)
    assert not [d for d in paths.values() if os.path.exists(d)]


def test_cgroup_with_somebody_in_it_is_not_taken_for_an_empty_one(paths, sleeper):
    cgroup1.remove_empty(paths)
    assert all(os.path.isdir(d) for d in paths.values())


def test_a_cgroup_that_must_be_new_is_refused_when_it_is_there_and_stays_as_it_was(paths):
    first, *others = dict.fromkeys(paths.values())
    for directory in others:
        cgroupfs.remove(directory)
    with pytest.raises(errors.AlreadyExists, match="exists already"):
        cgroup1.create({str(n): d for n, d in enumerate([*others, first])}, True)
    assert os.path.isdir(first) and not any(map(os.path.isdir, others))
