"""The usual profile as data: every call stands in one place, and who may ask for it depends on the capabilities."""

import errno
import os

import pytest

from labcore import caps, default, errors, jsonfile, profile
from tests.unit.test_plan import NONE

NAMES = [n for names in profile.ALLOWED.values() for n in names.split()]


def actions(name, capabilities=caps.DEFAULT, machine="x86_64"):
    """(action, errno, number of conditions) of every rule for one call."""
    return [(r["action"].removeprefix("SCMP_ACT_"), r.get("errnoRet"), len(r["args"]))
            for r in profile.usual(capabilities, machine)["syscalls"] if name in r["names"]]  # fmt: skip


def test_a_call_stands_in_one_group_only():
    assert len(NAMES) == len(set(NAMES))
    guarded = {n for names in profile.WITH_CAPABILITY.values() for n in names.split()}
    refused = set(profile.REFUSED.split())
    assert not set(NAMES) & guarded and not set(NAMES) & refused and not guarded & refused


def test_every_capability_exists():
    caps.mask(profile.WITH_CAPABILITY)


def test_calls_that_need_a_capability_come_with_it():
    assert actions("mount") == [("ERRNO", errno.EPERM, 0)]
    assert actions("mount", ["CAP_SYS_ADMIN"]) == [("ALLOW", None, 0)]
    assert actions("chroot") == [("ALLOW", None, 0)] and actions("chroot", []) == [("ERRNO", errno.EPERM, 0)]
    assert actions("syslog", ["CAP_SYSLOG"]) == actions("syslog", ["CAP_SYS_ADMIN"]) == [("ALLOW", None, 0)]
    assert actions("keyctl", list(caps.BITS)) == [("ERRNO", errno.EPERM, 0)]


def test_new_namespaces_need_cap_sys_admin():
    assert actions("clone3") == [("ERRNO", errno.ENOSYS, 0)]
    assert actions("clone") == [("ERRNO", errno.EPERM, 1)] * 7 + [("ALLOW", None, 1)]
    for name in ("clone", "clone3", "unshare", "setns"):
        assert actions(name, ["CAP_SYS_ADMIN"]) == [("ALLOW", None, 0)]


def test_what_is_not_known_is_answered_as_an_older_kernel_would():
    value = profile.usual(caps.DEFAULT, "x86_64")
    assert (value["defaultAction"], value["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", errno.ENOSYS)


def test_architectures_that_the_processor_can_also_speak():
    assert profile.usual([], "aarch64")["architectures"] == ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
    assert actions("arch_prctl") and not actions("arch_prctl", machine="aarch64")
    assert profile.usual([], "riscv64")["architectures"] == []


# -- --security-opt ----------------------------------------------------------------------------------------------------


def configured(rootfs, *words):
    return default.config("box", str(rootfs), ["true"], NONE, {"security_opt": list(words)})


@pytest.fixture
def rootfs(tmp_path):
    (tmp_path / "rootfs/bin").mkdir(parents=True)
    return tmp_path / "rootfs"


def test_it_is_on_by_default_and_can_be_taken_away(rootfs):
    found = configured(rootfs)
    sets = found["process"]["capabilities"]
    assert found["linux"]["seccomp"] == profile.usual(sets["bounding"], os.uname().machine)
    assert found["process"]["noNewPrivileges"] is True
    assert configured(rootfs, "seccomp=unconfined")["linux"]["seccomp"] is None
    assert configured(rootfs, "no-new-privileges=false")["process"]["noNewPrivileges"] is False


@pytest.mark.parametrize("word", ["", "seccomp", "seccomp=", "label=disable", "no-new-privileges=maybe"])
def test_other_words_are_refused(rootfs, word):
    with pytest.raises(errors.SpecError, match="--security-opt"):
        configured(rootfs, word)


def test_a_profile_from_a_file_is_checked(rootfs, tmp_path):
    file = tmp_path / "profile.json"
    for text, said in (("{", "not JSON"), ("[]", "must be an object"), ("{}", "linux.seccomp.defaultAction: missing"),
                       ('{"defaultAction": 1}', "linux.seccomp.defaultAction: must be a string")):  # fmt: skip
        file.write_text(text)
        with pytest.raises(errors.SpecError, match=said):
            configured(rootfs, f"seccomp={file}")
    with pytest.raises(errors.SpecError, match="No such file"):
        configured(rootfs, "seccomp=/no/such")


def test_an_engines_profile_is_read_for_this_container(tmp_path):
    def allow(name, **more):
        return {"names": [name], "action": "SCMP_ACT_ALLOW", **more}

    file = tmp_path / "profile.json"
    file.write_text(jsonfile.dumps({
        "defaultAction": "SCMP_ACT_ERRNO",
        "archMap": [{"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
                    {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": None}],
        "syscalls": [allow("always"), allow("admin", includes={"caps": ["CAP_SYS_ADMIN"]}),
                     allow("others", excludes={"caps": ["CAP_SYS_ADMIN"]}),
                     allow("arm", includes={"arches": ["arm64"]}), allow("not-arm", excludes={"arches": ["arm64"]}),
                     allow("pc", includes={"arches": ["amd64"]})],
    }))  # fmt: skip

    def names(capabilities, machine):
        return [n for r in profile.read(str(file), capabilities, machine)["syscalls"] for n in r["names"]]

    assert names([], "x86_64") == ["always", "others", "not-arm", "pc"]
    assert names(["CAP_SYS_ADMIN"], "aarch64") == ["always", "admin", "arm"]
    assert profile.read(str(file), [], "aarch64")["architectures"] == ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
    assert profile.read(str(file), [], "x86_64")["architectures"] == ["SCMP_ARCH_X86_64"]
