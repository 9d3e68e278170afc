"""Ctrl-C and its relatives at every moment: the caller is told by its exit code, and nothing is left."""

import os
import select
import signal
import subprocess

import pytest

from tests.oci.box import HERE, TIMEOUT_S, command, wait_until_it_waits

# A step that signals the walker: its own function, then one more line. The walker is the parent of all that is inside.
ON_HOST = """def {name}(**args):
    done = __import__("sys").modules["labcore.{module}"].{name}(**args)
    __import__("os").kill(__import__("os").getpid(), {number})
    return done
"""
HANGS = """def {name}(**args):
    __import__("os").write(2, b"hangs\\n")
    __import__("time").sleep(60)
"""
HOST = ["state.claim", "cgroup1.create", "state.own", "helper.clone", "state.created"]
INSIDE = ["pid.hide", "uts.set_hostname", "mount.set_propagation", "mount.mask", "rootfs.pivot", "process.find_program",
          "caps.set", "process.enter_directory"]  # fmt: skip


@pytest.fixture
def mine(tmp_path):
    def mine(address, text, number=0):
        module, _, name = address.rpartition(".")
        (tmp_path / "mine").mkdir(exist_ok=True)
        (tmp_path / f"mine/{address}.py").write_text(text.format(module=module, name=name, number=int(number)))
        return tmp_path / "mine"

    return mine


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("address", HOST)
def test_a_signal_during_a_step_on_the_host_takes_everything_down(lab, mine, address, number):
    if address.startswith("cgroup1") and not os.path.isdir("/sys/fs/cgroup/pids"):
        pytest.skip("needs cgroup version 1")
    done = lab("run", "--mine", mine(address, ON_HOST, number), "busybox", "sleep", "1000", code=128 + number)
    assert "interrupted" in done.stderr and lab.ids() == []


@pytest.mark.parametrize("address", INSIDE)
def test_a_signal_while_a_step_inside_hangs_takes_everything_down(lab, mine, address):
    process = lab.start("run", "--mine", mine(address, HANGS), "busybox", "sleep", "1000")
    assert process.stderr.readline() == "hangs\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(TIMEOUT_S) == 130
    assert "interrupted" in process.stderr.read() and lab.ids() == []


def test_a_signal_during_a_detached_run_takes_everything_down(lab, mine):
    process = lab.start("run", "-d", "--mine", mine("uts.set_hostname", HANGS), "busybox", "sleep", "1000")
    # init's own output goes nowhere while a container is detached: the state directory tells how far it has come
    wait_for(lambda: lab.ids() and (lab.root / lab.ids()[0] / "config.json").exists())
    process.send_signal(signal.SIGINT)
    assert process.wait(TIMEOUT_S) == 130 and lab.ids() == []


def wait_for(condition):
    for _ in range(4000):
        if condition():
            return
        select.select([], [], [], 0.002)  # a file made by another process sends no event that fits here
    raise AssertionError("it did not happen")


def test_a_signal_at_any_moment_leaves_nothing(lab):
    """Not at chosen points: a sweep over the whole time that a run takes, imports included."""
    codes = set()
    for milliseconds in range(2, 120, 4):
        process = lab.start("run", "--rm", "--name", "a", "busybox", "sh", "-c", "trap 'exit 3' INT; sleep 1000 & wait",
                            start_new_session=True)  # fmt: skip
        select.select([], [], [], milliseconds / 1000)
        while process.poll() is None:  # the second one is meant: it kills
            process.send_signal(signal.SIGINT)
            select.select([], [], [], 0.05)
        codes.add(process.returncode)
        _, told = process.communicate()
        if process.returncode == 1:
            assert "init_sys_streams" in told  # Python itself was not up yet
            codes.discard(1)
        assert lab.ids() == [], milliseconds
    assert codes <= {130, 3, 137, -2}, codes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP, signal.SIGINT, signal.SIGUSR2])
def test_run_hands_signals_on(lab, number):
    script = f"trap 'echo got; exit 7' {int(number)}; echo ready; sleep 1000 & wait"
    process = lab.start("run", "--rm", "busybox", "sh", "-c", script)
    assert process.stdout.readline() == "ready\n"
    wait_until_it_waits(process)
    process.send_signal(number)
    assert process.wait(TIMEOUT_S) == 7 and process.stdout.read() == "got\n"


def test_a_second_ctrl_c_kills_a_program_that_listens_to_none(lab):
    process = lab.start("run", "--rm", "busybox", "sh", "-c", "echo ready; exec sleep 1000")
    assert process.stdout.readline() == "ready\n"
    wait_until_it_waits(process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    while process.poll() is None:  # two equal signals at once may arrive as one
        process.send_signal(signal.SIGINT)
        select.select([], [], [], 0.02)
    assert process.returncode == 137 and lab.ids() == []


def test_exec_hands_signals_on(lab):
    lab("run", "-d", "--name", "a", "busybox", "sleep", "1000", capture_output=False, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)  # fmt: skip
    process = lab.start("exec", "a", "sh", "-c", "trap 'exit 9' TERM; echo ready; sleep 1000 & wait")
    assert process.stdout.readline() == "ready\n"
    wait_until_it_waits(process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(TIMEOUT_S) == 9


def test_ctrl_c_at_the_terminal_reaches_the_program_once(lab):
    """The whole foreground process group gets it; the program is in a session of its own and hears it from us alone."""
    script = ("n=0; trap 'n=$((n+1)); echo $n' INT; echo ready; while [ $n -lt 1 ]; do sleep 0.1; done; sleep 0.3; "
              "exit $n")  # fmt: skip
    process = lab.start("run", "--rm", "busybox", "sh", "-c", script, start_new_session=True)
    assert process.stdout.readline() == "ready\n"
    wait_until_it_waits(process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(TIMEOUT_S) == 1


def test_a_template_that_is_interrupted_leaves_no_half(tmp_path, lab):
    """SIGKILL may leave a directory with another name, which is never used; everything else leaves nothing."""
    home = tmp_path / "data"
    boot = ("import os, signal, sys\nsys.path.append(sys.argv[1])\nfrom labcore.image import template\n"
            "template._commands = lambda program: os.kill(os.getpid(), signal.SIGINT)\n"
            "template.busybox(into=sys.argv[2])")  # fmt: skip
    done = subprocess.run(["/usr/bin/python3", "-ISB", "-c", boot, HERE, home], capture_output=True, text=True,
                          timeout=TIMEOUT_S)  # fmt: skip
    assert done.returncode != 0 and "KeyboardInterrupt" in done.stderr
    assert list(home.iterdir()) == [] and command(lab.root)
