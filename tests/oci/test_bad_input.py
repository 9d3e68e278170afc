"""What cannot be done is refused: `what: why`, the right exit code, and nothing is left."""

import json
import os
import pathlib
import subprocess

import pytest

from tests.oci.box import LABCORE, SILENT, TIMEOUT_S, command

LONG = "x" * 256


def refused(done, *words):
    """One line `labcore: what: why`, perhaps a hint, and nothing else."""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("labcore: ") and not lines[0].endswith("."), done.stderr
    assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("  hint: ")), done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr, done.stderr


@pytest.fixture
def nothing_is_left(lab):
    yield lab
    assert lab.ids() == []


# -- root file systems and programs ------------------------------------------------------------------------------------


def test_a_root_file_system_that_is_missing_empty_or_no_directory(nothing_is_left, lab, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    refused(lab("run", f"{tmp_path}/missing", "true", code=1), "does not exist")
    refused(lab("run", f"{tmp_path}/empty", "true", code=1), "empty", "hint")
    refused(lab("run", f"{tmp_path}/file", "true", code=1), "not a directory")
    refused(lab("run", "debian-of-tomorrow", "true", code=1), "no such template", "hint")


def test_a_bundle_whose_root_is_missing_or_no_directory(nothing_is_left, lab, bundle, tmp_path):
    for path in ("/no/such/root", str(tmp_path / "file")):
        (tmp_path / "file").write_text("")
        made = bundle("true")
        made.config["root"]["path"] = path
        refused(lab("create", "--bundle", made.write(), "a", code=1), path)


def test_programs_that_are_not_there_or_cannot_be_executed(nothing_is_left, lab, bundle):
    made = bundle("true", copy=True)
    (made.rootfs / "no-interpreter").write_text("#!/not/there\n")
    (made.rootfs / "no-interpreter").chmod(0o755)
    (made.rootfs / "garbage").write_bytes(b"\x7fELFgarbage")
    (made.rootfs / "garbage").chmod(0o755)
    (made.rootfs / "secret").mkdir(0o700)
    root = f"{made.rootfs}/"
    refused(lab("run", "--rm", root, "/no/such", code=127), "/no/such")
    refused(lab("run", "--rm", root, "nosuch", code=127), "nosuch", "PATH")
    refused(lab("run", "--rm", root, "", code=127))
    refused(lab("run", "--rm", root, "/etc/passwd", code=126), "/etc/passwd")
    refused(lab("run", "--rm", root, "/etc", code=126), "/etc")
    refused(lab("run", "--rm", root, "/no-interpreter", code=127))
    refused(lab("run", "--rm", root, "/garbage", code=126))
    refused(lab("run", "--rm", "-u", "1000", root, "/secret/x", code=126))


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", LONG, "a b", "a\nb", "ä", "a:b", "/a", "a\x1b[0m", "*"])
def test_odd_names_are_refused(nothing_is_left, lab, name):
    refused(lab("run", "--name", name, "busybox", "true", code=1), "container ID")
    for verb in ("state", "start", "kill", "delete"):
        refused(lab(verb, name, code=1), "container ID")


def test_a_name_of_255_characters_is_fine(nothing_is_left, lab):
    lab("run", "--rm", "--name", LONG[:255], "busybox", "true")


@pytest.mark.parametrize("name, good", [("x" * 64, True), ("x" * 65, False), ("ä" * 32, True), ("ä" * 33, False)])
def test_a_host_name_of_65_bytes_is_refused(nothing_is_left, lab, name, good):
    done = lab("run", "--rm", "--hostname", name, "busybox", "hostname", code=0 if good else 1)
    assert done.stdout == name + "\n" if good else refused(done, "hostname", "64") is None


# -- options -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option, value, word", [
    ("--memory", "1k", "--memory"), ("--memory", "0", "--memory"), ("--memory", "-5m", "--memory"),
    ("--memory", "lots", "--memory"), ("--memory", "nan", "--memory"), ("--memory", "1e30g", "--memory"),
    ("--memory", "9223372036854775808", "--memory"), ("--memory", "inf", "--memory"),
    ("--cpus", "0", "--cpus"), ("--cpus", "-1", "--cpus"), ("--cpus", "nan", "--cpus"), ("--cpus", "many", "--cpus"),
    ("--pids-limit", "0", "--pids-limit"), ("--pids-limit", "x", "--pids-limit"), ("--pids-limit", "²", "--pids-limit"),
    ("--pids-limit", "9" * 30, "pids"), ("--env", "=x", "--env"), ("--volume", "nonsense", "--volume"),
    ("--volume", "/no/such:/x", "/no/such"), ("--volume", "/tmp:x", "destination"), ("--volume", ":/x", "--volume"),
    ("--volume", "/tmp:", "--volume"), ("--volume", "tmp:/x", "--volume"), ("--workdir", "relative", "process.cwd"),
    ("--workdir", "/no/such", "process.cwd"), ("--workdir", "/etc/passwd", "process.cwd"),
    ("--mine", "/no/such", "--mine"), ("--volume", "/tmp:/", "mounts"),
])  # fmt: skip
def test_an_option_that_cannot_be_meant_is_refused(nothing_is_left, lab, option, value, word):
    refused(lab("run", option, value, "busybox", "true", code=1), word)


def test_memory_in_which_no_program_can_start_says_that_memory_was_the_reason(nothing_is_left, lab):
    done = lab("run", "--memory", "512k", "busybox", "true", code=None)
    if done.returncode:
        refused(done, "memory")
    else:
        lab("delete", *lab.ids())


# -- configurations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", '"x"', "{]", '{"a": NaN}', "[" * 100_000, '{"a" 1}',
                                  "\x00", "{}garbage", '{"ociVersion": "1.0.0"'])  # fmt: skip
def test_broken_json_is_refused(nothing_is_left, lab, bundle, text):
    made = bundle("true")
    made.write()
    (made.path / "config.json").write_text(text)
    refused(lab("create", "--bundle", made.path, "a", code=1))


def test_a_config_that_is_missing_a_directory_a_fifo_or_no_text(nothing_is_left, lab, bundle):
    made = bundle("true")
    made.write()
    config = made.path / "config.json"
    config.write_bytes(b'{"ociVersion": "\xff\xfe"}')
    refused(lab("create", "--bundle", made.path, "a", code=1))
    config.unlink()
    refused(lab("create", "--bundle", made.path, "a", code=1), "config.json")
    os.mkfifo(config)
    refused(lab("create", "--bundle", made.path, "a", code=1))
    config.unlink()
    config.mkdir()
    refused(lab("create", "--bundle", made.path, "a", code=1))


@pytest.mark.parametrize("path, value, word", [
    ("ociVersion", None, "ociVersion"), ("ociVersion", "2.0.0", "ociVersion"), ("ociVersion", 1, "ociVersion"),
    ("root", None, "root"), ("root.path", 7, "root.path"), ("root.readonly", "yes", "root.readonly"),
    ("process", None, "process"), ("process.args", [], "process.args"), ("process.args", "sh", "process.args"),
    ("process.args", [1], "process.args[0]"), ("process.args", None, "process.args"),
    ("process.cwd", "", "process.cwd"), ("process.cwd", "x", "process.cwd"), ("process.env", {}, "process.env"),
    ("process.terminal", 1, "process.terminal"),
    ("process.user.uid", -1, "process.user.uid"), ("process.user.uid", 1 << 32, "process.user.uid"),
    ("process.user.uid", 4294967295, "process.user.uid"), ("process.user.uid", "0", "process.user.uid"),
    ("process.user.uid", True, "process.user.uid"), ("process.user.uid", 1.5, "process.user.uid"),
    ("process.user.umask", 0o1000, "umask"), ("process.oomScoreAdj", 5000, "oom"),
    ("process.capabilities.effective", ["CAP_FLY"], "CAP_FLY"), ("process.args", ["a\0b"], "NUL"),
    ("process.rlimits", [{"type": "RLIMIT_FLY", "soft": 1, "hard": 1}], "RLIMIT_FLY"),
    ("process.rlimits", [{"type": "RLIMIT_NOFILE", "soft": 2, "hard": 1}], "RLIMIT_NOFILE"),
    ("process.rlimits", [{"soft": 2, "hard": 1}], "process.rlimits[0].type"),
    ("mounts", [{"destination": "x", "type": "tmpfs"}], "mounts[0].destination"), ("mounts", {}, "mounts"),
    ("mounts", [{"destination": "/x"}], "mounts[0]"), ("mounts", [{"type": "tmpfs"}], "mounts[0].destination"),
    ("mounts", [{"destination": "/x", "type": "nofs"}], "nofs"),
    ("mounts", [{"destination": "/x", "type": "tmpfs", "options": ["nonsense=1"]}], "nonsense"),
    ("mounts", [{"destination": "/x", "type": "bind", "source": "/no/such", "options": ["bind"]}], "/no/such"),
    ("linux.namespaces", [], "linux.namespaces"), ("linux.namespaces", [{"type": "moon"}], "moon"),
    ("linux.namespaces", [{"type": "mount"}, {"type": "mount"}], "twice"),
    ("linux.namespaces", [{"type": "mount"}, {"type": "uts"}, {"type": "pid", "path": "/no/such"}], "/no/such"),
    ("linux.namespaces", [{"type": "mount"}, {"type": "uts"}, {"type": "ipc", "path": "/proc/self/ns/net"}], "setns"),
    ("linux.uidMappings", [{"containerID": 0, "hostID": 0, "size": 1}], "linux.uidMappings"),
    ("linux.sysctl", {"kernel.panic": "1"}, "kernel.panic"), ("linux.sysctl", {"net.ipv4.nonsense": "1"}, "nonsense"),
    ("linux.sysctl", {"net.ipv4.ip_forward": "pudding"}, "ip_forward"),
    ("linux.sysctl", {"net/../../kernel/panic": "1"}, "kernel"), ("linux.seccomp", {"defaultAction": "x"}, "seccomp"),
    ("linux.resources", {"memory": {"limit": "much"}}, "memory.limit"), ("hostname", "x" * 65, "hostname"),
    ("linux.resources", {"memory": {"limit": 1 << 70}}, "memory.limit"),
    ("linux.rootfsPropagation", "x", "Propagation"),
    ("linux.resources", {"cpu": {"quota": 1}}, "cpu"), ("linux.resources", {"cpu": {"cpus": "9999"}}, "cpus"),
    ("linux.devices", [{"path": "/dev/x"}], "linux.devices[0]"),
    ("linux.devices", [{"path": "x", "type": "c"}], "path"),
    ("linux.devices", [{"path": "/dev/x", "type": "c"}], "major"), ("hooks", {"prestart": [{"path": "/x"}]}, "hooks"),
    ("linux.maskedPaths", "x", "linux.maskedPaths"), ("annotations", {"a": 1}, "annotations"),
])  # fmt: skip
def test_a_wrong_value_is_named_and_refused(nothing_is_left, lab, bundle, path, value, word):
    made = bundle("true")
    at = made.config
    *parents, last = path.split(".")
    for name in parents:
        at = at.setdefault(name, {})
    at[last] = value
    refused(lab("create", "--bundle", made.write(), "a", code=1), word)


def test_unknown_properties_are_ignored(lab, bundle):
    made = bundle("echo", "fine")
    made.config |= {"org.example.unknown": {"a": [1.5]}, "zzz": None}
    made.config["process"]["mood"] = "good"
    made.config["linux"]["cgroupsPath"] = f"/labcore.{lab.id()}"
    assert lab.out("run", "--bundle", made.write(), lab.id()) == "fine\n"


@pytest.mark.parametrize("text, word", [("{", "JSON"), ("{}", "args"), ('{"args": ["a"]}', "cwd"), ("[]", "process")])
def test_exec_refuses_a_broken_process_file(lab, tmp_path, text, word):
    lab("run", "-d", "--name", "a", "busybox", "sleep", "1000", **SILENT)
    (tmp_path / "p").write_text(text)
    refused(lab("exec", "--process", tmp_path / "p", "a", code=1), word)
    refused(lab("exec", "--process", tmp_path / "none", "a", code=1), "none")


def test_a_broken_state_file_is_told_and_breaks_nothing_else(lab):
    lab("run", "--name", "a", "busybox", "true")
    file = lab.root / "a/state.json"
    whole = file.read_text()
    for text in ("{", "[]", "null", '{"id": "a"}', ""):
        file.write_text(text)
        refused(lab("state", "a", code=1), "broken", "hint")
        lab("ps", "-a")
    file.write_text(whole)
    lab("rm", "a")


def test_a_pid_file_or_a_console_socket_that_cannot_be(nothing_is_left, lab, bundle, tmp_path):
    made = bundle("true")
    refused(lab("create", "--bundle", made.write(), "--pid-file", "/no/such/pid", "a", code=1), "/no/such/pid")
    made.config["process"]["terminal"] = True
    done = lab("create", "--bundle", made.write(), "--console-socket", tmp_path / "none", "a", code=1)
    refused(done, "console socket")


def test_a_log_file_tells_the_error_to_an_engine(lab, tmp_path):
    log = tmp_path / "log"
    subprocess.run([LABCORE, "--root", lab.root, "--log", log, "--log-format", "json", "state", "nobody"],
                   stderr=subprocess.DEVNULL, timeout=TIMEOUT_S)  # fmt: skip
    assert json.loads(log.read_text())["level"] == "error"
    assert "/no/such/log" in lab("--log", "/no/such/log", "state", "nobody", code=1).stderr


# -- the machine -------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_nothing_is_left(lab, tmp_path):
    """The state directory lies on a tmpfs of a few pages: at some size every write of a run fails once."""
    script = """
        mkdir -p "$0"; mount -t tmpfs -o size=64k,mode=700,nr_inodes=30 full "$0"
        n=$1; shift; head -c "$n" /dev/zero > "$0/.filler"
        "$@"; echo "code $?"; rm "$0/.filler"; ls "$0"
    """
    codes = set()
    for filler in range(64 << 10, 20 << 10, -4096):
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, lab.root, str(filler), *command(lab.root),
                               "run", "--rm", "busybox", "true"],
                              capture_output=True, text=True, timeout=TIMEOUT_S)  # fmt: skip
        assert "Traceback" not in done.stderr
        code, *left = done.stdout.splitlines()
        assert left == [], (filler, done)
        if code != "code 0":
            assert "No space left" in done.stderr, done
        codes.add(code)
    assert codes == {"code 0", "code 1"}


def test_a_disk_without_a_free_file_is_told_and_nothing_is_left(lab):
    script = """
        mkdir -p "$0"; mount -t tmpfs -o mode=700,nr_inodes=$1 full "$0"; shift
        "$@"; echo "code $?"; ls "$0"
    """
    codes = set()
    for inodes in range(1, 9):
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, lab.root, str(inodes), *command(lab.root),
                               "run", "--rm", "busybox", "true"],
                              capture_output=True, text=True, timeout=TIMEOUT_S)  # fmt: skip
        code, *left = done.stdout.splitlines()
        assert left == [] and "Traceback" not in done.stderr, (inodes, done)
        codes.add(code)
    assert codes == {"code 0", "code 1"}


def test_a_root_that_is_no_directory_or_cannot_be_made(lab, tmp_path):
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file/below", "/proc/no"):
        done = subprocess.run([LABCORE, "--root", root, "run", "busybox", "true"], capture_output=True, text=True,
                              timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)  # fmt: skip
        assert done.returncode == 1
        refused(done, "--root")


def test_no_root_and_no_user_namespaces_is_told_with_a_hint(lab, tmp_path):
    """Really so: a user namespace in which the limit is 0, and in it an ordinary user."""
    home = pathlib.Path("/run") / f"adversary-{os.getpid()}"
    home.mkdir()
    os.chown(home, 1000, 1000)
    script = ('echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --reuid 1000 --regid 1000 --clear-groups '
              'env -i PATH="$PATH" HOME="$0" XDG_RUNTIME_DIR="$0" "$@"')  # fmt: skip
    try:
        with subprocess.Popen(["unshare", "-U", "cat"], stdin=subprocess.PIPE) as holder:
            own = os.readlink("/proc/self/ns/user")
            while os.readlink(f"/proc/{holder.pid}/ns/user") == own:
                os.sched_yield()
            for kind in ("uid", "gid"):
                pathlib.Path(f"/proc/{holder.pid}/{kind}_map").write_text("0 0 65536\n")
            done = subprocess.run(["nsenter", "-U", "-t", str(holder.pid), "--setuid", "0", "--setgid", "0", "sh", "-c",
                                   script, home, LABCORE, "run", "--rm", "busybox", "true"],
                                  capture_output=True, text=True, timeout=TIMEOUT_S)  # fmt: skip
            holder.stdin.close()
        assert done.returncode == 1, done
        refused(done, "user namespace", "hint")
        assert list((home / "labcore").iterdir()) == []
    finally:
        subprocess.run(["rm", "-r", home], check=True)
