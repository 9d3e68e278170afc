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
    ({"memory": {"kernel": 1, "kernelTCP": 2, "swappiness": 3, "disableOOMKiller": True}},
     [("memory", "memory.kmem.limit_in_bytes", 1), ("memory", "memory.kmem.tcp.limit_in_bytes", 2),
      ("memory", "memory.swappiness", 3), ("memory", "memory.oom_control", 1)]),
    ({"memory": {"disableOOMKiller": False}}, []),
    ({"cpu": {"realtimeRuntime": 1, "realtimePeriod": 2, "quota": 4, "burst": 3, "idle": 0}},
     [("cpu", "cpu.rt_period_us", 2), ("cpu", "cpu.rt_runtime_us", 1), ("cpu", "cpu.cfs_quota_us", 4),
      ("cpu", "cpu.cfs_burst_us", 3), ("cpu", "cpu.idle", 0)]),
    ({"blockIO": {"weight": 10, "leafWeight": 11, "weightDevice": [{"major": 8, "minor": 1, "weight": 12}],
                  "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 13}],
                  "throttleWriteIOPSDevice": [{"major": 8, "minor": 16, "rate": 14}]}},
     [("blkio", "blkio.weight", 10), ("blkio", "blkio.leaf_weight", 11), ("blkio", "blkio.weight_device", "8:1 12"),
      ("blkio", "blkio.throttle.read_bps_device", "8:0 13"), ("blkio", "blkio.throttle.write_iops_device", "8:16 14")]),
    ({"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}, [("hugetlb", "hugetlb.2MB.limit_in_bytes", 0)]),
    ({"network": {"classID": 1, "priorities": [{"name": "lo", "priority": 2}]}},
     [("net_cls", "net_cls.classid", 1), ("net_prio", "net_prio.ifpriomap", "lo 2")]),
    ({"rdma": {"x": {"hcaHandles": 1, "hcaObjects": 2}}}, [("rdma", "rdma.max", "x hca_handle=1 hca_object=2")]),
])  # fmt: skip
def test_limits(resources, found):
    assert cgroup1.limits(resources) == found


def test_device_rules_end_with_what_every_program_needs():
    rules = [{"allow": False, "type": "a", "access": "rwm"}, {"allow": True, "type": "c", "major": 10, "access": "r"}]
    texts = [(file, text) for _, file, text in cgroup1.limits({"devices": rules})]
    assert texts[:2] == [("devices.deny", "a *:* rwm"), ("devices.allow", "c 10:* r")]
    assert ("devices.allow", "c 1:3 rwm") in texts and not [t for f, t in texts[2:] if f == "devices.deny"]


def test_rules_that_say_nothing_about_all_others_deny_them():
    first, *_ = cgroup1.limits({"devices": [{"allow": True, "type": "c", "major": 10, "minor": -1, "access": "r"}]})
    assert first == ("devices", "devices.deny", "a *:* rwm")


@pytest.mark.parametrize("resources, said", [
    ({"pids": {"limit": 5}}, None),
    ({"network": {"classID": 1}}, ("network.classID", "there is no cgroup hierarchy with net_cls on this machine")),
    ({"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]},
     ("hugepageLimits", "there is no cgroup hierarchy with hugetlb on this machine")),
    ({"unified": {"memory.high": "1"}},
     ("unified", "it names files of version 2, and this machine's control groups are version 1")),
])
def test_limit_that_no_hierarchy_can_keep_is_named(resources, said):
    assert cgroup1.unmet(resources, {"cgroup1": {"pids": "/a", "memory": "/b"}}) == said


def test_places_are_below_every_hierarchy():
    facts = {"cgroup1": {"cpu": "/a/cpu,cpuacct", "cpuacct": "/a/cpu,cpuacct", "pids": "/a/pids"}}
    assert cgroup1.places(facts, "/labcore/x") == {"cpu": "/a/cpu,cpuacct/labcore/x",
                                                   "cpuacct": "/a/cpu,cpuacct/labcore/x", "pids": "/a/pids/labcore/x"}


def test_hierarchies_shown_inside_keep_their_directories_and_lead_to_the_containers_own_cgroups():
    facts = {"cgroup1": {"cpu": "/a/cpu,cpuacct", "cpuacct": "/a/cpu,cpuacct", "systemd": "/a/systemd"}}
    step, = cgroup1.plan_show({}, facts, "/labcore.x", {"destination": "/sys/fs/cgroup", "options": ["ro"]})
    assert step.args["paths"] == {"cpu,cpuacct": "/a/cpu,cpuacct/labcore.x", "systemd": "/a/systemd/labcore.x"}
    assert step.args["readonly"] is True
