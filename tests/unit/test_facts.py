"""Control group hierarchies, read from the text of mountinfo."""

from labcore import facts

HYBRID = """\
22 1 0:19 / /proc rw - proc proc rw
30 22 0:26 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw,nsdelegate
32 30 0:28 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,xattr,name=systemd
33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
34 30 0:29 / /elsewhere rw - cgroup cgroup rw,cpu,cpuacct
35 30 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset,clone_children
"""


def test_hybrid_machine():
    v1, v2 = facts.cgroup_mounts(HYBRID)
    assert v2 == "/sys/fs/cgroup/unified"
    assert v1 == {"systemd": "/sys/fs/cgroup/systemd", "cpu": "/sys/fs/cgroup/cpu,cpuacct",
                  "cpuacct": "/sys/fs/cgroup/cpu,cpuacct", "cpuset": "/sys/fs/cgroup/cpuset"}


def test_machine_with_version_2_only_and_machine_without():
    line = "29 22 0:25 / /sys/fs/cgroup rw shared:4 master:2 - cgroup2 cgroup2 rw"
    assert facts.cgroup_mounts(line) == ({}, "/sys/fs/cgroup")
    assert facts.cgroup_mounts("22 1 0:19 / /proc rw - proc proc rw") == ({}, None)
    assert facts.cgroup_mounts("") == ({}, None)


def test_facts_are_json():
    import json
    import os

    found = json.loads(json.dumps(facts.read()))
    assert found["uid"] == os.geteuid() and found["cgroup"] in (0, 1, 2)


def test_a_part_of_the_tree_that_was_handed_over_is_the_highest_that_may_be_filled():
    own = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n"
    theirs = "/cg/user.slice/user-1000.slice/user@1000.service"
    def may(path, mode):
        return path.startswith(theirs)

    assert facts.delegated("/cg", own, may) == theirs
    assert facts.delegated("/cg", own, lambda path, mode: False) is None
    assert facts.delegated("/cg", own, lambda path, mode: may(path, mode) and not path.endswith("procs")) is None
    for odd in ("", "0::/\n", "0::/../../x\n", "5:memory:/a\n"):
        assert facts.delegated("/cg", odd, lambda path, mode: True) is None
