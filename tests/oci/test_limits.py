"""Limits: kept, told when they are met, changed, counted, refused by name; containers held still."""

import json
import os
import pathlib
import select
import time

import pytest

from labcore import facts
from tests.oci.box import SILENT, TIMEOUT_S
from tests.oci.test_bad_input import refused

FACTS = facts.read()
pytestmark = pytest.mark.skipif(FACTS["cgroup"] == 0, reason="no cgroup here that one may write to")
HOG = "x=$(yes | head -c 200000000); echo survived"
BOMB = "bomb() { bomb | bomb & }; bomb; sleep 0.5"


def one_of(version1, version2):
    return {1: version1, 2: version2}[FACTS["cgroup"]]


def kept(container_id, subsystem, file):
    """What a file of the container's cgroup says."""
    top = FACTS["cgroup1"].get(subsystem) if FACTS["cgroup"] == 1 else FACTS["cgroup2"]
    return pathlib.Path(f"{top}/labcore.{container_id}/{file}").read_text().strip()


def on(subsystem):
    there = FACTS["cgroup1"] if FACTS["cgroup"] == 1 else FACTS["controllers"]
    if subsystem not in there:
        pytest.skip(f"no {subsystem} here")


@pytest.fixture
def box(lab):
    """box(options…) → the name of a container that waits."""
    def box(*words):
        name = lab.id()
        lab("run", "-d", "--name", name, *words, "busybox", "sleep", "1000", **SILENT)
        return name

    return box


# -- kept --------------------------------------------------------------------------------------------------------------


def test_every_limit_of_the_command_line_is_kept(box):
    name = box("--memory", "64m", "--memory-swap", "80m", "--memory-reservation", "32m", "--cpus", "0.5",
               "--cpu-shares", "2048", "--cpuset-cpus", "0", "--cpuset-mems", "0", "--pids-limit", "20")  # fmt: skip
    for subsystem, old, new, before, after in (
        ("memory", "memory.limit_in_bytes", "memory.max", 64 << 20, 64 << 20),
        ("memory", "memory.memsw.limit_in_bytes", "memory.swap.max", 80 << 20, 16 << 20),
        ("memory", "memory.soft_limit_in_bytes", "memory.low", 32 << 20, 32 << 20),
        ("cpu", "cpu.cfs_quota_us", "cpu.max", 50000, "50000 100000"), ("cpu", "cpu.shares", "cpu.weight", 2048, 174),
        ("cpuset", "cpuset.cpus", "cpuset.cpus", 0, 0), ("pids", "pids.max", "pids.max", 20, 20),
    ):  # fmt: skip
        on(subsystem)
        assert kept(name, subsystem, one_of(old, new)) == str(one_of(before, after)), new


def test_six_megabytes_are_enough_for_busybox(lab):
    lab("run", "--rm", "--memory", "6m", "busybox", "true")


@pytest.mark.parametrize("resources, subsystem, file, text", [
    ({"memory": {"limit": 33554432, "swap": -1}}, "memory", ("memory.memsw.limit_in_bytes", "memory.swap.max"), None),
    ({"cpu": {"quota": -1, "period": 50000}}, "cpu", ("cpu.cfs_period_us", "cpu.max"), ("50000", "max 50000")),
    ({"cpu": {"quota": 50000, "burst": 10000}}, "cpu", ("cpu.cfs_burst_us", "cpu.max.burst"), ("10000", "10000")),
    ({"cpu": {"idle": 1}}, "cpu", ("cpu.idle", "cpu.idle"), ("1", "1")),
    ({"pids": {"limit": -1}}, "pids", ("pids.max", "pids.max"), ("max", "max")),
])  # fmt: skip
def test_configuration_finds_its_files(running, resources, subsystem, file, text):
    on(subsystem)
    name = running(edit=lambda c: c["linux"].update(resources=resources))
    assert kept(name, subsystem, one_of(*file)) in ((one_of(*text),) if text else ("max", "9223372036854771712"))


# -- met ---------------------------------------------------------------------------------------------------------------


def test_a_program_killed_for_its_memory_is_told_why(lab):
    on("memory")
    done = lab("run", "--name", "a", "--memory", "32m", "busybox", "sh", "-c", HOG, code=137)
    assert done.stderr.splitlines() == ["labcore: a: killed because the memory limit was reached: 32m",
                                        "  hint: give it more with --memory"]
    assert "exited (137), memory limit" in lab.out("ps", "-a")
    assert json.loads(lab.out("ps", "-a", "--format", "json"))[0]["limit"] == "memory"


def test_something_else_than_the_program_was_killed(lab):
    on("memory")
    done = lab("run", "--rm", "--name", "a", "--memory", "32m", "busybox", "sh", "-c", f"({HOG}) 2>&-; echo fine")
    assert done.stdout == "fine\n"
    assert "labcore: a: something in it was killed because the memory limit was reached: 32m" in done.stderr


def test_a_fork_bomb_meets_its_limit_and_is_told(lab):
    on("pids")
    done = lab("run", "--name", "a", "--pids-limit", "64", "busybox", "sh", "-c", BOMB)
    said = next(line for line in done.stderr.splitlines() if line.startswith("labcore: "))
    assert said.startswith("labcore: a: the limit on processes was reached: 64, and ")
    assert "exited (0), pids limit" in lab.out("ps", "-a")


def test_who_meets_no_limit_is_told_nothing(lab):
    done = lab("run", "--rm", "--memory", "64m", "--pids-limit", "64", "busybox", "true")
    assert done.stderr == ""


# -- changed -----------------------------------------------------------------------------------------------------------


def test_limits_change_while_the_container_runs(lab, box):
    name = box("--memory", "64m", "--pids-limit", "20")
    lab("update", "--memory", "128m", "--pids-limit", "5", "--cpu-period", "50000", name)
    assert kept(name, "memory", one_of("memory.limit_in_bytes", "memory.max")) == str(128 << 20)
    assert kept(name, "pids", "pids.max") == "5"
    assert kept(name, "cpu", one_of("cpu.cfs_period_us", "cpu.max")) == one_of("50000", "max 50000")
    lab("update", "--resources", "-", name, input='{"pids": {"limit": 7}}', stdin=None)
    assert kept(name, "pids", "pids.max") == "7"
    (lab.tmp / "limits.json").write_text('{"cpu": {"quota": 25000}}')
    lab("update", "-r", lab.tmp / "limits.json", name)
    assert kept(name, "cpu", one_of("cpu.cfs_quota_us", "cpu.max")) == one_of("25000", "25000 50000")


@pytest.mark.parametrize("words, text, said", [
    (("--memory", "0"), None, "--memory"), (("--pids-limit", "0"), None, "pids.limit"), ((), None, "needs a limit"),
    (("--cpu-idle", "7"), None, "cpu.idle"), (("--cpuset-cpus", "9999"), None, "cpuset.cpus"),
    (("--cpu-quota", "x"), None, "--cpu-quota"), (("--resources", "-"), "{", "JSON"),
    (("--resources", "-"), "[]", "linux.resources"), (("--resources", "/no/such"), None, "/no/such"),
    (("--resources", "-"), '{"memory": {"limit": "1"}}', "linux.resources.memory.limit"),
    (("--resources", "-"), '{"memory": {"limit": 4096, "checkBeforeUpdate": true}}', "in use"),
    (("--resources", "-"), '{"pids": {"limit": 3}, "cpu": {"cpus": "9999"}}', "cpuset.cpus"),
    (("--resources", "-"), '{"network": {"classID": 5}}', "linux.resources.network.classID"),
])  # fmt: skip
def test_update_that_cannot_be_changes_nothing(lab, box, words, text, said):
    name = box("--memory", "64m", "--pids-limit", "20")
    done = lab("update", *words, name, code=None, **({"input": text, "stdin": None} if text else {}))
    assert done.returncode in (1, 2)
    refused(done, said)
    assert kept(name, "memory", one_of("memory.limit_in_bytes", "memory.max")) == str(64 << 20)
    assert kept(name, "pids", "pids.max") == "20"


def test_there_is_nothing_to_change_in_what_has_ended(lab):
    lab("run", "--name", "a", "busybox", "true")
    for words in (("update", "--memory", "64m"), ("pause",), ("resume",), ("events", "--stats")):
        refused(lab(*words, "a", code=1), "stopped")
        refused(lab(*words, "nobody", code=1), "does not exist")


# -- held still --------------------------------------------------------------------------------------------------------


def progress(name, lab, seconds):
    """How many nanoseconds of processor time a container got while we waited."""
    def used():
        return json.loads(lab.out("events", "--stats", name))["data"]["cpu"]["usage"]["total"]

    before = used()
    time.sleep(seconds)
    return used() - before


def test_a_paused_container_stands_still_and_goes_on(lab, running):
    name = running("sh", "-c", "while :; do :; done")
    assert progress(name, lab, 0.1) > 0
    lab("pause", name)
    assert lab.state(name)["status"] == "paused"
    assert progress(name, lab, 0.1) == 0
    assert "paused" in lab.out("ps")
    refused(lab("pause", name, code=1), "is paused")
    refused(lab("exec", name, "true", code=1), "is paused")
    lab("resume", name)
    assert lab.state(name)["status"] == "running"
    assert progress(name, lab, 0.1) > 0
    refused(lab("resume", name, code=1), "is running")


@pytest.mark.parametrize("words", [("kill", "{}", "KILL"), ("kill", "--all", "{}", "9"), ("delete", "--force", "{}"),
                                   ("rm", "-f", "{}")])
def test_a_paused_container_can_be_ended(lab, running, words):
    name = running()
    pidfd = os.pidfd_open(lab.state(name)["pid"])
    lab("pause", name)
    lab(*(w.replace("{}", name) for w in words))
    assert select.select([pidfd], [], [], TIMEOUT_S)[0]
    os.close(pidfd)


def test_a_signal_waits_until_the_container_goes_on(lab, running):
    name = running("sh", "-c", "trap 'exit 3' TERM; while :; do :; done")
    lab("pause", name)
    lab("kill", name, "TERM")
    assert lab.state(name)["status"] == "paused"
    pidfd = os.pidfd_open(lab.state(name)["pid"])
    lab("resume", name)
    assert select.select([pidfd], [], [], TIMEOUT_S)[0]
    os.close(pidfd)


# -- counted -----------------------------------------------------------------------------------------------------------


def test_stats_once_as_a_table_and_as_json(lab, box):
    name = box("--memory", "64m", "--pids-limit", "20")
    head, line = lab.out("stats", "--no-stream", name).splitlines()
    assert head.split() == ["NAME", "CPU", "MEMORY", "PROCESSES", "READ", "WRITTEN"]
    assert line.split()[0] == name and "/ 64m" in line and "1 / 20" in line
    row, = json.loads(lab.out("stats", "--no-stream", "--format", "json", name))
    assert (row["name"], row["pids"], row["pids_limit"], row["memory_limit_bytes"]) == (name, 1, 20, 64 << 20)
    assert 0 < row["memory_bytes"] < 64 << 20 and row["cpu_percent"] is not None
    assert any(r["name"] == name for r in json.loads(lab.out("stats", "--no-stream", "--format", "json")))
    refused(lab("stats", "nobody", code=1), "does not exist")


def test_live_stats_end_with_the_container_they_were_asked_about(lab, box):
    name = box()
    live = lab.start("stats", "--format", "json", name)
    assert json.loads(live.stdout.readline())[0]["name"] == name
    lab("kill", name, "KILL")
    assert live.wait(TIMEOUT_S) == 0


def test_events_speak_the_words_of_engines(lab, box):
    name = box("--memory", "64m")
    told = json.loads(lab.out("events", "--stats", name))
    assert (told["type"], told["id"]) == ("stats", name)
    assert told["data"]["memory"]["usage"]["limit"] == 64 << 20 and told["data"]["pids"]["current"] == 1
    refused(lab("events", "--interval", "x", name, code=2), "--interval")


def test_events_tell_of_what_was_killed_for_memory_and_end_with_the_container(lab):
    on("memory")
    name = lab.id()
    lab("run", "-d", "--name", name, "--memory", "32m", "busybox", "sh", "-c", "sleep 1000", **SILENT)
    live = lab.start("events", "--interval", "0.05", name)
    kinds = [json.loads(live.stdout.readline())["type"]]
    lab("exec", name, "sh", "-c", HOG, code=None)
    while kinds[-1] != "oom":
        kinds.append(json.loads(live.stdout.readline())["type"])
    assert set(kinds) == {"stats", "oom"}
    lab("kill", "--all", name, "KILL")
    live.stdout.read()
    assert live.wait(TIMEOUT_S) == 0


def test_processes_of_a_container_as_engines_ask_for_them(lab, running):
    name = running("sh", "-c", "sleep 1000 & sleep 1001; true")
    pid = lab.state(name)["pid"]
    for _ in range(TIMEOUT_S * 20):
        found = json.loads(lab.out("ps", "--format", "json", name))
        if len(found) == 3:
            break
    assert pid in found and len(found) == 3
    assert "sleep 1001" in lab.out("ps", name)


# -- refused -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resources, said", [
    ({"memory": {"limit": 0}}, "linux.resources.memory.limit"), ({"memory": {"limit": -5}}, "memory.limit"),
    ({"memory": {"limit": 5 << 20, "swap": 4 << 20}}, "memory.swap"), ({"memory": {"swap": 4 << 20}}, "memory.swap"),
    ({"memory": {"limit": "5m"}}, "memory.limit"), ({"pids": {"limit": 0}}, "pids.limit"),
    ({"pids": {"limit": 5000000}}, "pids.limit"), ({"cpu": {"shares": 0}}, "cpu.shares"),
    ({"cpu": {"quota": 0}}, "cpu.quota"), ({"cpu": {"period": 1}}, "cpu.period"), ({"cpu": {"idle": 5}}, "cpu.idle"),
    ({"cpu": {"cpus": "0-"}}, "cpu.cpus"), ({"cpu": {"cpus": "9999"}}, "cpuset.cpus"),
    ({"cpu": {"mems": "63"}}, "cpuset.mems"), ({"cpu": {"quota": 1000, "burst": 2000}}, "cpu.burst"),
    ({"blockIO": {"weight": 5}}, "blockIO.weight"),
    ({"blockIO": {"throttleReadBpsDevice": [{"major": 4095, "minor": 9, "rate": 1}]}},
     one_of("read_bps_device", "io") if FACTS["cgroup"] else ""),
    ({"hugepageLimits": [{"pageSize": "../x", "limit": 1}]}, "hugepageLimits[0].pageSize"),
    ({"hugepageLimits": [{"pageSize": "3MB", "limit": 1}]}, "huge"),
    ({"rdma": {"none": {"hcaHandles": 1}}}, "rdma"), ({"network": {"classID": -1}}, "network.classID"),
    ({"unified": {"../x": "1"}}, "linux.resources.unified"), ({"unified": {"cgroup.procs": "1"}}, "unified"),
    ({"unified": {"memory.nonsense": "1"}}, one_of("linux.resources.unified", "memory.nonsense")
     if FACTS["cgroup"] else ""),
    ({"devices": [{"allow": True, "type": "x"}]}, "devices[0].type"),
    ({"devices": [{"allow": True, "access": "z"}]}, "devices[0].access"),
])  # fmt: skip
def test_a_limit_that_cannot_be_kept_is_fatal_and_named(lab, bundle, resources, said):
    made = bundle("true")
    made.config["linux"] |= {"resources": resources, "cgroupsPath": f"/labcore.{lab.id()}"}
    refused(lab("create", "--bundle", made.write(), "a", code=1), said)
    assert lab.ids() == []


@pytest.mark.skipif({"net_cls", "net_prio"} & FACTS["cgroup1"].keys() != set(), reason="net_cls is in use here")
@pytest.mark.parametrize("network", [{"classID": 5}, {"priorities": [{"name": "lo", "priority": 5}]}])
def test_a_limit_without_its_controller_is_refused_by_its_field(lab, bundle, network):
    made = bundle("true")
    made.config["linux"]["resources"] = {"network": network}
    refused(lab("create", "--bundle", made.write(), "a", code=1), f"linux.resources.network.{next(iter(network))}")
