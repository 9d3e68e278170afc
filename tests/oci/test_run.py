"""`labcore run`, exec, ps, kill and rm as a person types them."""

import json
import os
import pathlib
import select
import signal
import subprocess

import pytest

from tests.oci.box import SILENT, TIMEOUT_S, command, wait_until_gone


@pytest.fixture
def web(lab):
    """A container that runs in the background."""
    lab("run", "-d", "--name", "web", "busybox", "sleep", "1000", **SILENT)
    return "web"


def pid_of(lab, name):
    return next(c["pid"] for c in json.loads(lab.out("ps", "-a", "--format", "json")) if c["id"] == name)


def exit_of(lab, name):
    """How a detached container ended: its monitor writes that down after init is gone."""
    file = lab.root / name / "exit"
    fd = os.open(file.parent, os.O_RDONLY)
    os.close(fd)
    for _ in range(1000):
        if file.exists():
            return int(file.read_text())
        select.select([], [], [], 0.005)  # a rename by somebody else's process: inotify is not in the standard library
    raise AssertionError("no exit status was written")


# -- what comes out ----------------------------------------------------------------------------------------------------


def test_run_prints_what_the_program_prints(lab):
    assert lab.out("run", "--rm", "busybox", "echo", "hi") == "hi\n"


@pytest.mark.parametrize("words, code", [
    (["sh", "-c", "exit 3"], 3), (["/no/such"], 127), (["no-such"], 127), (["/etc/passwd"], 126), (["/etc"], 126),
    (["sh", "-c", "exit 255"], 255),
])  # fmt: skip
def test_the_exit_code_is_the_programs_or_says_why_there_was_none(lab, words, code):
    lab("run", "--rm", "busybox", *words, code=code)


@pytest.mark.parametrize("words", [
    [], ["frob"], ["run"], ["run", "--frob", "busybox"], ["run", "--memory"], ["exec"], ["exec", "x"], ["rm"],
    ["kill"], ["run", "--rm=yes", "busybox"], ["start"], ["create", "--frob"], ["kill", "a", "NOSUCH"],
    ["kill", "a", "0"], ["kill", "a", "65"], ["kill", "a", "-1"], ["run", "--preserve-fds", "x", "busybox"],
    ["run", "--preserve-fds", "-1", "busybox"], ["run", "--preserve-fds", "300", "busybox"],
])  # fmt: skip
def test_words_that_make_no_sense_are_a_usage_error(lab, words):
    done = lab(*words, code=2)
    assert done.stderr.startswith("labcore: ") or done.stdout.startswith("usage: ")


@pytest.mark.parametrize("verb", ["run", "exec", "ps", "kill", "rm", "plan", "doctor", "reset", "create", "start",
                                  "state", "delete", "list"])  # fmt: skip
def test_every_verb_has_help(lab, verb):
    assert lab.out(verb, "--help").startswith("usage: labcore ")


def test_input_reaches_the_program_only_when_asked_for(lab):
    assert lab.out("run", "--rm", "-i", "busybox", "cat", stdin=None, input="text") == "text"
    assert lab.out("run", "--rm", "busybox", "cat", stdin=None, input="text") == ""


def test_output_into_a_closed_pipe_ends_the_program_quietly(lab):
    done = subprocess.run(["sh", "-c", '"$@" | head -n 1', "sh", *command(lab.root), "run", "--rm", "busybox",
                           "sh", "-c", "yes; true"],
                          capture_output=True, text=True, timeout=TIMEOUT_S)  # fmt: skip
    assert (done.stdout, done.stderr) == ("y\n", "")


# -- options -----------------------------------------------------------------------------------------------------------


def test_hostname_and_name(lab):
    assert lab.out("run", "--rm", "--hostname", "shop", "busybox", "hostname") == "shop\n"
    assert lab.out("run", "--rm", "--name", "bob", "busybox", "hostname") == "bob\n"


def test_env_is_set_passed_on_or_left_out(lab):
    environment = os.environ | {"PASSED": "on"}
    text = lab.out("run", "--rm", "-e", "A=1", "-e", "B=", "-e", "PASSED", "-e", "MISSING_HERE", "busybox", "env",
                   env=environment).splitlines()  # fmt: skip
    assert {"A=1", "B=", "PASSED=on"} <= set(text)
    assert not [line for line in text if line.startswith("MISSING_HERE")]


def test_nothing_of_the_callers_environment_leaks_in(lab):
    text = lab.out("run", "--rm", "busybox", "env", env=os.environ | {"SECRET_OF_MINE": "x", "LD_PRELOAD_X": "y"})
    assert {line.partition("=")[0] for line in text.splitlines()} <= {"PATH", "HOME", "HOSTNAME", "TERM"}


def test_workdir(lab):
    assert lab.out("run", "--rm", "-w", "/etc", "busybox", "pwd") == "/etc\n"


@pytest.mark.parametrize("user, shown", [
    ("user", "uid=1000(user) gid=1000(user)"), ("1000", "uid=1000(user) gid=1000(user)"),
    ("1000:5", "uid=1000(user) gid=5"), ("0", "uid=0(root) gid=0(root)"), ("77:nogroup", "uid=77 gid=65534(nogroup)"),
    ("4294967294", "uid=4294967294 gid=0(root)"), ("user:root", "uid=1000(user) gid=0(root)"),
])  # fmt: skip
def test_a_user_by_name_or_number_is_that_user(lab, user, shown):
    assert lab.out("run", "--rm", "-u", user, "busybox", "id").startswith(shown)


@pytest.mark.parametrize("user", ["", ":5", "1000abc", "-1", "4294967295", "4294967296", "99999999999999999999999",
                                  "nobody-there", "1000:", "1000:-1", "1000:abc", " 1000", "1000 ", "0x10", "+5",
                                  "١", "1_000", "root:4294967296", "root\n", "a:b:c"])  # fmt: skip
def test_an_odd_user_is_refused_and_never_becomes_another(lab, user, web):
    for words in (["run", "--rm", "-u", user, "busybox", "id"], ["exec", "-u", user, web, "id"]):
        done = lab(*words, code=1)
        assert "process.user" in done.stderr and done.stdout == ""


def test_a_volume_shows_the_hosts_files(lab, tmp_path):
    (tmp_path / "f").write_text("outside")
    assert lab.out("run", "--rm", "-v", f"{tmp_path}:/data", "busybox", "sh", "-c",
                   "cat /data/f; echo inside > /data/g") == "outside"  # fmt: skip
    assert (tmp_path / "g").read_text() == "inside\n"


def test_a_read_only_volume_takes_no_writes(lab, tmp_path):
    done = lab("run", "--rm", "-v", f"{tmp_path}:/data:ro", "busybox", "touch", "/data/g", code=1)
    assert "Read-only" in done.stderr and not (tmp_path / "g").exists()


def test_a_read_only_volume_is_read_only_all_the_way_down(lab, tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    # a mount below the source, in a mount namespace of its own
    script = 'mount -t tmpfs t "$0/a/b" && exec "$@"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, tmp_path, *command(lab.root), "run", "--rm", "-v",
                           f"{tmp_path}:/data:ro", "busybox", "touch", "/data/a/b/x"],
                          capture_output=True, text=True, timeout=TIMEOUT_S)  # fmt: skip
    assert "Read-only" in done.stderr


def test_a_single_file_can_be_a_volume(lab, tmp_path):
    (tmp_path / "f").write_text("outside")
    assert lab.out("run", "--rm", "-v", f"{tmp_path}/f:/etc/motd", "busybox", "cat", "/etc/motd") == "outside"


def test_read_only_root(lab):
    assert "Read-only" in lab("run", "--rm", "--read-only", "busybox", "touch", "/x", code=1).stderr


def test_what_one_container_writes_the_next_does_not_see(lab):
    lab("run", "--rm", "busybox", "touch", "/mine")
    lab("run", "--rm", "busybox", "test", "-e", "/mine", code=1)


def test_a_directory_is_an_image(lab, busybox):
    assert lab.out("run", "--rm", f"{busybox}/", "cat", "/etc/hostname") == "busybox\n"


# -- limits ------------------------------------------------------------------------------------------------------------


def test_too_much_memory_is_a_kill(lab):
    lab("run", "--rm", "--memory", "20m", "busybox", "tail", "-c", "90m", "/dev/zero", code=137)


def test_pids_limit(lab):
    done = lab("run", "--rm", "--pids-limit", "5", "busybox", "sh", "-c",
               "for i in 1 2 3 4 5 6 7 8; do sleep 0 & done; wait; cat /sys/fs/cgroup/pids/pids.max 2>/dev/null "
               "|| cat /sys/fs/cgroup/pids.max", code=None)  # fmt: skip
    assert "fork" in done.stderr


def test_cpus_is_a_quota(lab):
    text = lab.out("run", "--rm", "--cpus", "0.5", "busybox", "sh", "-c",
                   "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cat /sys/fs/cgroup/cpu.max")  # fmt: skip
    assert text.split()[0] == "50000"


def test_limits_hold_from_the_first_moment(lab):
    lab("run", "-d", "--name", "a", "--memory", "32m", "--pids-limit", "7", "busybox", "sleep", "1000", **SILENT)
    assert "labcore" in pathlib.Path(f"/proc/{pid_of(lab, 'a')}/cgroup").read_text()
    shown = lab.out("exec", "a", "sh", "-c", "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes pids/pids.max"
                    " 2>/dev/null || cat memory.max pids.max")  # fmt: skip
    assert shown.split() == [str(32 << 20), "7"]


# -- in the background -------------------------------------------------------------------------------------------------


def test_a_detached_run_prints_its_name_and_its_end_is_written_down(lab, tmp_path):
    os.mkfifo(tmp_path / "go")
    done = lab("run", "-d", "--name", "a", "-v", f"{tmp_path}:/s", "busybox", "sh", "-c", "cat /s/go; exit 5")
    assert done.stdout == "a\n"
    assert lab.out("ps").splitlines()[1].split()[:2] == ["a", "running"]
    (tmp_path / "go").write_text("")
    assert exit_of(lab, "a") == 5
    assert len(lab.out("ps").splitlines()) == 1
    assert "exited (5)" in lab.out("ps", "-a")
    lab("rm", "a")
    assert "a" not in lab.out("ps", "-a").split()


def test_a_detached_container_that_is_killed_ends_with_137(lab, web):
    lab("kill", web, "KILL")
    assert exit_of(lab, web) == 137


def test_a_detached_container_with_rm_goes_away_by_itself(lab, tmp_path):
    os.mkfifo(tmp_path / "go")
    lab("run", "-d", "--rm", "--name", "a", "-v", f"{tmp_path}:/s", "busybox", "cat", "/s/go", **SILENT)
    pid = pid_of(lab, "a")
    (tmp_path / "go").write_text("")
    wait_until_gone(pid)
    for _ in range(1000):
        if not lab.ids():
            break
        select.select([], [], [], 0.005)
    assert lab.ids() == []


def test_the_monitor_of_a_removed_container_leaves_the_next_of_that_name_alone(lab):
    for _ in range(5):
        lab("run", "-d", "--rm", "--name", "a", "busybox", "sleep", "1000", **SILENT)
        lab("rm", "--force", "a")
        lab("run", "-d", "--name", "a", "busybox", "sleep", "1000", **SILENT)
        lab("exec", "a", "sleep", "0.05")  # time for a belated `rm` of the first one
        assert lab.state("a")["status"] == "running" and not (lab.root / "a/exit").exists()
        lab("rm", "--force", "a")


def test_a_detached_run_that_fails_says_so_and_leaves_nothing(lab):
    done = lab("run", "-d", "busybox", "/no/such", code=127)
    assert "/no/such" in done.stderr and lab.ids() == []


def test_rm_refuses_what_runs_and_force_removes_it(lab, web):
    assert "running" in lab("rm", web, code=1).stderr
    lab("rm", "--force", web)
    lab("rm", "--force", web)
    lab("rm", web, code=1)


def test_a_name_is_free_again_after_rm(lab, web):
    lab("rm", "--force", web)
    lab("run", "--rm", "--name", web, "busybox", "true")


def test_a_taken_name_names_the_way_out(lab, web):
    done = lab("run", "--name", web, "busybox", "true", code=1)
    assert "exists already" in done.stderr and "hint: " in done.stderr
    assert lab.state(web)["status"] == "running"


def test_kill_all_reaches_every_process(lab):
    lab("run", "-d", "--name", "a", "busybox", "sh", "-c", "sleep 1000 & wait", **SILENT)
    lab("kill", "--all", "a", "KILL")
    assert exit_of(lab, "a") == 137


# -- exec --------------------------------------------------------------------------------------------------------------


def test_exec_is_inside(lab, web):
    inside = lab.out("exec", web, "sh", "-c", "for p in 1 self; do for n in uts ipc pid net mnt cgroup; do "
                     "readlink /proc/$p/ns/$n; done; done").splitlines()  # fmt: skip
    assert len(inside) == 12 and inside[:6] == inside[6:]
    assert lab.out("exec", web, "hostname") == "web\n"


def test_exec_is_in_the_cgroup_of_the_container(lab, web):
    assert {line.split(":")[2] for line in lab.out("exec", web, "cat", "/proc/self/cgroup").splitlines()} == {"/"}


def test_exec_as_another_user_elsewhere_with_other_variables(lab, web):
    text = lab.out("exec", "-u", "1000:5", "-w", "/etc", "-e", "A=1", web, "sh", "-c", "id -u; id -g; pwd; echo $A")
    assert text.split() == ["1000", "5", "/etc", "1"]


@pytest.mark.parametrize("words, code", [(["sh", "-c", "exit 9"], 9), (["/no/such"], 127), (["/etc/passwd"], 126),
                                         (["sh", "-c", "kill -TERM $$"], 143)])  # fmt: skip
def test_the_exit_code_of_exec(lab, web, words, code):
    lab("exec", web, *words, code=code)


def test_exec_needs_a_container_that_runs(lab):
    lab("exec", "nobody", "true", code=1)
    lab("run", "--name", "a", "busybox", "true")
    assert "stopped" in lab("exec", "a", "true", code=1).stderr


def test_exec_takes_a_process_as_a_file(lab, web, tmp_path):
    (tmp_path / "p").write_text(json.dumps({"args": ["sh", "-c", "id -u; pwd"], "cwd": "/etc", "env": ["PATH=/bin"],
                                            "user": {"uid": 7, "gid": 8}}))  # fmt: skip
    assert lab.out("exec", "--process", tmp_path / "p", web).split() == ["7", "/etc"]


def test_a_detached_exec_runs_on(lab, web, tmp_path):
    lab("exec", "-d", "--pid-file", tmp_path / "pid", web, "sleep", "1000", **SILENT)
    pid = int((tmp_path / "pid").read_text())
    assert pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x001000\0"


def test_exec_ends_with_its_caller(lab, web):
    reader, writer = os.pipe()
    caller = lab.start("exec", web, "sh", "-c", "echo here; exec sleep 1000", stdout=writer)
    os.close(writer)
    with open(reader) as pipe:
        assert pipe.readline() == "here\n"
        caller.send_signal(signal.SIGKILL)
        assert pipe.read() == ""  # end of file: nobody holds the other end any more


def test_run_ends_with_its_caller_and_delete_does_the_rest(lab):
    caller = lab.start("run", "--name", "a", "busybox", "sh", "-c", "echo here; exec sleep 1000")
    assert caller.stdout.readline() == "here\n"
    caller.send_signal(signal.SIGKILL)
    assert caller.stdout.read() == ""
    assert lab.state("a")["status"] == "stopped"
    lab("rm", "a")


# -- what is to be seen ------------------------------------------------------------------------------------------------


def test_explain_tells_every_step_and_plan_tells_the_same(lab):
    explained = lab("run", "--rm", "--explain", "busybox", "true").stderr.splitlines()
    planned = [line for line in lab.out("plan", "busybox", "true").splitlines() if not line.endswith(":")]
    assert [line.split()[3] for line in explained] == [line.split()[1] for line in planned]
    assert all(" — " in line or "proc(5)" in line for line in explained), explained


def test_plan_makes_nothing(lab):
    lab("plan", "--name", "a", "--memory", "64m", "busybox", "true")
    assert lab.ids() == []


def test_a_function_of_ones_own_takes_the_place_of_a_step(lab, tmp_path):
    (tmp_path / "uts.set_hostname.py").write_text("def set_hostname(name):\n    sethostname(name.upper())\n")
    assert lab.out("run", "--rm", "--mine", tmp_path, "--hostname", "box", "busybox", "hostname") == "BOX\n"
    (tmp_path / "uts.set_hostname.py").write_text("def set_hostname(name):\n    1 / 0\n")
    done = lab("run", "--rm", "--mine", tmp_path, "--hostname", "box", "busybox", "hostname", code=1)
    assert "uts.set_hostname" in done.stderr and "line 2" in done.stderr and lab.ids() == []
