"""A filter is in force, in run, in create and start, and in exec; a listener is asked; nothing starts without it."""

import ctypes
import fcntl
import json
import os
import pathlib
import signal
import socket
import threading

import pytest

from labcore import seccomp, syscalls
from tests.oci.box import RUNTIME, SILENT, TIMEOUT_S

SHOW = "grep -E '^(Seccomp|NoNewPrivs|CapEff):' /proc/self/status"
BUSYBOX = ("access arch_prctl brk close dup2 exit exit_group fcntl fstat newfstatat getcwd getpid getuid getppid "
           "geteuid getgid ioctl lseek mmap mprotect munmap open openat prctl prlimit64 read readlink readlinkat "
           "rt_sigaction rt_sigprocmask sendfile set_robust_list set_tid_address stat "
           "uname wait4 write getrandom rseq").split()  # fmt: skip


def profile(*rules, default="SCMP_ACT_ALLOW", **more):
    return {"defaultAction": default, "syscalls": list(rules)} | more


def deny(*names, action="SCMP_ACT_ERRNO", **more):
    return {"names": list(names), "action": action} | more


def filtered(value, **process):
    def edit(config):
        config["linux"]["seccomp"] = value
        config["process"].update(process)

    return edit


MKDIR = deny("mkdir", "mkdirat", errnoRet=18)  # EXDEV: nobody else would say that
TRY = "mkdir /tmp/x 2>&1; echo $?"
SAID = f"mkdir: can't create directory '/tmp/x': {os.strerror(18)}\n1\n"


# -- in force everywhere -----------------------------------------------------------------------------------------------


@pytest.mark.oci
@pytest.mark.parametrize("no_new_privileges", [True, False])
@pytest.mark.parametrize("uid", [0, 1000])
def test_a_forbidden_call_gets_its_errno(run, no_new_privileges, uid):
    edit = filtered(profile(MKDIR), noNewPrivileges=no_new_privileges, user={"uid": uid, "gid": uid})
    done = run(f"{TRY}; {SHOW}", edit, copy=True)
    assert done.stdout.startswith(SAID) and "Seccomp:\t2" in done.stdout
    assert f"NoNewPrivs:\t{int(no_new_privileges)}" in done.stdout


@pytest.mark.oci
@pytest.mark.parametrize("no_new_privileges", [True, False])
def test_capabilities_are_those_without_a_filter(run, no_new_privileges):
    show, process = "grep ^Cap /proc/self/status", {"noNewPrivileges": no_new_privileges}
    for uid in (0, 1000):
        process["user"] = {"uid": uid, "gid": uid}
        with_filter = run(show, filtered(profile(MKDIR), **process)).stdout
        assert with_filter == run(show, filtered(None, **process)).stdout != ""


@pytest.mark.oci
def test_exec_is_filtered_too(running, lab):
    container = running(edit=filtered(profile(MKDIR)))
    assert lab.out("exec", container, "sh", "-c", TRY) == SAID
    assert "Seccomp:\t2" in lab.out("exec", container, "sh", "-c", SHOW)
    pid = lab.state(container)["pid"]
    assert "Seccomp:\t2" in pathlib.Path(f"/proc/{pid}/status").read_text()


def test_exec_without_no_new_privileges_is_filtered_too(running, lab, tmp_path):
    container = running(edit=filtered(profile(MKDIR)))
    process = {"args": ["sh", "-c", f"{TRY}; {SHOW}"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 1000}}
    (tmp_path / "process.json").write_text(json.dumps(process))
    done = lab.out("exec", "--process", tmp_path / "process.json", container)
    assert done.startswith(SAID) and "NoNewPrivs:\t0" in done and "Seccomp:\t2" in done


@pytest.mark.oci
@pytest.mark.parametrize("action", ["SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"])
def test_a_call_may_kill(run, action):
    assert run("mkdir /tmp/x; echo $?", filtered(profile(deny("mkdir", "mkdirat", action=action)))).stdout == (
        f"{128 + signal.SIGSYS}\n")  # fmt: skip


@pytest.mark.oci
def test_arguments_are_compared(run):
    def mode(index):
        return [{"index": index, "op": "SCMP_CMP_MASKED_EQ", "value": 0o777, "valueTwo": 0o700}]

    edit = filtered(profile(deny("chmod", errnoRet=18, args=mode(1)), deny("fchmodat", errnoRet=18, args=mode(2))))
    done = run("touch /tmp/f; for m in 755 700 701; do chmod $m /tmp/f; echo $?; done", edit, copy=True)
    assert done.stdout.split() == ["0", "1", "0"]


@pytest.mark.oci
@pytest.mark.parametrize("architectures", [[], ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]])
def test_architectures(run, architectures):
    if os.uname().machine != "x86_64":
        architectures = []
    assert run(TRY, filtered(profile(MKDIR, architectures=architectures)), copy=True).stdout == SAID


# -- as little as possible ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("no_new_privileges", [True, False])
@pytest.mark.parametrize("default", ["SCMP_ACT_ERRNO", "SCMP_ACT_KILL_PROCESS"])
def test_a_program_starts_under_a_filter_that_allows_nothing_but_itself(run, default, no_new_privileges):
    names = {*BUSYBOX, *seccomp.LAST} | (set() if no_new_privileges else {*seccomp.DROP})
    edit = filtered(profile(deny(*sorted(names), action="SCMP_ACT_ALLOW"), default=default),
                    noNewPrivileges=no_new_privileges)  # fmt: skip
    assert run("echo fine", edit).stdout == "fine\n"


@pytest.mark.parametrize("missing", ["execve", "execveat", "fcntl"])
def test_a_filter_under_which_nothing_could_start_is_refused_before_anything_is_made(lab, bundle, missing):
    made = bundle("true")
    names = [n for n in [*BUSYBOX, *seccomp.LAST] if n != missing]
    made.config["linux"]["seccomp"] = profile(deny(*names, action="SCMP_ACT_ALLOW"), default="SCMP_ACT_KILL")
    made.config["linux"]["cgroupsPath"] = f"/labcore.{lab.id()}"
    done = lab("create", "--bundle", made.write(), "a", code=1)
    assert f"linux.seccomp.syscalls: the filter lets no {missing} pass" in done.stderr and lab.ids() == []


def test_a_program_that_is_not_there_is_still_said_to_be_missing(lab, bundle):
    made = bundle("/no/such")
    names = sorted({*BUSYBOX, *seccomp.LAST})
    made.config["linux"]["seccomp"] = profile(deny(*names, action="SCMP_ACT_ALLOW"), default="SCMP_ACT_ERRNO")
    made.config["linux"]["cgroupsPath"] = f"/labcore.{lab.id()}"
    assert "/no/such" in lab("run", "--bundle", made.write(), "a", code=127).stderr


# -- the usual profile -------------------------------------------------------------------------------------------------


def test_run_is_filtered_by_default_and_exec_as_well(lab):
    lab("run", "-d", "--name", "a", "busybox", "sleep", "1000", **SILENT)
    assert "Seccomp:\t2" in lab.out("exec", "a", "sh", "-c", SHOW)
    assert "Seccomp:\t2" in lab.out("run", "--rm", "busybox", "sh", "-c", SHOW)
    assert "Seccomp:\t0" in lab.out("run", "--rm", "--security-opt", "seccomp=unconfined", "busybox", "sh", "-c", SHOW)


def test_the_usual_profile_refuses_new_namespaces(lab):
    words = ["busybox", "unshare", "-U", "true"]
    assert "Operation not permitted" in lab("run", "--rm", *words, code=1).stderr
    lab("run", "--rm", "--security-opt", "seccomp=unconfined", *words)


def test_a_profile_of_ones_own(lab, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps(profile(MKDIR)))
    option = ["--security-opt", f"seccomp={tmp_path / 'mine.json'}"]
    assert lab.out("run", "--rm", *option, "busybox", "sh", "-c", TRY) == SAID
    (tmp_path / "mine.json").write_text(json.dumps(profile(deny("mkdir", action="NO"))))
    done = lab("run", "--rm", *option, "busybox", "true", code=1)
    assert "linux.seccomp.syscalls[0].action: unknown action 'NO'" in done.stderr and lab.ids() == []


BY_HAND = """
def install(program, flags):
    def op(code, yes, no, k):
        return code.to_bytes(2, "little") + bytes((yes, no)) + k.to_bytes(4, "little")
    load, compare, back = 0x20, 0x15, 0x06
    mine = op(load, 0, 0, 0) + op(compare, 0, 1, NUMBER) + op(back, 0, 0, 0x50012) + op(back, 0, 0, 0x7FFF0000)
    seccomp(SECCOMP_SET_MODE_FILTER, flags, mine)
"""


def test_a_learners_own_filter_takes_the_steps_place(lab, tmp_path):
    number = {"x86_64": 83, "aarch64": 34}[os.uname().machine]  # mkdir, mkdirat
    (tmp_path / "seccomp.install.py").write_text(BY_HAND.replace("NUMBER", str(number)))
    done = lab.out("run", "--rm", "--mine", tmp_path, "busybox", "sh", "-c", f"{TRY}; unshare -U echo unshared; {SHOW}")
    assert done.startswith(SAID + "unshared\n") and "Seccomp:\t2" in done


# -- a listener --------------------------------------------------------------------------------------------------------

_RECV, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND
EDOM = 33


class Agent(threading.Thread):
    """Listens, takes one filter for each connection, and answers what it is asked with EDOM."""

    def __init__(self, path, connections=1):
        super().__init__(daemon=True)
        self.states, self.asked, self.connections = [], [], connections
        self.door = socket.socket(socket.AF_UNIX)
        self.door.bind(str(path))
        self.door.listen()
        self.door.settimeout(TIMEOUT_S)

    def run(self):
        for _ in range(self.connections):
            sock, _ = self.door.accept()
            with sock:
                data, fds, _, _ = socket.recv_fds(sock, 1 << 16, 4)
                while RUNTIME == "labcore" and (part := sock.recv(1 << 16)):  # others do not close it: runc, crun
                    data += part
            self.states.append((json.loads(data), len(fds)))
            self.answer(fds[0])

    def answer(self, fd):
        asked = bytearray(80)  # struct seccomp_notif: id, pid, flags, data
        try:
            fcntl.ioctl(fd, _RECV, asked)
            self.asked.append(int.from_bytes(asked[16:20], "little"))
            fcntl.ioctl(fd, _SEND, bytes(asked[:8]) + bytes(8) + (-EDOM).to_bytes(4, "little", signed=True) + bytes(4))
        finally:
            os.close(fd)


def notify(path, *names, **more):
    return profile(deny(*names, action="SCMP_ACT_NOTIFY"), listenerPath=str(path), **more)


@pytest.fixture
def agent(tmp_path):
    made = []

    def agent(**options):
        made.append(Agent(tmp_path / "agent", **options))
        made[-1].start()
        return made[-1]

    yield agent
    for one in made:
        one.join(TIMEOUT_S)
        one.door.close()
        assert not one.is_alive()


@pytest.mark.oci
@pytest.mark.parametrize("no_new_privileges", [True, False])
def test_a_listener_answers_for_the_kernel(run, agent, tmp_path, no_new_privileges):
    listening = agent()
    edit = filtered(notify(tmp_path / "agent", "mkdir", "mkdirat", listenerMetadata="hello"),
                    noNewPrivileges=no_new_privileges)  # fmt: skip
    done = run("mkdir /tmp/x 2>&1; echo $?", edit)
    assert done.stdout == f"mkdir: can't create directory '/tmp/x': {os.strerror(EDOM)}\n1\n"
    listening.join(TIMEOUT_S)
    (told, fds), = listening.states
    assert (fds, told["fds"], told["metadata"]) == (1, ["seccompFd"], "hello")
    assert told["pid"] == told["state"]["pid"] > 1 and told["state"]["id"] and told["state"]["bundle"]
    assert told["ociVersion"] and told["state"]["ociVersion"] and told["state"]["status"] == "creating"
    assert len(listening.asked) == 1


def test_start_and_exec_tell_the_listener_each_about_its_own_process(lab, bundle, agent, tmp_path):
    listening = agent(connections=2)
    made = bundle("sh", "-c", "mkdir /tmp/x; exec sleep 1000")
    made.config["linux"]["cgroupsPath"] = f"/labcore.{lab.id()}"
    made.config["linux"]["seccomp"] = notify(tmp_path / "agent", "mkdir", "mkdirat")
    lab("create", "--bundle", made.write(), "a", **SILENT)
    assert listening.states == []
    lab("start", "a")
    assert lab("exec", "a", "mkdir", "/tmp/x", code=1).stderr
    listening.join(TIMEOUT_S)
    (first, _), (second, _) = listening.states
    init = lab.state("a")["pid"]
    assert (first["state"]["status"], second["state"]["status"]) == ("creating", "running")
    assert first["pid"] == first["state"]["pid"] == second["state"]["pid"] == init != second["pid"]
    assert len(listening.asked) == 2


@pytest.mark.oci
def test_without_a_listener_nothing_starts(run, tmp_path):
    done = run("echo ran", filtered(notify(tmp_path / "nobody", "mkdir")), code=None)
    assert done.returncode != 0 and done.stdout == ""
    if RUNTIME == "labcore":
        assert f"linux.seccomp.listenerPath: {tmp_path}/nobody: No such file" in done.stderr


def test_calls_that_are_needed_to_reach_the_listener_cannot_wait_for_it(run, tmp_path):
    done = run("echo ran", filtered(notify(tmp_path / "agent", "sendmsg")), code=1)
    assert "the filter lets no sendmsg pass" in done.stderr


def test_a_listener_path_is_ignored_when_nothing_asks_it(run, tmp_path):  # so says the specification; crun 1.8 connects
    assert run(TRY, filtered(profile(MKDIR, listenerPath=str(tmp_path / "nobody"))), copy=True).stdout == SAID


# -- bad input and the cache -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value, said", [
    ({}, "linux.seccomp.defaultAction: missing"),
    (profile(deny("mkdir", action="DENY")), "linux.seccomp.syscalls[0].action: unknown action 'DENY'"),
    (profile(deny("no-such-call")), "linux.seccomp.syscalls[0].names[0]: this libseccomp knows no call 'no-such-call'"),
    (profile(architectures=["SCMP_ARCH_Z80"]), "linux.seccomp.architectures[0]: unknown architecture"),
    (profile(architectures=["SCMP_ARCH_S390X"]), "linux.seccomp.architectures[0]: SCMP_ARCH_S390X does not go with"),
    (profile(flags=["FAST"]), "linux.seccomp.flags[0]: unknown flag 'FAST'"),
    (profile(deny("read", args=[{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}])),
     "linux.seccomp.syscalls[0].args[0].index"),
    (profile(deny("read", action="SCMP_ACT_NOTIFY")), "linux.seccomp.listenerPath"),
    (profile(default="SCMP_ACT_KILL"), "linux.seccomp.syscalls: the filter lets no execveat pass"),
])  # fmt: skip
@pytest.mark.parametrize("verb", ["create", "run"])
def test_a_bad_profile_is_named_and_nothing_is_left(lab, bundle, verb, value, said):
    made = bundle("true")
    made.config["linux"]["seccomp"] = value
    made.config["linux"]["cgroupsPath"] = f"/labcore.{lab.id()}"
    done = lab(verb, "--bundle", made.write(), "a", code=1)
    assert said in done.stderr and lab.ids() == []


def test_a_cache_that_others_may_write_to_is_not_used(lab, tmp_path):
    """In a mount namespace with an empty /var/cache: a program that allows everything is put where ours would be."""
    script = """
    set -e; mount -t tmpfs none /var/cache; cache=/var/cache/labcore
    "$@" | grep Seccomp: ; file=$(echo $cache/*); size=$(wc -c < $file)
    chmod 777 $cache; head -c 40 $file > $file.1; mv $file.1 $file
    "$@" | grep Seccomp: ; echo $(wc -c < $file)
    chmod 700 $cache; "$@" | grep Seccomp: ; [ $(wc -c < $file) = $size ] && echo mended
    """
    through = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
    out = lab.out("run", "--rm", "busybox", "cat", "/proc/self/status", through=through)
    assert out.split() == ["Seccomp:", "2", "Seccomp:", "2", "40", "Seccomp:", "2", "mended"]


def test_the_filter_is_compiled_outside_the_containers_cgroup(lab):
    """Six MiB are enough to start in, though a compiler needs a few of them."""
    script = "set -e; mount -t tmpfs none /var/cache; exec \"$@\""
    through = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
    assert lab.out("run", "--rm", "-m", "6m", "busybox", "echo", "fine", through=through) == "fine\n"


def test_the_filter_machine_of_these_tests_is_the_kernels():
    """The constants above, as the kernel's headers make them."""
    def iowr(number, size):
        return 3 << 30 | size << 16 | ord("!") << 8 | number

    assert (_RECV, _SEND) == (iowr(0, 80), iowr(1, 24))
    assert ctypes.sizeof(ctypes.c_uint64) * 3 == 24 and syscalls.SECCOMP_FILTER_FLAG_NEW_LISTENER == 8
