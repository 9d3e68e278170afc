"""The table of namespaces."""

import os

from labcore import namespace


def test_flags_are_those_of_the_standard_library_where_it_has_them():
    for kind in namespace.KINDS.values():
        assert getattr(os, kind.clone_name, kind.flag) == kind.flag  # os has them from Python 3.12 on
    assert namespace.flags(["uts", "pid"]) == 0x24000000
    assert namespace.flags([]) == 0


def test_kinds_are_those_of_this_kernel():
    assert set(namespace.KINDS) == {n for n in os.listdir("/proc/self/ns") if not n.endswith("_for_children")}
    assert list(namespace.KINDS) == "uts ipc pid net mnt user cgroup time".split()


def test_every_oci_type_has_a_kind():
    assert set(namespace.OCI_TYPES.values()) == set(namespace.KINDS)
