"""What an image, a volume or a program inside may try against the host: each line is a lesson some runtime paid for."""

import hashlib
import os
import pathlib
import shutil
import stat
import subprocess
import sys

import pytest

from labcore import syscalls
from tests.oci.box import LABCORE, RUNTIME, SILENT, TIMEOUT_S, wait_until_gone

USUAL = ("CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT "
         "KILL").split()  # fmt: skip


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


# -- the interpreter ---------------------------------------------------------------------------------------------------


@pytest.fixture
def own_python(tmp_path, lab):
    """labcore on an interpreter of its own: the machine's is busy (ETXTBSY) and cannot show that it is safe."""
    python = tmp_path / "python3"
    shutil.copy(os.path.realpath(shutil.which("python3", path="/usr/bin")), python)
    script = tmp_path / "labcore"
    script.write_text(pathlib.Path(LABCORE).read_text().replace(
        pathlib.Path(LABCORE).read_text().splitlines()[0], f"#!{python} -ISBXutf8"))  # fmt: skip
    script.chmod(0o755)
    before = digest(python)
    yield [script, "--root", str(lab.root)]
    lab.clean()
    assert digest(python) == before
    assert digest(LABCORE)


# A program that takes hold of every interpreter it can see, and writes as soon as nobody runs it.
THIEF = """
found=
for n in $(seq 1 4000); do
  for p in /proc/[0-9]*; do
    case $(readlink $p/exe) in *python3*) exec 9< $p/exe && found=yes && break 2 ;; esac
  done 2>/dev/null
  [ -e /s/stop ] && break
done
echo ${found:-nothing} > /s/found
[ -n "$found" ] && for n in $(seq 1 300); do
  (echo overwritten > /proc/self/fd/9) 2>/dev/null && break; usleep 5000
done
"""


def test_an_entry_point_that_is_proc_self_exe_cannot_reach_the_interpreter(lab, bundle, own_python):
    made = bundle("/evil", copy=True)
    (made.rootfs / "evil").write_text("#!/proc/self/exe\n")
    (made.rootfs / "evil").chmod(0o755)
    (made.rootfs / "thief").write_text("#!/bin/sh\nexec 9</proc/self/exe; echo x > /proc/self/fd/9\n")
    made.config["linux"]["cgroupsPath"] = f"/labcore.{lab.id()}"
    done = subprocess.run([*own_python, "run", "--bundle", made.write(), lab.id()], capture_output=True, text=True,
                          timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)  # fmt: skip
    assert done.returncode in (126, 127) and "Traceback" not in done.stderr, done


# CAP_SYS_PTRACE over the host's own processes is left out: who asks for that has asked for the host
@pytest.mark.parametrize("caps, pid_namespace", [([], True), (["SYS_PTRACE"], True), ([], False)],
                         ids=["usual", "CAP_SYS_PTRACE", "hosts-pids"])  # fmt: skip
def test_a_thief_inside_cannot_write_the_interpreter_of_those_who_enter(lab, bundle, own_python, tmp_path, caps,
                                                                       pid_namespace):  # fmt: skip
    made, shared = bundle("sh", "-c", THIEF), tmp_path / "shared"
    shared.mkdir()
    names = [f"CAP_{c}" for c in USUAL + caps]
    config = made.config
    config["process"]["capabilities"] = {k: names for k in ("bounding", "effective", "permitted")}
    config["mounts"].append({"destination": "/s", "type": "bind", "source": str(shared), "options": ["bind"]})
    config["linux"]["cgroupsPath"] = f"/labcore.{lab.id()}"
    if not pid_namespace:
        config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "pid"]
    container = lab.id()
    for words in (["create", "--bundle", made.write(), container], ["start", container]):
        subprocess.run([*own_python, *words], check=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    pid = lab.state(container)["pid"]
    for _ in range(15):
        subprocess.run([*own_python, "exec", container, "true"], timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)
    (shared / "stop").touch()
    wait_until_gone(pid)
    if not caps:
        assert (shared / "found").read_text() == "nothing\n"


# -- traps in the image ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["true"], ["/no/such"], ["true", "-u", "no-such-user"], ["true", "-w", "/no"]])
def test_planted_modules_and_fifos_are_never_run_or_opened(lab, bundle, tmp_path, words):
    made = bundle(copy=True)
    library = pathlib.Path(os.__file__).parent
    for place in ("", "usr/lib", str(library)[1:], str(library.parent)[1:]):
        (made.rootfs / place).mkdir(parents=True, exist_ok=True)
    trap = "import os\nopen('/sprung', 'w').close()\n"
    for name in ("sitecustomize.py", "usercustomize.py", "warnings.py", "os.py", "errno.py", "linecache.py",
                 "_socket.py", "traceback.py", "codecs.py", "json.py", "resource.py"):  # fmt: skip
        for place in ("", str(library)[1:]):
            (made.rootfs / place / name).write_text(trap)
    for name in ("encodings", "json", "ctypes"):
        for place in ("", str(library)[1:]):
            (made.rootfs / place / name).mkdir(exist_ok=True)
            (made.rootfs / place / name / "__init__.py").write_text(trap)
            for module in ("utf_8.py", "ascii.py", "idna.py", "latin_1.py", "decoder.py", "util.py"):
                os.mkfifo(made.rootfs / place / name / module)
    sources = pathlib.Path(LABCORE).parents[2] / "labcore"
    for source in sources.glob("*.py"):
        target = made.rootfs / str(source)[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(target)
    for name in ("etc/passwd", "etc/group", "etc/nsswitch.conf", "etc/localtime"):
        (made.rootfs / name).unlink(missing_ok=True)
        os.mkfifo(made.rootfs / name)
    code = 0 if words == ["true"] else None
    program, *options = words
    done = lab("run", *options, "--name", "a", f"{made.rootfs}/", program, code=code)
    assert (done.returncode == 0) == (words == ["true"])
    assert not (made.rootfs / "sprung").exists()
    lab("delete", "--force", "a")


def test_a_learners_error_after_the_root_has_changed_reads_no_file(lab, tmp_path):
    (tmp_path / "process.find_program.py").write_text("def find_program(**_):\n    raise KeyError('é')\n")
    done = lab("run", "--mine", tmp_path, "busybox", "true", code=1)
    assert "process.find_program" in done.stderr and "line 2" in done.stderr


def test_a_learners_import_inside_is_refused_and_runs_nothing_of_the_image(lab, bundle, tmp_path):
    made = bundle(copy=True)
    (made.rootfs / "trap_of_mine.py").write_text("open('/sprung', 'w')\n")
    (tmp_path / "process.find_program.py").write_text("def find_program(**_):\n    import trap_of_mine\n")
    done = lab("run", "--mine", tmp_path, f"{made.rootfs}/", "true", code=1)
    assert "trap_of_mine" in done.stderr and not (made.rootfs / "sprung").exists()


# -- what the program inherits -----------------------------------------------------------------------------------------

LEAKING = ("sh", "-c", 'exec "$0" "$@" 3</ 4</ 5</etc/passwd 6</proc 7</dev/null 8</ 9</')


@pytest.mark.oci
def test_no_descriptor_of_the_caller_reaches_the_program(run, lab, running):
    done = run("ls /proc/self/fd", through=LEAKING)
    assert set(done.stdout.split()) <= {"0", "1", "2", "3"}  # 3: the directory that ls reads
    container = running()
    assert set(lab.out("exec", container, "ls", "/proc/self/fd", through=LEAKING).split()) <= {"0", "1", "2", "3"}


@pytest.mark.oci
@pytest.mark.parametrize("number", range(3, 21, 3 if RUNTIME != "labcore" else 1))
def test_a_working_directory_that_is_a_descriptor_is_refused(run, number):
    done = run("pwd; ls /../../home", lambda c: c["process"].update(cwd=f"/proc/self/fd/{number}"), code=None,
               through=LEAKING)  # fmt: skip
    assert done.returncode != 0 and done.stdout == ""


def test_exec_refuses_a_working_directory_behind_a_link_to_a_descriptor(lab):
    lab("run", "-d", "--name", "a", "busybox", "sh", "-c", "for n in $(seq 3 20); do ln -s /proc/self/fd/$n /l$n; done;"
        "exec sleep 1000", **SILENT)  # fmt: skip
    lab("exec", "a", "sh", "-c", "until [ -L /l20 ]; do :; done")
    for number in range(3, 21):
        done = lab("exec", "--cwd", f"/l{number}", "a", "pwd", code=1, through=LEAKING)
        assert done.stdout == "" and "process.cwd" in done.stderr


STATUS = "grep -E '^(Cap|NoNewPrivs|Seccomp:|Sig|Shd)' /proc/self/status"


@pytest.mark.oci
def test_capabilities_are_what_was_asked_for_and_nothing_is_inheritable(run, lab, running):
    script = f"{STATUS}; true"
    first = run(script).stdout
    assert "CapInh:\t0000000000000000" in first and "CapAmb:\t0000000000000000" in first
    assert "CapEff:\t00000000a00425fb" in first or "CapEff:\t00000000a80425fb" in first
    assert "NoNewPrivs:\t1" in first
    container = running()
    second = lab.out("exec", container, "sh", "-c", script)
    assert [x for x in second.splitlines() if x[:3] == "Cap"] == [x for x in first.splitlines() if x[:3] == "Cap"]


def test_an_ordinary_user_has_no_capabilities(lab):
    text = lab.out("run", "--rm", "-u", "1000", "busybox", "sh", "-c", STATUS)
    assert "CapEff:\t0000000000000000" in text and "CapPrm:\t0000000000000000" in text


SIGNALS = ("python3", "-c", "import os, signal, sys\nfor n in set(signal.valid_signals()) - {9, 19}: "
           "signal.signal(n, signal.SIG_IGN)\n"
           "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
           "os.execvp(sys.argv[1], sys.argv[1:])")  # fmt: skip


def test_no_signal_is_blocked_or_ignored_whatever_the_caller_does(lab):
    show = ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]
    clean = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
    assert lab.out("run", "--rm", "busybox", *show) == clean
    lab("run", "-d", "--name", "a", "busybox", "sleep", "1000", **SILENT)
    assert lab.out("exec", "a", *show) == clean
    # 32 and 33 are the C library's own: it lets nobody change or block them
    own = "SigBlk:\t0000000000000000\nSigIgn:\t0000000180000000\n"
    assert lab.out("run", "--rm", "busybox", *show, through=SIGNALS) in (clean, own)
    assert lab.out("exec", "a", *show, through=SIGNALS) in (clean, own)


def test_the_session_and_the_keyring_are_its_own(lab):
    assert "self" not in lab("run", "--rm", "busybox", "cat", "/proc/keys", code=None).stdout  # masked
    out = lab.out("run", "--rm", "busybox", "sh", "-c", "cut -d' ' -f6 /proc/self/stat").split()
    assert out == ["1"]  # session 1: that of PID 1


@pytest.mark.oci
def test_resource_limits_are_set(run):
    limit = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]
    assert run("ulimit -Sn; ulimit -Hn", lambda c: c["process"].update(rlimits=limit)).stdout.split() == ["100", "200"]


# -- links in the image ------------------------------------------------------------------------------------------------


@pytest.mark.oci
@pytest.mark.parametrize("name", ["proc", "sys"])
def test_an_image_whose_proc_or_sys_is_a_link_is_refused(run, tmp_path, name):
    outside = tmp_path / "outside"
    outside.mkdir()

    def before(rootfs):
        os.rmdir(rootfs / name)
        os.symlink(f"/tmp/{name}", rootfs / name)
        os.mkdir(rootfs / "tmp" / name)

    done = run("echo ran", copy=True, before=before, code=None)
    assert done.returncode != 0 and "ran" not in done.stdout


def test_an_image_whose_dev_is_a_link_populates_nothing_outside(run, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()

    def before(rootfs):
        os.rmdir(rootfs / "dev")
        os.symlink(str(outside), rootfs / "dev")

    def edit(config):
        config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith("/dev")]

    run("echo ran", edit, copy=True, before=before, code=None)
    run("echo ran", copy=True, before=before, code=None)
    assert list(outside.iterdir()) == []


@pytest.mark.oci
@pytest.mark.parametrize("dev_mounted", [True, False])
def test_a_dev_null_that_is_a_link_to_a_host_file_touches_nothing(run, tmp_path, dev_mounted):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    victim.chmod(0o640)

    def before(rootfs):
        for name in ("null", "zero", "console", "tty"):
            os.symlink(victim, rootfs / "dev" / name)

    def edit(config):
        config["process"]["user"] = {"uid": 1000, "gid": 1000}
        if not dev_mounted:
            config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith("/dev")]

    run("echo x > /dev/null", edit, copy=True, before=before, code=None)
    found = victim.stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode), victim.read_text()) == (0, 0o640, "mine")


def test_masked_paths_stay_masked_when_the_images_dev_null_is_a_link(run):
    def before(rootfs):
        os.symlink("/proc/sys/kernel/core_pattern", rootfs / "dev/null")

    def edit(config):
        config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith("/dev")]

    done = run("head -c1 /proc/kcore | wc -c; stat -c %t:%T /proc/kcore", edit, copy=True, before=before, code=None)
    assert done.returncode != 0 or done.stdout.split() == ["0", "1:3"]


@pytest.mark.parametrize("link", ["dev/console", "dev/pts"])
def test_a_terminal_never_follows_a_link_of_the_image(lab, bundle, tmp_path, link):
    import socket

    victim = tmp_path / "victim"
    victim.write_text("mine")
    made = bundle("tty", copy=True)
    made.config["mounts"] = [m for m in made.config["mounts"] if m["destination"] not in ("/dev", "/dev/pts")]
    made.config["process"]["terminal"] = True
    made.config["linux"]["cgroupsPath"] = f"/labcore.{lab.id()}"
    os.symlink(victim if link == "dev/console" else "/dev/pts", made.rootfs / link)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "console"))
        door.listen()
        done = lab("create", "--bundle", made.write(), "--console-socket", tmp_path / "console", lab.id(), code=1)
    assert "process.terminal" in done.stderr or "dev" in done.stderr
    assert victim.read_text() == "mine"


@pytest.mark.oci
@pytest.mark.parametrize("destination", ["/l", "/l/below", "/etc/../../../../l", "/deep/er/l"])
def test_a_mount_destination_behind_a_link_stays_inside(run, tmp_path, destination):
    outside, source = tmp_path / "outside", tmp_path / "source"
    outside.mkdir()
    source.mkdir()

    def before(rootfs):
        os.symlink(str(outside), rootfs / "l")
        os.symlink("../../../../../../../../.." + str(outside), rootfs / "deep")

    def edit(config):
        mount = {"destination": destination, "type": "bind", "source": str(source), "options": ["bind"]}
        config["mounts"].append(mount)

    run("true", edit, copy=True, before=before, code=None)
    assert list(outside.iterdir()) == []
    assert str(outside) not in pathlib.Path("/proc/self/mountinfo").read_text()


def test_a_destination_that_is_swapped_all_the_time_never_leads_outside(lab, bundle, tmp_path):
    made = bundle("sh", "-c", "grep -c ' /s/' /proc/self/mountinfo", copy=True)
    shared, outside, source = tmp_path / "shared", tmp_path / "outside", tmp_path / "source"
    for path in (shared, outside, source, shared / "a"):
        path.mkdir()
    os.symlink(f"../../../../../../../../..{outside}", shared / "b")
    config = made.config
    for destination, where in (("/s", shared), ("/s/a/x", source)):
        config["mounts"].append({"destination": destination, "type": "bind", "source": str(where), "options": ["bind"]})
    config["linux"]["cgroupsPath"] = f"/labcore.{lab.id()}"
    swap = ("import os, sys\nos.chdir(sys.argv[1])\nwhile True:\n os.rename('a', 'c'); os.rename('b', 'a')\n"
            " os.rename('a', 'b'); os.rename('c', 'a')\n")  # fmt: skip
    swapping = subprocess.Popen(["/usr/bin/python3", "-c", swap, shared])
    try:
        made.write()
        for _ in range(25):
            lab("run", "--bundle", made.path, lab.id(), code=None)
            for container in lab.ids():
                lab("delete", "--force", container, code=None)
            assert list(outside.iterdir()) == []
    finally:
        swapping.kill()
        swapping.wait()


# -- what is covered ---------------------------------------------------------------------------------------------------


@pytest.mark.oci
def test_masked_paths_read_empty_and_read_only_paths_take_no_write(run):
    text = run("for p in kcore keys timer_list interrupts; do [ -e /proc/$p ] && head -c1 /proc/$p | wc -c; done; "
               " ls /sys/firmware | wc -l; echo x > /proc/sys/kernel/core_pattern; echo $?; "
               "echo b > /proc/sysrq-trigger; echo $?").stdout.split()  # fmt: skip
    assert set(text[:-2]) == {"0"} and "0" not in text[-2:]


@pytest.mark.oci
def test_a_mask_cannot_be_taken_away_from_inside(run):
    done = run("umount /proc/kcore; mount -o remount,rw /proc/sys; umount /proc/sys; head -c1 /proc/kcore | wc -c")
    assert done.stdout.split()[-1] == "0"


@pytest.mark.oci
@pytest.mark.skipif(RUNTIME == "crun", reason="crun 1.8 gives the host's /dev/null away, and the host would keep it so")
def test_dev_null_of_the_host_keeps_its_owner_when_it_is_stdio(run, lab, running):
    before = os.stat("/dev/null")
    null = {"capture_output": False, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    run("true", lambda c: c["process"].update(user={"uid": 1000, "gid": 1000}), **null)
    lab("exec", "--user" if RUNTIME != "labcore" else "-u", "1000:1000", running(), "true", **null)
    after = os.stat("/dev/null")
    assert (before.st_uid, before.st_gid, before.st_mode) == (after.st_uid, after.st_gid, after.st_mode)


@pytest.mark.parametrize("path", ["../escape", "/labcore/../../escape", "a/../../b", ".."])
def test_a_cgroup_path_with_dots_is_refused(lab, bundle, path):
    made = bundle("true")
    made.config["linux"]["cgroupsPath"] = path
    assert "cgroupsPath" in lab("create", "--bundle", made.write(), lab.id(), code=1).stderr


def test_a_foreign_cgroup_is_neither_killed_nor_removed(lab, bundle):
    foreign = pathlib.Path("/sys/fs/cgroup/pids/labcore.adversary")
    if not pathlib.Path("/sys/fs/cgroup/pids").is_dir():
        pytest.skip("needs cgroup version 1")
    foreign.mkdir()
    sleeper = subprocess.Popen(["sleep", "1000"])
    (foreign / "cgroup.procs").write_text(str(sleeper.pid))
    try:
        made = bundle("true")
        made.config["linux"]["cgroupsPath"] = "/labcore.adversary"
        container = lab.id()
        lab("create", "--bundle", made.write(), container, code=None, **SILENT)
        lab("delete", "--force", container)
        assert sleeper.poll() is None and foreign.is_dir()
    finally:
        sleeper.kill()
        sleeper.wait()
        for _ in range(100):
            try:
                foreign.rmdir()
                break
            except OSError:
                os.sched_yield()


@pytest.mark.oci
def test_a_setuid_program_gains_nothing_with_no_new_privileges(run):
    def before(rootfs):
        shutil.copy(rootfs / "bin/busybox", rootfs / "bin/suid")
        (rootfs / "bin/suid").chmod(0o4755)
        (rootfs / "bin/id").unlink()
        (rootfs / "bin/suid").rename(rootfs / "bin/id")

    def edit(config):
        config["process"]["user"] = {"uid": 1000, "gid": 1000}
        config["process"]["args"] = ["/bin/id", "-u"]

    assert run("", edit, copy=True, before=before).stdout == "1000\n"


@pytest.mark.skipif(not os.path.isdir("/sys/fs/cgroup/devices"), reason="needs the devices cgroup of version 1")
def test_root_inside_cannot_open_a_disk_that_it_makes_itself(lab):
    script = "mknod /d b {0} {1} && head -c1 /d; mknod /m c 1 1 && head -c1 /m; mknod /n c 1 3 && >/n && echo fine"
    disk = next((os.stat(f"/dev/{n}").st_rdev for n in os.listdir("/sys/block") if os.path.exists(f"/dev/{n}")), 0)
    done = lab("run", "--rm", "busybox", "sh", "-c", script.format(os.major(disk), os.minor(disk)), code=None)
    assert done.stderr.count("Operation not permitted") == 2 and done.stdout == "fine\n"


def test_no_new_device_works_on_a_volume(lab, tmp_path):
    os.mknod(tmp_path / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    done = lab("run", "--rm", "-v", f"{tmp_path}:/v", "busybox", "sh", "-c", "echo x > /v/null", code=1)
    assert "ermission denied" in done.stderr


# -- states that are odd -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(not os.path.isdir("/sys/fs/cgroup/freezer"), reason="needs the freezer of cgroup version 1")
def test_a_frozen_container_can_be_deleted_by_force(lab, running):
    container = running("sh", "-c", "sleep 1000 & wait")
    pid = lab.state(container)["pid"]
    pathlib.Path(f"/sys/fs/cgroup/freezer/labcore.{container}/freezer.state").write_text("FROZEN")
    lab("delete", "--force", container)
    wait_until_gone(pid)


def test_a_pid_that_now_belongs_to_another_is_never_killed(lab, running):
    import json

    container = running()
    lab("kill", container, "KILL")
    sleeper = subprocess.Popen(["sleep", "1000"])
    try:
        (lab.root / container / "init").write_text(json.dumps({"pid": sleeper.pid, "pidStart": 1}))
        assert lab.state(container)["status"] == "stopped"
        lab("kill", container, "KILL", code=1)
        lab("delete", "--force", container)
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_children_of_a_dead_init_without_a_pid_namespace_go_with_the_container(lab, running, tmp_path):
    def edit(config):
        config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "pid"]
        config["mounts"].append({"destination": "/s", "type": "bind", "source": str(tmp_path), "options": ["bind"]})

    os.mkfifo(tmp_path / "fifo")
    container = running("sh", "-c", "sleep 1000 & echo $! > /s/fifo", edit=edit)
    child = int((tmp_path / "fifo").read_text())
    lab("delete", "--force", container)
    wait_until_gone(child)


def test_a_state_directory_that_others_may_write_to_is_refused(lab, tmp_path):
    lab.root.mkdir()
    lab.root.chmod(0o777)
    assert "only you" in lab("run", "busybox", "true", code=1).stderr
    lab.root.chmod(0o700)
    (tmp_path / "link").symlink_to(lab.root)
    done = subprocess.run([LABCORE, "--root", tmp_path / "link", "run", "--rm", "busybox", "true"], capture_output=True,
                          text=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)  # fmt: skip
    assert done.returncode == 1 and "only you" in done.stderr


def test_signals_that_libc_keeps_for_itself_are_clean_too(lab):
    # 32 and 33: sigaction(3) refuses them, so a caller's "ignored" would be handed on for ever
    number, ignore = syscalls._NR["rt_sigaction"], (1).to_bytes(8, sys.byteorder) + bytes(24)
    code = ("import ctypes, os, sys\nfor n in (32, 33):\n"
            f"    assert ctypes.CDLL(None).syscall({number}, n, {ignore!r}, None, 8) == 0\n"
            "os.execv(sys.argv[1], sys.argv[1:])\n")  # fmt: skip
    through = [sys.executable, "-c", code]
    text = lab.out("run", "--rm", "busybox", "grep", "SigIgn", "/proc/self/status", through=through)
    assert text == "SigIgn:\t0000000000000000\n"
