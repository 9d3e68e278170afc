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
    ({"cpu": {"shares": 1024}}, [("cpu", "cpu.weight", 39)]),
    ({"cpu": {"shares": 262144}}, [("cpu", "cpu.weight", 10000)]),
    ({"cpu": {"cpus": "0", "mems": "0"}}, [("cpuset", "cpuset.cpus", "0"), ("cpuset", "cpuset.mems", "0")]),
    ({"pids": {"limit": 10}}, [("pids", "pids.max", 10)]),
    ({"pids": {"limit": 0}}, [("pids", "pids.max", "max")]),
])
def test_limits(resources, found):
    assert cgroup2.limits(resources) == found


def test_controllers_that_a_limit_needs_are_asked_for():
    step = next(iter(cgroup2.plan_make({"cgroup2": "/cg"}, "/labcore/x", {"cpu": {"cpus": "0"}}, True)))
    assert step.args == {"paths": {"unified": "/cg/labcore/x"}, "top": "/cg",
                         "controllers": ["cpu", "cpuset", "memory", "pids"], "exclusive": True}
