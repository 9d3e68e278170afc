"""The doctor's reading of texts: real samples in, facts out. No root, no kernel."""

import json

import pytest

from labcore import doctor
from labcore.doctor import MISSING, NOTE, OK, Finding

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


def test_no_mount_at_the_root_blocks_pivot_root():
    assert doctor.root_mount("").status == MISSING
    assert doctor.root_mount("1 1 0:2 / / rw - rootfs rootfs rw\n").status == MISSING
    assert doctor.root_mount(SYSTEMD_V2).status == OK


def test_limits_say_which_controller_is_absent():
    assert doctor.limits("v2", {"cpu": "/", "pids": "/"}).found == "v2: cpu pids; no controller for memory"
    assert doctor.limits("v1", {}).status == NOTE


def test_a_forward_policy_of_drop_is_a_note_with_its_fix():
    by_name = {row.name: row for row in doctor.network(DOCKER_NFT + doctor.COMPLETE)}
    assert by_name["forward policy"].status == NOTE
    assert "nft 'chain ip filter FORWARD { policy accept; }'" in by_name["forward policy"].fix


def test_a_list_of_chains_that_was_not_finished_is_not_called_accept():
    assert {row.name: row for row in doctor.network("")}["forward policy"].status == NOTE


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


def test_a_filter_needs_the_kernel_and_a_library(monkeypatch):
    assert doctor.seccomp().status == OK
    monkeypatch.setattr(doctor.syscalls, "libseccomp", lambda: doctor.syscalls.ctypes.CDLL("libnone.so.9"))
    assert doctor.seccomp().status == MISSING and "libseccomp2" in doctor.seccomp().fix
    monkeypatch.setattr(doctor, "sysctl", lambda name: "")
    assert (doctor.seccomp().status, doctor.seccomp().fix) == (MISSING, "use a kernel with CONFIG_SECCOMP_FILTER")
