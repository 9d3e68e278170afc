"""Without root: the same containers through a user namespace, as an ordinary user who was never asked to log in."""

import os
import pathlib
import subprocess

import pytest

from labcore import cgroup2, facts
from tests.oci.box import LABCORE, TIMEOUT_S

UID = 61234


@pytest.fixture
def user(leaves_no_trace):
    """user(words…) runs labcore as an ordinary user with a home that is removed afterwards."""
    home = pathlib.Path("/run") / f"user-of-test-{os.getpid()}"
    home.mkdir()
    os.chown(home, UID, UID)

    def user(*words, code=0, uid=UID, **options):
        done = subprocess.run(["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "env", "-i",
                               f"HOME={home}", f"XDG_RUNTIME_DIR={home}", "PATH=/usr/bin:/bin:/usr/sbin", LABCORE,
                               *map(str, words)], capture_output=True, text=True, timeout=TIMEOUT_S,
                              stdin=subprocess.DEVNULL, **options)  # fmt: skip
        assert code is None or done.returncode == code, done
        assert "Traceback" not in done.stderr, done
        return done

    user.home = home
    yield user
    subprocess.run(["rm", "-rf", home], check=True)


def test_the_filter_is_there_too_and_kept_where_only_this_user_writes(user):
    for _ in range(2):
        assert user("run", "--rm", "busybox", "grep", "Seccomp:", "/proc/self/status").stdout == "Seccomp:\t2\n"
    cache = (user.home / ".cache/labcore").stat()
    assert (cache.st_uid, cache.st_mode & 0o777, len(os.listdir(user.home / ".cache/labcore"))) == (UID, 0o700, 1)


def test_root_inside_is_the_user_outside(user):
    assert user("run", "--rm", "busybox", "id", "-u").stdout == "0\n"
    text = user("run", "--rm", "busybox", "cat", "/proc/self/uid_map").stdout.split()
    assert text[:3] == ["0", str(UID), "1"]


def test_all_namespaces_are_new(user):
    mine = {os.readlink(f"/proc/self/ns/{n}") for n in ("uts", "ipc", "pid", "net", "mnt", "user", "cgroup")}
    script = "for n in uts ipc pid net mnt user cgroup; do readlink /proc/self/ns/$n; done"
    assert not mine & set(user("run", "--rm", "busybox", "sh", "-c", script).stdout.split())


def test_exit_codes_hostname_volume_and_writes(user):
    user("run", "--rm", "busybox", "sh", "-c", "exit 7", code=7)
    user("run", "--rm", "busybox", "/no/such", code=127)
    user("run", "--rm", "busybox", "/etc/passwd", code=126)
    assert user("run", "--rm", "--hostname", "x", "busybox", "hostname").stdout == "x\n"
    user("run", "--rm", "-v", f"{user.home}:/v", "busybox", "sh", "-c", "echo x > /v/written; touch /here")
    assert (user.home / "written").stat().st_uid == UID


def test_exec_and_rm(user):
    user("run", "-d", "--name", "a", "busybox", "sleep", "1000")
    try:
        assert user("exec", "a", "hostname").stdout == "a\n"
        assert user("exec", "a", "id", "-u").stdout == "0\n"
        user("exec", "a", "sh", "-c", "exit 5", code=5)
    finally:
        user("rm", "--force", "a")
    assert list((user.home / "labcore").iterdir()) == []


@pytest.mark.parametrize("option, value", [("--memory", "64m"), ("--cpus", "0.5"), ("--pids-limit", "9")])
def test_limits_are_refused_with_a_hint_and_never_silently_left_out(user, option, value):
    done = user("run", option, value, "busybox", "true", code=1)
    assert "cgroup" in done.stderr and "hint: " in done.stderr
    assert list((user.home / "labcore").iterdir()) == []


def test_another_user_inside_needs_a_range_of_subordinate_ids(user):
    done = user("run", "--rm", "-u", "1000", "busybox", "id", "-u", code=1)
    assert "1000" in done.stderr or "user" in done.stderr
    assert list((user.home / "labcore").iterdir()) == []


def test_the_host_is_out_of_reach(user):
    script = "mknod /d b 1 0; mount -t tmpfs x /mnt; echo x > /proc/sys/kernel/core_pattern; cat /proc/1/comm"
    done = user("run", "--rm", "busybox", "sh", "-c", script)
    assert done.stdout.split()[-1] == "cat"
    done = user("run", "--rm", "-v", "/etc:/e", "busybox", "sh", "-c", "echo x > /e/hostname; cat /e/shadow", code=1)
    assert done.stdout == ""


def test_rootless_as_root_says_so(tmp_path):
    done = subprocess.run([LABCORE, "--root", tmp_path / "s", "run", "--rootless", "busybox", "true"],
                          capture_output=True, text=True, timeout=TIMEOUT_S)  # fmt: skip
    assert done.returncode == 2 and "you are root" in done.stderr


def test_killed_with_sigkill_delete_leaves_nothing(user):
    words = ["setpriv", "--reuid", str(UID), "--regid", str(UID), "--clear-groups", "env", "-i", f"HOME={user.home}",
             f"XDG_RUNTIME_DIR={user.home}", "PATH=/usr/bin:/bin", LABCORE, "run", "--name", "a", "busybox", "sh", "-c",
             "echo here; exec sleep 1000"]  # fmt: skip
    with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout.readline() == b"here\n"
        process.kill()
        assert process.stdout.read() == b""
    user("delete", "--force", "a")
    assert list((user.home / "labcore").iterdir()) == []


def test_a_range_of_subordinate_ids_is_used_and_only_that(leaves_no_trace, user):
    """A user who really exists, with a range in /etc/subuid: newuidmap writes the map."""
    if not os.access("/usr/bin/newuidmap", os.X_OK):
        pytest.skip("needs newuidmap")
    name, uid = f"oci{os.getpid()}"[:20], UID + 1
    kept = {p: pathlib.Path(p).read_bytes() for p in ("/etc/subuid", "/etc/subgid") if os.path.exists(p)}
    subprocess.run(["groupadd", "-g", str(uid), name], check=True)
    subprocess.run(["useradd", "-M", "-u", str(uid), "-g", str(uid), "-d", user.home, name], check=True)
    try:
        for path in ("/etc/subuid", "/etc/subgid"):
            pathlib.Path(path).write_bytes(kept.get(path, b"") + f"{name}:700000:65536\n".encode())
        subprocess.run(["chown", "-R", f"{uid}:{uid}", user.home], check=True)
        text = user("run", "--rm", "busybox", "cat", "/proc/self/uid_map", uid=uid).stdout.split()
        assert text == ["0", str(uid), "1", "1", "700000", "65536"]
        script = "id -u; id -g; touch /v/owned"
        os.chmod(user.home, 0o777)
        assert user("run", "--rm", "-u", "1000:5", "-v", f"{user.home}:/v", "busybox", "sh", "-c", script,
                    uid=uid).stdout.split() == ["1000", "5"]  # fmt: skip
        owned = (user.home / "owned").stat()
        assert (owned.st_uid, owned.st_gid) == (700999, 700004)
    finally:
        subprocess.run(["userdel", name], check=True, stderr=subprocess.DEVNULL)
        for path, text in kept.items():
            pathlib.Path(path).write_bytes(text)


@pytest.fixture
def delegated():
    """A part of the version 2 tree that was handed to the user, with a cgroup in it from which to start."""
    here = facts.read()
    if here["cgroup"] != 2:
        pytest.skip("cgroup v2 has no controllers here: v1 or hybrid machine")
    top = pathlib.Path(here["cgroup2"]) / f"delegated-{os.getpid()}"
    cgroup2.enable(here["cgroup2"], ["cpu", "memory", "pids"], here["cgroup2"])
    (top / "shell").mkdir(parents=True)
    for place in (top, top / "shell"):
        for name in (".", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
            os.chown(place / name, UID, UID)
    yield top
    (top / "shell").rmdir()
    top.rmdir()


def test_limits_are_kept_in_a_part_of_the_tree_that_was_handed_over(user, delegated):
    inside = {"preexec_fn": lambda: (delegated / "shell/cgroup.procs").write_text(str(os.getpid()))}
    limits = ("--memory", "32m", "--cpus", "0.5", "--pids-limit", "20")
    user("run", "-d", "--name", "a", *limits, "busybox", "sleep", "1000", **inside)
    try:
        own = delegated / "labcore.a"
        found = [(own / file).read_text().strip() for file in ("memory.max", "cpu.max", "pids.max")]
        assert found == [str(32 << 20), "50000 100000", "20"]
        user("exec", "a", "true", **inside)
        user("update", "--pids-limit", "30", "a")  # from wherever: the state knows the place
        assert (own / "pids.max").read_text().strip() == "30"
        user("pause", "a")
        assert '"paused"' in user("state", "a").stdout
        assert "a " in user("stats", "--no-stream", "a").stdout
    finally:
        user("rm", "--force", "a")
    assert not own.exists()
