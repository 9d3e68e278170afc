"""The doctor's reading of texts: real samples in, facts out. No root, no kernel."""

import json
import os
import struct

import pytest

from labcore import doctor, machine
from labcore.doctor import MISSING, NOTE, OK, Finding

SYSTEMD_V2 = """\
22 28 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
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
OWN = {"uts": "uts:[4026531838]", "ipc": "ipc:[4026531839]"}
DEBIAN_RELEASE = '# comment\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'


def elf(*segment_types, machine_class=2):
    head = b"\x7fELF" + bytes([machine_class, 1, 1]) + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, len(segment_types), 0, 0, 0)
    return head + b"".join(struct.pack("<I", kind) + bytes(52) for kind in segment_types)


@pytest.mark.parametrize("release, pair", [("6.18.44-fc-v657", (6, 18)), ("5.15.0-91-generic", (5, 15)),
                                           ("5.4.0", (5, 4)), ("odd", (0, 0))])
def test_a_kernel_release_is_compared_by_its_first_two_numbers(release, pair):
    assert doctor.version(release) == pair


def test_os_release_loses_quotes_and_comments():
    assert doctor.os_release(DEBIAN_RELEASE) == {
        "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)", "VERSION_ID": "12", "ID": "debian"}


@pytest.mark.parametrize("text, words", [
    (SYSTEMD_V2, "shared"), (IN_DOCKER, "private,slave"), (SYSTEMD_V2.replace("shared:1 ", ""), "private"),
    (SYSTEMD_V2.replace("shared:1 ", "unbindable "), "private,unbindable"),
    (SYSTEMD_V2.replace("shared:1 ", "shared:1 master:2 "), "shared,slave"), ("", None)])
def test_propagation_of_the_root_in_the_words_of_findmnt(text, words):
    assert doctor.propagation(text) == words


def test_the_mount_on_top_decides():
    assert doctor.propagation(IN_DOCKER + SYSTEMD_V2) == "shared"


def test_no_mount_at_the_root_blocks_pivot_root():
    assert doctor.root_mount("").status == MISSING
    assert doctor.root_mount("1 1 0:2 / / rw - rootfs rootfs rw\n").status == MISSING
    assert doctor.root_mount(SYSTEMD_V2).status == OK


def test_controllers_of_neither_tree_are_free():
    assert doctor.free_controllers(PROC_CGROUPS, ["cpuset", "memory"]) == ["freezer", "net_cls"]
    assert doctor.free_controllers("", []) == []


def test_limits_say_which_controller_is_absent():
    assert doctor.limits("v2", {"cpu": "/", "pids": "/"}).found == "v2: cpu pids; no controller for memory"
    assert doctor.limits("v1", {}).status == NOTE


@pytest.mark.parametrize("mask, last, names", [
    ("000001ffffffffff", 40, []), ("000001fffeffffff", 40, ["CAP_SYS_RESOURCE"]),
    ("0000003fffffffff", 37, []), ("0000000000000001", 2, ["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"])])
def test_capabilities_that_even_root_lacks(mask, last, names):
    assert doctor.missing_capabilities(f"CapEff:\t0000000000000000\nCapBnd:\t{mask}\n", last) == names


def test_ipv4_forward_chains_come_with_their_policy():
    assert doctor.forward_chains(DOCKER_NFT) == [("ip", "filter", "FORWARD", "drop"),
                                                 ("inet", "firewalld", "filter_FORWARD", "accept")]
    assert doctor.forward_chains("Operation not permitted (you must be root)") == []


def test_a_forward_policy_of_drop_is_a_note_with_its_fix():
    by_name = {row.name: row for row in doctor.network(DOCKER_NFT + doctor.COMPLETE)}
    assert by_name["forward policy"].status == NOTE
    assert "nft 'chain ip filter FORWARD { policy accept; }'" in by_name["forward policy"].fix


def test_a_list_of_chains_that_was_not_finished_is_not_called_accept():
    assert {row.name: row for row in doctor.network("")}["forward policy"].status == NOTE


def test_a_program_is_static_when_no_segment_names_a_loader():
    load, dynamic, interpreter = 1, 2, 3
    assert doctor.is_static(elf(load, load))
    assert doctor.is_static(elf(load, dynamic))         # static-pie
    assert not doctor.is_static(elf(load, interpreter))


@pytest.mark.parametrize("image", [b"", b"#!/bin/sh\n", b"\x7fELF\x02\x01", elf(1)[:80], elf(1, machine_class=1)])
def test_what_is_no_whole_64_bit_program_is_not_static(image):
    assert not doctor.is_static(image)


def test_subordinate_ids_are_found_by_name_and_by_number():
    text = "alice:100000:65536\nbob:165536:65536\n1000:300000:10\nbroken\nalice:x:y\n"
    assert doctor.subordinate_ids(text, "alice", 1000) == (65546, 300010)
    assert doctor.subordinate_ids("", "alice", 1000) == (0, 100000)


def test_the_first_ordinary_user_is_neither_a_service_nor_nobody():
    text = ("root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nann:x:1001:100::/:/bin/sh\n"
            "ben:x:1000:1000::/:/bin/sh\n+::::::\n")
    assert doctor.first_user(text) == ("ben", 1000, 1000)
    assert doctor.first_user("root:x:0:0::/root:/bin/sh\n") == ("nobody", 65534, 65534)


def test_available_memory_is_not_free_memory():
    assert doctor.available_mb("MemTotal: 24683668 kB\nMemFree: 1024 kB\nMemAvailable:   2097152 kB\n") == 2048
    assert doctor.available_mb("") == 0


def test_a_namespace_counts_only_when_the_child_saw_another_link():
    answers = doctor.made("uts uts:[4026532246]\nipc ipc:[4026531839]\nproc 1\n"
                          "net unshare: unshare failed: Operation not permitted\nrubbish\n", OWN)
    assert answers["uts"] == "" and answers["proc"] == ""
    assert answers["ipc"] == "nothing changed"
    assert answers["net"] == "Operation not permitted"
    assert answers["time"] == "no answer"


def test_the_probe_quotes_the_paths_of_its_tools():
    assert "'/a b/unshare' --fork --uts" in doctor.script("/a b/unshare", "/bin/readlink")
    assert "nft" not in doctor.script("/bin/unshare", "/bin/readlink", as_user=True)


@pytest.mark.parametrize("name, value", [("user.max_user_namespaces", "0"), ("kernel.unprivileged_userns_clone", "0"),
                                         ("kernel.apparmor_restrict_unprivileged_userns", "1")])
def test_each_restriction_of_user_namespaces_comes_with_its_sysctl(name, value):
    (why, fix), = doctor.restrictions({name: value})
    assert why == f"{name} is {value}"
    assert fix.startswith(f"sysctl -w {name}=")


def test_a_kernel_without_these_sysctls_restricts_nothing():
    assert doctor.restrictions(dict.fromkeys(doctor.SYSCTLS, "")) == []


def way(who, **refused):
    return doctor.Way(who, {**dict.fromkeys([*doctor.FLAGS, "proc"], ""), **refused})


def test_a_masked_proc_is_told_from_a_refused_namespace():
    masked = doctor.user_namespaces(way("uid 1000", proc="Operation not permitted"))
    assert masked.status == NOTE and "masked" in masked.found
    refused = doctor.user_namespaces(way("uid 1000", net="Operation not permitted", proc="Operation not permitted"))
    assert "cannot make: net" in refused.found


def test_one_way_into_the_lab_is_enough_and_none_blocks_it():
    none = way("", uts="Operation not permitted", user="Operation not permitted")
    assert doctor.privilege([], way("uid 1000"), rootless=True).status == OK
    assert doctor.privilege([none], way("uid 1000"), rootless=True).status == OK
    assert doctor.privilege([none], none, rootless=False).status == MISSING
    assert doctor.privilege([], none, rootless=False).status == MISSING


def test_apparmor_takes_the_rootless_way_even_when_unshare_itself_may():
    assert doctor.privilege([], way("uid 1000"), rootless=False).status == MISSING


def test_a_kind_that_nobody_can_make_blocks_only_when_containers_need_it():
    refused = dict.fromkeys(("uts", "time"), "Operation not permitted")
    by_name = {row.name: row for row in doctor.namespaces([way("root", **refused)], way("uid 1000", **refused))}
    assert by_name["namespace uts"].status == MISSING
    assert by_name["namespace time"].status == NOTE
    assert by_name["namespace ipc"].found == "made as root and as uid 1000"


SAMPLE = [Finding("kernel", OK, "6.1.0; 5.15 or later is needed"), Finding("architecture", OK, "x86_64 (amd64)"),
          Finding("python", OK, "3.11.2"), Finding("busybox", OK, "/bin/busybox: static"),
          *(Finding(f"namespace {kind}", OK, "made as root") for kind in doctor.FLAGS),
          Finding("subuid", NOTE, "alice may map 0 further ids " * 4, "usermod --add-subuids " * 6)]


def test_the_report_fits_80_columns_and_counts_notes():
    text = doctor.render(SAMPLE)
    assert max(map(len, text.splitlines())) <= 80
    assert text.endswith("this machine can run the lab; notes: 1, each limits single lessons")
    assert "fix: usermod" in text


def test_the_summary_has_no_number_that_varies():
    text = doctor.summary(SAMPLE)
    assert not any(letter.isdigit() for letter in text)
    assert text == doctor.summary([row._replace(found=row.found.replace("root", "uid 1000")) for row in SAMPLE])
    assert text.splitlines()[-2] == "namespaces    uts ipc pid net mnt user cgroup time"


def test_what_blocks_is_named_in_summary_and_report():
    broken = [row._replace(status=MISSING, found="not installed", fix="x") if row.name == "busybox" else row
              for row in SAMPLE]
    for text in (doctor.summary(broken), doctor.render(broken)):
        assert text.splitlines()[-1].startswith("this machine cannot run the lab yet: busybox")


def test_json_is_a_list_of_the_four_fields(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "findings", lambda: SAMPLE)
    assert doctor.main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0] == SAMPLE[0]._asdict()


def test_something_missing_is_exit_1(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "findings", lambda: [*SAMPLE, Finding("x", MISSING, "gone", "bring it")])
    assert doctor.main([]) == 1


def test_an_unknown_word_is_exit_2(capsys):
    with pytest.raises(SystemExit) as ended:
        doctor.main(["--nonsense"])
    assert ended.value.code == 2


def test_apt_is_named_where_apt_is(monkeypatch):
    for text, words in ((DEBIAN_RELEASE, "apt install uidmap"), ("ID=fedora\n", "package manager"),
                        ("ID=pop\nID_LIKE='ubuntu debian'\n", "apt install uidmap")):
        monkeypatch.setattr(machine, "read", lambda path, text=text: text)
        assert words in doctor.install("uidmap")


def test_tools_are_found_without_a_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert os.path.basename(doctor.which("sh")) == "sh"
