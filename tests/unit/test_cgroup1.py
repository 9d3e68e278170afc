"""linux.resources as version 1 writes it."""

import pytest

from labcore import cgroup1


@pytest.mark.parametrize("resources, found", [
    ({}, []),
    ({"devices": []}, []),
    ({"memory": {"limit": 1 << 20, "swap": 1 << 21, "reservation": 5}},
     [("memory", "memory.limit_in_bytes", 1 << 20), ("memory", "memory.memsw.limit_in_bytes", 1 << 21),
      ("memory", "memory.soft_limit_in_bytes", 5)]),
    ({"memory": {"limit": -1}}, [("memory", "memory.limit_in_bytes", -1)]),
    ({"cpu": {"quota": 50000, "period": 100000, "shares": 512, "cpus": "0-1", "mems": "0"}},
     [("cpu", "cpu.cfs_period_us", 100000), ("cpu", "cpu.cfs_quota_us", 50000), ("cpu", "cpu.shares", 512),
      ("cpuset", "cpuset.cpus", "0-1"), ("cpuset", "cpuset.mems", "0")]),
    ({"pids": {"limit": 10}}, [("pids", "pids.max", 10)]),
    ({"pids": {"limit": -1}}, [("pids", "pids.max", "max")]),
])  # fmt: skip
def test_limits(resources, found):
    assert cgroup1.limits(resources) == found


def test_device_rules_end_with_what_every_program_needs():
    rules = [{"allow": False, "type": "a", "access": "rwm"}, {"allow": True, "type": "c", "major": 10, "access": "r"}]
    texts = [(file, text) for _, file, text in cgroup1.limits({"devices": rules})]
    assert texts[:2] == [("devices.deny", "a *:* rwm"), ("devices.allow", "c 10:* r")]
    assert ("devices.allow", "c 1:3 rwm") in texts and not [t for f, t in texts[2:] if f == "devices.deny"]


def test_places_are_below_every_hierarchy():
    facts = {"cgroup1": {"cpu": "/a/cpu,cpuacct", "cpuacct": "/a/cpu,cpuacct", "pids": "/a/pids"}}
    assert cgroup1.places(facts, "/labcore/x") == {"cpu": "/a/cpu,cpuacct/labcore/x",
                                                   "cpuacct": "/a/cpu,cpuacct/labcore/x", "pids": "/a/pids/labcore/x"}


def test_hierarchies_shown_inside_keep_their_directories_and_lead_to_the_containers_own_cgroups():
    facts = {"cgroup1": {"cpu": "/a/cpu,cpuacct", "cpuacct": "/a/cpu,cpuacct", "systemd": "/a/systemd"}}
    step, = cgroup1.plan_show({}, facts, "/labcore.x", {"destination": "/sys/fs/cgroup", "options": ["ro"]})
    assert step.args["paths"] == {"cpu,cpuacct": "/a/cpu,cpuacct/labcore.x", "systemd": "/a/systemd/labcore.x"}
    assert step.args["readonly"] is True
