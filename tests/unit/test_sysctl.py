"""Which kernel parameters a container may have of its own."""

import pytest

from labcore import errors, sysctl


def plan(name, *namespaces):
    kinds = [n if isinstance(n, dict) else {"type": n} for n in namespaces]
    return list(sysctl.plan({"linux": {"sysctl": {name: "1"}, "namespaces": kinds}}))


@pytest.mark.parametrize("name, kind", [("net.ipv4.ip_forward", "network"), ("kernel.shmmax", "ipc"),
                                        ("fs.mqueue.msg_max", "ipc"), ("kernel.domainname", "uts")])
def test_parameter_of_a_new_namespace_is_set(name, kind):
    assert plan(name, kind)[0].args == {"values": {name: "1"}}
    with pytest.raises(errors.SpecError, match=f"^linux.sysctl.{name}: needs a new {kind} namespace"):
        plan(name)
    with pytest.raises(errors.SpecError, match="needs a new"):
        plan(name, {"type": kind, "path": "/proc/1/ns/x"})


@pytest.mark.parametrize("name", ["kernel.core_pattern", "vm.swappiness", "kernel.hostname", "fs.file-max", "../x"])
def test_parameter_of_the_whole_machine_is_refused(name):
    with pytest.raises(errors.SpecError, match="belongs to the host"):
        plan(name, "network", "ipc", "uts")
