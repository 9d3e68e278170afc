"""linux.resources as version 2 writes it: other names, other units."""

import pytest

from labcore import cgroup2


@pytest.mark.parametrize("resources, found", [
    ({}, []),
    ({"memory": {"limit": 1 << 20}}, [("memory", "memory.max", 1 << 20)]),
    ({"memory": {"limit": -1}}, [("memory", "memory.max", "max")]),
    ({"memory": {"limit": 100, "swap": 150}}, [("memory", "memory.max", 100), ("memory", "memory.swap.max", 50)]),
    ({"memory": {"limit": 100, "swap": 100}}, [("memory", "memory.max", 100), ("memory", "memory.swap.max", 0)]),
    ({"memory": {"swap": -1}}, [("memory", "memory.swap.max", "max")]),
    ({"memory": {"reservation": 7}}, [("memory", "memory.low", 7)]),
    ({"cpu": {"quota": 50000, "period": 100000}}, [("cpu", "cpu.max", "50000 100000")]),
    ({"cpu": {"quota": 50000}}, [("cpu", "cpu.max", "50000 100000")]),
    ({"cpu": {"quota": -1}}, [("cpu", "cpu.max", "max 100000")]),
    ({"cpu": {"period": 5000}}, [("cpu", "cpu.max", "max 5000")]),
    ({"cpu": {"shares": 2}}, [("cpu", "cpu.weight", 1)]),
    ({"cpu": {"shares": 1024}}, [("cpu", "cpu.weight", 100)]),
    ({"cpu": {"shares": 262144}}, [("cpu", "cpu.weight", 10000)]),
    ({"cpu": {"cpus": "0", "mems": "0"}}, [("cpuset", "cpuset.cpus", "0"), ("cpuset", "cpuset.mems", "0")]),
    ({"pids": {"limit": 10}}, [("pids", "pids.max", 10)]),
    ({"pids": {"limit": -1}}, [("pids", "pids.max", "max")]),
    ({"cpu": {"burst": 5, "idle": 1}}, [("cpu", "cpu.max.burst", 5), ("cpu", "cpu.idle", 1)]),
    ({"memory": {"disableOOMKiller": False, "reservation": -1}}, [("memory", "memory.low", "max")]),
    ({"blockIO": {"weight": 10, "weightDevice": [{"major": 8, "minor": 0, "weight": 1000}]}},
     [("io", "io.bfq.weight", "default 10"), ("io", "io.weight", "default 1"), ("io", "io.bfq.weight", "8:0 1000"),
      ("io", "io.weight", "8:0 10000")]),
    ({"blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1}],
                  "throttleWriteBpsDevice": [{"major": 8, "minor": 1, "rate": 2}],
                  "throttleReadIOPSDevice": [{"major": 8, "minor": 2, "rate": 3}],
                  "throttleWriteIOPSDevice": [{"major": 8, "minor": 3, "rate": 4}]}},
     [("io", "io.max", "8:0 rbps=1"), ("io", "io.max", "8:1 wbps=2"), ("io", "io.max", "8:2 riops=3"),
      ("io", "io.max", "8:3 wiops=4")]),
    ({"hugepageLimits": [{"pageSize": "2MB", "limit": 9}]}, [("hugetlb", "hugetlb.2MB.max", 9)]),
    ({"rdma": {"x": {"hcaObjects": 2}}}, [("rdma", "rdma.max", "x hca_object=2")]),
    ({"unified": {"memory.high": "5", "io.max": "8:0 rbps=1\n8:1 rbps=2"}},
     [("memory", "memory.high", "5"), ("io", "io.max", "8:0 rbps=1"), ("io", "io.max", "8:1 rbps=2")]),
])
def test_limits(resources, found):
    assert cgroup2.limits(resources) == found


@pytest.mark.parametrize("resources, now, found", [
    ({"cpu": {"period": 5000}}, {"cpu.max": "50000 100000"}, "50000 5000"),
    ({"cpu": {"quota": 7000}}, {"cpu.max": "50000 20000"}, "7000 20000"),
    ({"cpu": {"quota": -1}}, {"cpu.max": "50000 20000"}, "max 20000"),
    ({"memory": {"swap": 150}}, {"memory.max": "100"}, 50),
    ({"memory": {"swap": 150}}, {"memory.max": "max"}, 150),
])
def test_what_is_not_said_stays_as_it_is(resources, now, found):
    assert [row[2] for row in cgroup2.limits(resources, now)] == [found]


@pytest.mark.parametrize("shares, weight", [(0, 1), (2, 1), (3, 2), (100, 17), (512, 59), (1024, 100), (2000, 170),
                                            (2048, 174), (10240, 639), (262144, 10000), (1 << 20, 10000)])
def test_shares_become_weights_on_a_curve_through_both_defaults(shares, weight):
    assert cgroup2.weight(shares) == weight


def test_more_shares_are_never_less_weight():
    weights = [cgroup2.weight(shares) for shares in range(2, 262145, 97)]
    assert weights == sorted(weights) and weights[0] == 1 and weights[-1] <= 10000


@pytest.mark.parametrize("resources, said", [
    ({"pids": {"limit": 5}, "cpu": {"shares": 5}, "memory": {"disableOOMKiller": False}}, None),
    ({"unified": {"cgroup.max.depth": "5"}}, None),
    ({"memory": {"swappiness": 5}}, ("memory.swappiness", "version 2 of control groups has no such limit")),
    ({"memory": {"disableOOMKiller": True}},
     ("memory.disableOOMKiller", "version 2 of control groups has no such limit")),
    ({"cpu": {"realtimeRuntime": 5}}, ("cpu.realtimeRuntime", "version 2 of control groups has no such limit")),
    ({"network": {"classID": 5}}, ("network.classID", "version 2 of control groups has no such limit")),
    ({"memory": {"limit": 5}}, ("memory.limit", "the controller memory is not there at /cg")),
    ({"unified": {"io.max": "x"}}, ("unified", "the controller io is not there at /cg")),
])
def test_limit_that_no_controller_can_keep_is_named(resources, said):
    assert cgroup2.unmet(resources, {"cgroup2": "/cg", "controllers": ["cpu", "pids"]}) == said


def test_device_rules_are_loaded_by_the_hosts_root_only():
    def last(**facts):
        facts = {"cgroup2": "/cg", "root": True, "in_userns": False} | facts
        rule = {"allow": False, "type": "a", "access": "rwm"}
        return [*cgroup2.plan_make(facts, "/x", {"devices": [rule]}, True)][-1]

    assert last().address == "cgroup2.limit_devices" and last().args["rules"][0] == [False, "a", None, None, "rwm"]
    assert last(root=False).address == last(in_userns=True).address == "cgroup2.open"


def test_in_a_part_of_the_tree_that_was_handed_over_only_what_is_needed_is_passed_on():
    def wanted(resources, **facts):
        return next(cgroup2.plan_make({"cgroup2": "/cg"} | facts, "/x", resources, True)).args["controllers"]

    assert wanted({}, controllers=["memory", "pids", "io"]) == ["memory", "pids"]
    assert wanted({}, delegated=True) == [] and wanted({"pids": {"limit": 5}}, delegated=True) == ["pids"]


def test_controllers_that_a_limit_needs_are_asked_for():
    step = next(iter(cgroup2.plan_make({"cgroup2": "/cg"}, "/labcore/x", {"cpu": {"cpus": "0"}}, True)))
    assert step.args == {"paths": {"unified": "/cg/labcore/x"}, "top": "/cg",
                         "controllers": ["cpu", "cpuset", "memory", "pids"], "exclusive": True}
