"""Limits that make no sense are refused by their field."""

import pytest

from labcore import errors, limits, resources


def refusal(value, **more):
    with pytest.raises(errors.SpecError) as raised:
        resources.check(resources.filled(value), **more)
    return raised.value.args[0].removeprefix("linux.resources.")


ALL = {
    "memory": {"limit": 1 << 20, "swap": 1 << 21, "reservation": 5, "kernel": -1, "kernelTCP": 1, "swappiness": 100,
               "disableOOMKiller": True, "useHierarchy": True, "checkBeforeUpdate": True},
    "cpu": {"shares": 2, "quota": 1000, "burst": 1000, "period": 1000, "realtimeRuntime": 1, "realtimePeriod": 2,
            "cpus": "0-3,7", "mems": "0", "idle": 1},
    "pids": {"limit": 1},
    "blockIO": {"weight": 10, "leafWeight": 1000, "weightDevice": [{"major": 8, "minor": 0, "weight": 500}],
                "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1}]},
    "hugepageLimits": [{"pageSize": "2MB", "limit": 0}],
    "network": {"classID": 0x100001, "priorities": [{"name": "eth0", "priority": 5}]},
    "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 4}},
    "devices": [{"allow": False}, {"allow": True, "type": "c", "major": 1, "minor": -1, "access": "rw"}],
    "unified": {"memory.high": "1000", "hugetlb.2MB.max": "0", "cgroup.max.depth": "3"},
}  # fmt: skip


def test_everything_the_specification_knows_is_taken():
    filled = limits.checked(ALL)
    assert filled["memory"] == ALL["memory"]
    assert filled["devices"][0] == {"allow": False, "type": "a", "major": None, "minor": None, "access": "rwm"}
    assert resources.filled(filled) == filled


def test_null_and_what_engines_mean_by_nothing():
    found = resources.filled({"memory": None, "cpu": {"shares": None, "cpus": ""}, "devices": None, "blockIO": {
        "weight": 0, "weightDevice": None}})
    assert found == {"cpu": {}, "blockIO": {}, "devices": []}


@pytest.mark.parametrize("path, value, said", [
    ("memory.limit", 0, "0 must be from 1 to 9223372036854775807, or -1 for no limit"),
    ("memory.limit", -2, "-2 must be from 1 to 9223372036854775807, or -1 for no limit"),
    ("memory.limit", 1 << 63, f"{1 << 63} must be from 1 to {(1 << 63) - 1}, or -1 for no limit"),
    ("memory.reservation", 0, "0 must be from 1 to 9223372036854775807, or -1 for no limit"),
    ("memory.swappiness", 101, "101 must be from 0 to 100"),
    ("memory.swappiness", -1, "-1 must be from 0 to 100"),
    ("memory.swap", 5, "needs linux.resources.memory.limit, which it counts in"),
    ("cpu.shares", 0, "0 must be from 2 to 262144"),
    ("cpu.shares", -1, "-1 must be from 2 to 262144"),
    ("cpu.quota", 0, "0 must be from 1000 to 9223372036854775807, or -1 for no limit"),
    ("cpu.quota", 999, "999 must be from 1000 to 9223372036854775807, or -1 for no limit"),
    ("cpu.period", 999, "999 must be from 1000 to 1000000"),
    ("cpu.period", 1_000_001, "1000001 must be from 1000 to 1000000"),
    ("cpu.burst", -1, "-1 must be from 0 to 9223372036854775807"),
    ("cpu.idle", 2, "2 must be from 0 to 1"),
    ("cpu.cpus", "all", "'all' is not a list like 0-3,6"),
    ("cpu.cpus", "3-1", "'3-1' is not a list like 0-3,6"),
    ("cpu.cpus", "0,,1", "'0,,1' is not a list like 0-3,6"),
    ("cpu.mems", "0-", "'0-' is not a list like 0-3,6"),
    ("cpu.mems", "\n0", "'\\n0' is not a list like 0-3,6"),
    ("pids.limit", 0, "0 must be from 1 to 4194304, or -1 for no limit"),
    ("pids.limit", 1 << 23, "8388608 must be from 1 to 4194304, or -1 for no limit"),
    ("blockIO.weight", 9, "9 must be from 10 to 1000"),
    ("blockIO.weight", 1001, "1001 must be from 10 to 1000"),
    ("network.classID", -1, "-1 must be from 0 to 4294967295"),
    ("network.classID", 1 << 32, "4294967296 must be from 0 to 4294967295"),
])  # fmt: skip
def test_number_out_of_range_is_refused(path, value, said):
    group, _, name = path.partition(".")
    assert refusal({group: {name: value}}) == f"{path}: {said}"


@pytest.mark.parametrize("value, said", [
    ({"memory": {"limit": 10, "swap": 9}},
     "memory.swap: 9 is less than linux.resources.memory.limit, which it counts in"),
    ({"memory": {"limit": -1, "swap": 9}}, "memory.swap: needs linux.resources.memory.limit, which it counts in"),
    ({"cpu": {"quota": 1000, "burst": 2000}}, "cpu.burst: 2000 is more than linux.resources.cpu.quota"),
    ({"blockIO": {"weightDevice": [{"major": 8, "minor": 0}]}}, "blockIO.weightDevice[0].weight: missing"),
    ({"blockIO": {"weightDevice": [{"major": 8, "weight": 10}]}}, "blockIO.weightDevice[0].minor: missing"),
    ({"blockIO": {"weightDevice": [{"major": 8, "minor": 0, "weight": 5}]}},
     "blockIO.weightDevice[0].weight: 5 must be from 10 to 1000"),
    ({"blockIO": {"throttleReadIOPSDevice": [{"major": 8, "minor": 0}]}},
     "blockIO.throttleReadIOPSDevice[0].rate: missing"),
    ({"blockIO": {"throttleWriteBpsDevice": [{"major": -1, "minor": 0, "rate": 1}]}},
     "blockIO.throttleWriteBpsDevice[0].major: -1 must be from 0 to 4294967295"),
    ({"hugepageLimits": [{"limit": 1}]}, "hugepageLimits[0].pageSize: '' is not a size like 2MB"),
    ({"hugepageLimits": [{"pageSize": "../../x", "limit": 1}]},
     "hugepageLimits[0].pageSize: '../../x' is not a size like 2MB"),
    ({"hugepageLimits": [{"pageSize": "2MB"}]}, "hugepageLimits[0].limit: missing"),
    ({"hugepageLimits": [{"pageSize": "2MB", "limit": -5}]},
     "hugepageLimits[0].limit: -5 must be from 0 to 9223372036854775807"),
    ({"network": {"priorities": [{"name": "eth0"}]}}, "network.priorities[0].priority: missing"),
    ({"network": {"priorities": [{"name": "a b", "priority": 1}]}},
     "network.priorities[0].name: 'a b' is no network device's name"),
    ({"devices": [{"type": "x"}]}, "devices[0].type: must be a, b or c, not 'x'"),
    ({"devices": [{"access": "rx"}]}, "devices[0].access: must be some of r, w and m, not 'rx'"),
    ({"devices": [{"major": -2}]}, "devices[0].major: -2 must be from -1 to 4294967295"),
    ({"unified": {"../memory.max": "1"}},
     "unified['../memory.max']: is not the name of a cgroup's file, like memory.high"),
    ({"unified": {"a/memory.max": "1"}},
     "unified['a/memory.max']: is not the name of a cgroup's file, like memory.high"),
    ({"unified": {"..": "1"}}, "unified['..']: is not the name of a cgroup's file, like memory.high"),
    ({"unified": {"memory..max": "1"}}, "unified['memory..max']: is not the name of a cgroup's file, like memory.high"),
    ({"unified": {"memory": "1"}}, "unified['memory']: is not the name of a cgroup's file, like memory.high"),
    ({"unified": {"cgroup.procs": "0"}}, "unified['cgroup.procs']: is no limit"),
    ({"unified": {"cgroup.subtree_control": "+io"}}, "unified['cgroup.subtree_control']: is no limit"),
    ({"unified": {"memory.high": ""}}, "unified['memory.high']: must not be empty"),
])  # fmt: skip
def test_refused(value, said):
    assert refusal(value) == said


def test_swap_alone_may_be_updated_the_limit_is_there_already():
    resources.check(resources.filled({"memory": {"swap": 5}}), update=True)
    assert refusal({"memory": {"limit": 9, "swap": 5}}, update=True).startswith("memory.swap: 5 is less than")


@pytest.mark.parametrize("value, said", [
    ({"memory": {"limit": "much"}}, "linux.resources.memory.limit: must be a number, not a string"),
    ({"pids": {"limit": 1.5}}, "linux.resources.pids.limit: must be a number, not a fraction"),
    ({"cpu": {"cpus": 3}}, "linux.resources.cpu.cpus: must be a string, not a number"),
    ({"unified": {"memory.high": 5}}, "linux.resources.unified.memory.high: must be a string, not a number"),
    ([], "linux.resources: must be an object, not a list"),
])
def test_wrong_kind_of_value_is_refused(value, said):
    with pytest.raises(errors.SpecError) as raised:
        limits.checked(value)
    assert raised.value.args[0] == said
