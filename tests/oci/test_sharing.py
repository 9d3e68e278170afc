"""What a container shares: user IDs through a map, namespaces with the host or another container, volumes."""

import json
import os
import pathlib
import select
import shutil
import subprocess

import pytest

from labcore import caps, default, facts, plan, state, walk
from tests.oci.box import SILENT, command

HOST = "readlink /proc/self/ns/{}"
KINDS = {"pid": "pid", "ipc": "ipc", "uts": "uts", "network": "net"}


@pytest.fixture
def target(lab):
    """start(words…) → the name of a container that sleeps."""
    def start(*words):
        name = lab.id()
        lab("run", "-d", "--name", name, *words, "busybox", "sleep", "1000")
        return name

    return start


# ---- IDs ------------------------------------------------------------------------------------------------------------


def inside(lab, *words, code=0):
    return lab("run", "--rm", *words[:-1], "busybox", "sh", "-c", words[-1], code=code)


def test_root_inside_is_another_user_outside(lab, target):
    name = target("--userns", "0:70000:1000")
    pid = lab.state(name)["pid"]
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    assert [line for line in lines if line.startswith("Uid:")] == ["Uid:\t70000\t70000\t70000\t70000"]
    assert pathlib.Path(f"/proc/{pid}/uid_map").read_text().split() == ["0", "70000", "1000"]
    assert lab.out("exec", name, "id", "-u") == "0\n"


def test_auto_takes_ids_above_all_that_are_given_away(lab):
    first = int(inside(lab, "--userns", "auto", "cat /proc/self/uid_map").stdout.split()[1])
    for path in ("/etc/subuid", "/etc/subgid"):
        for line in pathlib.Path(path).read_text().splitlines():
            _, start, count = line.split(":")
            assert int(start) + int(count) <= first


def test_the_image_belongs_to_root_inside_and_can_be_written_to(lab):
    script = "stat -c %u:%g /etc/passwd /root && echo x > /etc/new && stat -c %u /etc/new && touch /root/y"
    assert inside(lab, "--userns", "0:70000:1000", script).stdout == "0:0\n0:0\n0\n"


def test_a_root_file_system_of_ones_own_keeps_its_owners_on_the_host(lab, busybox):
    rootfs = lab.tmp / "rootfs"
    subprocess.run(["cp", "-a", busybox, rootfs], check=True)
    done = lab("run", "--rm", "--userns", "0:70000:1000", rootfs, "sh", "-c", "stat -c %u /etc/passwd; echo x > /new")
    assert done.stdout == "0\n" and (rootfs / "new").stat().st_uid == 0


def test_a_volume_belongs_to_nobody_unless_its_ids_are_mapped(lab):
    volume = lab.tmp / "volume"
    volume.mkdir()
    (volume / "secret").write_text("17")
    (volume / "secret").chmod(0o600)
    plain = inside(lab, "--userns", "0:70000:1000", "-v", f"{volume}:/v", "stat -c %u /v/secret; cat /v/secret", code=1)
    assert plain.stdout == "65534\n" and "Permission denied" in plain.stderr
    mapped = inside(lab, "--userns", "0:70000:1000", "-v", f"{volume}:/v:idmap", "cat /v/secret && echo > /v/made")
    assert mapped.stdout == "17" and (volume / "made").stat().st_uid == 0


@pytest.mark.parametrize("word, said", [
    ("5", "--userns '5': must be auto, host, or CONTAINER:HOST:SIZE"),
    ("1:1:1", "--userns '1:1:1': root inside, 0, is not mapped"),
    ("0:1:0", "linux.uidMappings[0]"),
    ("0:-1:2", "--userns '0:-1:2'"),
    ("0:0:5,3:9:9", "linux.uidMappings[1].containerID: 3 to 11 overlaps linux.uidMappings[0]"),
    ("0:0:5,7:3:9", "linux.uidMappings[1].hostID: 3 to 11 overlaps linux.uidMappings[0]"),
    ("0:4294967290:65536", "linux.uidMappings[0].hostID: 4294967290 and 65536 IDs go beyond the last one"),
])  # fmt: skip
def test_a_map_that_the_kernel_would_refuse_is_refused_by_name(lab, word, said):
    done = lab("run", "--userns", word, "busybox", "true", code=1)
    assert said in done.stderr and lab.ids() == []


# ---- namespaces of others -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option, kind", KINDS.items())
def test_a_namespace_of_the_host_is_shared_when_asked_for(lab, option, kind):
    here = os.readlink(f"/proc/self/ns/{kind}")
    assert inside(lab, HOST.format(kind)).stdout.strip() != here
    assert inside(lab, f"--{option}", "host", HOST.format(kind)).stdout.strip() == here


@pytest.mark.parametrize("option, kind", KINDS.items())
@pytest.mark.parametrize("map_of_target", [(), ("--userns", "0:70000:1000")], ids=["root", "userns"])
def test_a_namespace_of_another_container_is_entered(lab, target, option, kind, map_of_target):
    name = target(*map_of_target)
    theirs = os.readlink(f"/proc/{lab.state(name)['pid']}/ns/{kind}")
    script = HOST.format(kind) + "; readlink /proc/self/ns/user"
    found, user = inside(lab, f"--{option}", f"container:{name}", script).stdout.split()
    assert found == theirs
    assert (user == os.readlink("/proc/self/ns/user")) == (not map_of_target)


def test_processes_of_two_containers_see_each_other_and_end_with_their_pid_1(lab, target):
    first = target()
    second = lab.id()
    lab("run", "-d", "--name", second, "--pid", f"container:{first}", "busybox", "sleep", "2000")
    assert "sleep 2000" in lab.out("exec", first, "ps") and "sleep 1000" in lab.out("exec", second, "ps")
    pidfd = os.pidfd_open(lab.state(second)["pid"])
    lab("kill", first, "KILL")
    assert select.select([pidfd], [], [], 10)[0]
    os.close(pidfd)
    assert lab.state(second)["status"] == "stopped"


def test_the_host_name_that_is_shared_is_not_changed(lab, target):
    name = target()
    assert inside(lab, "--uts", f"container:{name}", "hostname").stdout == f"{name}\n"
    assert lab.out("exec", name, "hostname") == f"{name}\n"
    done = inside(lab, "--uts", f"container:{name}", "--hostname", "other", "true", code=1)
    assert "--hostname: with --uts" in done.stderr


@pytest.mark.parametrize("option", KINDS)
def test_a_container_that_is_not_there_or_has_ended_cannot_be_joined(lab, option):
    done = lab("run", f"--{option}", "container:nobody", "busybox", "true", code=1)
    assert "'nobody' does not exist" in done.stderr
    ended = lab.id()
    lab("run", "--name", ended, "busybox", "true")
    done = lab("run", f"--{option}", f"container:{ended}", "busybox", "true", code=1)
    assert f"--{option} container:{ended}: container '{ended}' is stopped, not running" in done.stderr
    assert lab.ids() == [ended]


@pytest.mark.parametrize("option", ["pid", "ipc", "uts"])
def test_another_word_is_refused(lab, option):
    done = lab("run", f"--{option}", "public", "busybox", "true", code=1)
    assert f"--{option} 'public': must be private, host or container:NAME" in done.stderr


# ---- volumes --------------------------------------------------------------------------------------------------------

# in a mount namespace of the test's own: a volume that is shared, or not, and a container that sees it at /v
SCENE = """
set -e
mount -t tmpfs volume {volume} && mount --make-{made} {volume} && mkdir {volume}/in {volume}/out
{labcore} run -d --name {name} -v {volume}:/v:{how} busybox sleep 1000 >/dev/null
mount -t tmpfs from-host {volume}/in
{labcore} exec {name} grep -c ' /v/in ' /proc/mounts || true
init=$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/' {root}/{name}/init)
nsenter --target $init --mount {busybox} mount -t tmpfs from-inside /v/out
grep -c {volume}/out /proc/mounts || true
{labcore} rm --force {name}
"""


@pytest.mark.parametrize("made, how, seen", [
    ("shared", "rw", "0\n0\n"), ("shared", "rprivate", "0\n0\n"), ("shared", "rslave", "1\n0\n"),
    ("shared", "slave", "1\n0\n"), ("shared", "rshared", "1\n1\n"), ("private", "rprivate", "0\n0\n"),
])  # fmt: skip
def test_mounts_travel_as_the_volume_says(lab, made, how, seen):
    volume = lab.tmp / "volume"
    volume.mkdir()
    script = SCENE.format(volume=volume, made=made, how=how, name=lab.id(), root=lab.root, busybox="/bin/busybox",
                          labcore=" ".join(command(lab.root)))  # fmt: skip
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script], text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=60)  # fmt: skip
    assert (done.returncode, done.stdout) == (0, seen), done


@pytest.mark.parametrize("how", ["rshared", "rslave"])
def test_a_volume_on_a_private_mount_cannot_share(lab, how):
    volume = lab.tmp / "volume"
    volume.mkdir()
    words = [*"unshare --mount --propagation private".split()]
    done = lab("run", "-v", f"{volume}:/v:{how}", "busybox", "true", code=1, through=words)
    assert f"{volume} lies on a mount that shares no events" in done.stderr and lab.ids() == []


def test_shared_is_refused_with_a_user_namespace(lab):
    done = lab("run", "--userns", "auto", "-v", "/usr:/v:shared", "busybox", "true", code=1)
    assert "].options: shared would let root of a user namespace mount outside" in done.stderr


def test_options_of_a_volume_hold_and_unknown_ones_are_refused(lab):
    tool = lab.tmp / "busybox"
    shutil.copy("/bin/busybox", tool)
    assert inside(lab, "-v", f"{tool}:/busybox", "/busybox echo runs").stdout == "runs\n"
    done = inside(lab, "-v", f"{tool}:/busybox:noexec", "/busybox echo runs", code=126)
    assert "Permission denied" in done.stderr
    done = lab("run", "-v", f"{tool}:/tool:bogus", "busybox", "true", code=1)
    assert "].options: a bind mount has no option 'bogus'" in done.stderr


def test_a_root_file_system_on_a_noexec_mount_says_so(lab, busybox):
    place = lab.tmp / "noexec"
    place.mkdir()
    script = f'mount -t tmpfs -o noexec t {place} && cp -a {busybox}/. {place} && exec "$@"'
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
    done = lab("run", "--rm", place, "true", code=126, through=words)
    assert "process.args[0]: 'true' cannot be executed: it lies on a mount with the option noexec" in done.stderr
    assert lab.ids() == []


# ---- who enters -----------------------------------------------------------------------------------------------------


def test_who_enters_cannot_be_looked_into_from_the_first_moment(lab, monkeypatch):
    """The one who has just been born inside still holds much of the host: ptrace(2) of it would be a way out."""
    monkeypatch.setattr(state, "DEFAULT_ROOT", str(lab.root))
    name = lab.id()
    config = default.config(name, "busybox", ["sleep", "1000"], facts.read(), {"userns": "0:70000:1000"})
    config["process"]["capabilities"] = {kind: list(caps.BITS) for kind in ("bounding", "effective", "permitted")}
    (lab.tmp / "config.json").write_text(json.dumps(config))
    lab("create", "--bundle", lab.tmp, name, **SILENT)
    lab("start", name)
    known, handles = state.load(name), {}
    steps = plan.enter(state.config(known), facts.read(), known["pid"], known["pidStart"], "")
    assert "helper.join" in (s.address for s, _ in walk.walk(steps, handles, one_by_one=True))  # and no further
    born = handles["init"]
    number = next(line.split()[-1] for line in open(f"/proc/{born}/status") if line.startswith("NSpid:"))
    try:
        assert lab.out("exec", name, "ls", "/proc/1/root/")  # this it may: it has CAP_SYS_PTRACE here
        assert "Permission denied" in lab("exec", name, "ls", f"/proc/{number}/root/", code=1).stderr
    finally:
        walk.let_go(handles)
        os.waitpid(born, 0)
