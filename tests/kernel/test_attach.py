"""Staying with a container in the foreground."""

import fcntl
import os
import pathlib
import signal
import subprocess
import sys
import termios

import pytest

from labcore import attach, tty

ROOT = str(pathlib.Path(attach.__file__).parents[1])
BOOT = f"import sys; sys.path.append({ROOT!r}); from labcore.cli import main; main()"
pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="containers without root: see tests/oci"),
              pytest.mark.usefixtures("leaves_no_trace")]


@pytest.fixture
def command(busybox, tmp_path):
    def words(*options, program):
        return [sys.executable, "-ISBXutf8", "-c", BOOT, "--root", str(tmp_path / "state"), "run", "--rm", *options,
                busybox, "sh", "-c", program]

    return words


@pytest.mark.parametrize("program, code", [("exit 42", 42), ("kill -9 $$; exit 1", 1),
                                           ("sh -c 'kill -9 $$'; exit $?", 137)])
def test_exit_code_is_the_programs_own(program, code, command):
    assert subprocess.run(command(program=program), timeout=30).returncode == code  # PID 1 cannot kill itself


def test_output_and_errors_are_the_callers_and_input_is_empty_unless_asked_for(command):
    for options, answer in (((), b"got:\n"), (("-i",), b"got:typed\n")):
        done = subprocess.run(command(*options, program="read x; echo got:$x; echo oops >&2"), input=b"typed\n",
                              capture_output=True, timeout=30)
        assert (done.returncode, done.stdout, done.stderr) == (0, answer, b"oops\n")


def wait_until_it_forwards(run):
    """A signal before that ends the run as a whole. From outside one sees where it sleeps: waiting for its child."""
    where = ""
    while "do_wait" not in where:
        assert run.poll() is None
        os.sched_yield()
        with open(f"/proc/{run.pid}/wchan") as file:
            where = file.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGINT])
def test_signals_are_passed_on(number, command):
    program = "trap 'echo got; exit 3' TERM HUP USR1 INT; echo ready; while :; do sleep 1 & wait; done"
    run = subprocess.Popen(command(program=program), stdout=subprocess.PIPE)
    assert run.stdout.readline() == b"ready\n"
    wait_until_it_forwards(run)
    run.send_signal(number)
    assert run.communicate(timeout=30)[0] == b"got\n" and run.returncode == 3


def test_second_interrupt_is_meant(command):
    run = subprocess.Popen(command(program="trap 'echo once' INT; echo ready; while :; do sleep 1 & wait; done"),
                           stdout=subprocess.PIPE)
    assert run.stdout.readline() == b"ready\n"
    wait_until_it_forwards(run)
    run.send_signal(signal.SIGINT)
    assert run.stdout.readline() == b"once\n"
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=30)
    assert run.returncode == 137


class Typist:
    """A person at a terminal."""

    def __init__(self, command, rows, columns):
        self.master, terminal = os.openpty()
        tty.set_size(self.master, rows, columns)
        self.before = termios.tcgetattr(terminal)
        self.terminal = terminal

        def at_this_terminal():
            os.setsid()
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

        self.run = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal,
                                    preexec_fn=at_this_terminal)
        self.seen = b""

    def expect(self, text):
        while text not in self.seen:
            self.seen += os.read(self.master, 4096)
        self.seen = self.seen.partition(text)[2]

    def type(self, text):
        os.write(self.master, text)


def test_terminal_has_the_size_of_ours_follows_it_and_interrupts_inside(command):
    program = "stty size; tty; trap 'stty size' WINCH; trap 'echo interrupted' INT; echo ready; " \
              "while :; do read x || continue; [ $x = bye ] && exit 5; echo got-$x; done"
    typist = Typist(command("-it", program=program), 33, 77)
    typist.expect(b"33 77\r\n")
    typist.expect(b"/dev/pts/0\r\n")
    typist.expect(b"ready\r\n")
    typist.type(b"hello\r")
    typist.expect(b"got-hello\r\n")
    tty.set_size(typist.master, 44, 88)
    typist.expect(b"44 88\r\n")
    typist.type(b"\x03")
    typist.expect(b"interrupted\r\n")
    typist.type(b"bye\r")
    assert typist.run.wait(timeout=30) == 5
    assert termios.tcgetattr(typist.terminal) == typist.before
    os.close(typist.master), os.close(typist.terminal)


def test_interactive_terminal_needs_one_here(command):
    done = subprocess.run(command("-it", program="true"), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "labcore: --tty: standard input is not a terminal")
