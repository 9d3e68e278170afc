"""machine.py: what the machine says, read from real samples of its text."""

import os
import struct

import pytest

from labcore import machine

SYSTEMD_V2 = """\
22 28 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
"""

DOCKER_NFT = """\
table ip nat {
	chain DOCKER {
	}
}
table ip filter {
	chain DOCKER {
	}
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
}
table ip6 filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
}
table inet firewalld {
	chain filter_FORWARD {
		type filter hook forward priority filter + 10; policy accept;
	}
}
"""

IN_DOCKER = """\
500 400 0:50 / / rw,relatime master:20 - overlay overlay rw,lowerdir=/a:/b,upperdir=/c,workdir=/d
501 500 0:53 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
"""

PROC_CGROUPS = """\
#subsys_name	hierarchy	num_cgroups	enabled
cpuset	0	91	1
memory	0	91	1
freezer	0	91	1
net_cls	0	91	1
blkio	7	1	1
debug	0	1	0
"""

OWN = {"uts": "uts:[4026531838]", "ipc": "ipc:[4026531839]"}

DEBIAN_RELEASE = '# comment\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'


def elf(*segment_types, machine_class=2):
    head = b"\x7fELF" + bytes([machine_class, 1, 1]) + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, len(segment_types), 0, 0, 0)
    return head + b"".join(struct.pack("<I", kind) + bytes(52) for kind in segment_types)


@pytest.mark.parametrize("release, pair", [("6.18.44-fc-v657", (6, 18)), ("5.15.0-91-generic", (5, 15)),
                                           ("5.4.0", (5, 4)), ("odd", (0, 0))])
def test_a_kernel_release_is_compared_by_its_first_two_numbers(release, pair):
    assert machine.version(release) == pair


def test_os_release_loses_quotes_and_comments():
    assert machine.os_release(DEBIAN_RELEASE) == {
        "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)", "VERSION_ID": "12", "ID": "debian"}


@pytest.mark.parametrize("text, words", [
    (SYSTEMD_V2, "shared"), (IN_DOCKER, "private,slave"), (SYSTEMD_V2.replace("shared:1 ", ""), "private"),
    (SYSTEMD_V2.replace("shared:1 ", "unbindable "), "private,unbindable"),
    (SYSTEMD_V2.replace("shared:1 ", "shared:1 master:2 "), "shared,slave"), ("", None)])
def test_propagation_of_the_root_in_the_words_of_findmnt(text, words):
    assert machine.propagation(text) == words


def test_the_mount_on_top_decides():
    assert machine.propagation(IN_DOCKER + SYSTEMD_V2) == "shared"


def test_controllers_of_neither_tree_are_free():
    assert machine.free_controllers(PROC_CGROUPS, ["cpuset", "memory"]) == ["freezer", "net_cls"]
    assert machine.free_controllers("", []) == []


@pytest.mark.parametrize("mask, last, names", [
    ("000001ffffffffff", 40, []), ("000001fffeffffff", 40, ["CAP_SYS_RESOURCE"]),
    ("0000003fffffffff", 37, []), ("0000000000000001", 2, ["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"])])
def test_capabilities_that_even_root_lacks(mask, last, names):
    assert machine.missing_capabilities(f"CapEff:\t0000000000000000\nCapBnd:\t{mask}\n", last) == names


def test_ipv4_forward_chains_come_with_their_policy():
    assert machine.forward_chains(DOCKER_NFT) == [("ip", "filter", "FORWARD", "drop"),
                                                 ("inet", "firewalld", "filter_FORWARD", "accept")]
    assert machine.forward_chains("Operation not permitted (you must be root)") == []


def test_a_program_is_static_when_no_segment_names_a_loader():
    load, dynamic, interpreter = 1, 2, 3
    assert machine.is_static(elf(load, load))
    assert machine.is_static(elf(load, dynamic))         # static-pie
    assert not machine.is_static(elf(load, interpreter))


@pytest.mark.parametrize("image", [b"", b"#!/bin/sh\n", b"\x7fELF\x02\x01", elf(1)[:80], elf(1, machine_class=1)])
def test_what_is_no_whole_64_bit_program_is_not_static(image):
    assert not machine.is_static(image)


def test_subordinate_ids_are_found_by_name_and_by_number():
    text = "alice:100000:65536\nbob:165536:65536\n1000:300000:10\nbroken\nalice:x:y\n"
    assert machine.subordinate_ids(text, "alice", 1000) == (65546, 300010)
    assert machine.subordinate_ids("", "alice", 1000) == (0, 100000)


def test_the_first_ordinary_user_is_neither_a_service_nor_nobody():
    text = ("root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nann:x:1001:100::/:/bin/sh\n"
            "ben:x:1000:1000::/:/bin/sh\n+::::::\n")
    assert machine.first_user(text) == ("ben", 1000, 1000)
    assert machine.first_user("root:x:0:0::/root:/bin/sh\n") == ("nobody", 65534, 65534)


def test_available_memory_is_not_free_memory():
    assert machine.available_mb("MemTotal: 24683668 kB\nMemFree: 1024 kB\nMemAvailable:   2097152 kB\n") == 2048
    assert machine.available_mb("") == 0


def test_a_namespace_counts_only_when_the_child_saw_another_link():
    answers = machine.made("uts uts:[4026532246]\nipc ipc:[4026531839]\nproc 1\n"
                          "net unshare: unshare failed: Operation not permitted\nrubbish\n", OWN)
    assert answers["uts"] == "" and answers["proc"] == ""
    assert answers["ipc"] == "nothing changed"
    assert answers["net"] == "Operation not permitted"
    assert answers["time"] == "no answer"


def test_the_probe_quotes_the_paths_of_its_tools():
    assert "'/a b/unshare' --fork --uts" in machine.script("/a b/unshare", "/bin/readlink")
    assert "nft" not in machine.script("/bin/unshare", "/bin/readlink", as_user=True)


@pytest.mark.parametrize("name, value", [("user.max_user_namespaces", "0"), ("kernel.unprivileged_userns_clone", "0"),
                                         ("kernel.apparmor_restrict_unprivileged_userns", "1")])
def test_each_restriction_of_user_namespaces_comes_with_its_sysctl(name, value):
    (why, fix), = machine.restrictions({name: value})
    assert why == f"{name} is {value}"
    assert fix.startswith(f"sysctl -w {name}=")


def test_a_kernel_without_these_sysctls_restricts_nothing():
    assert machine.restrictions(dict.fromkeys(machine.SYSCTLS, "")) == []


def test_apt_is_named_where_apt_is(monkeypatch):
    for text, words in ((DEBIAN_RELEASE, "apt install uidmap"), ("ID=fedora\n", "package manager"),
                        ("ID=pop\nID_LIKE='ubuntu debian'\n", "apt install uidmap")):
        monkeypatch.setattr(machine, "read", lambda path, text=text: text)
        assert words in machine.install("uidmap")


def test_tools_are_found_without_a_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert os.path.basename(machine.which("sh")) == "sh"
