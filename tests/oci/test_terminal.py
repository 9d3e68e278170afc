"""A terminal, through a real one: the test types and reads at the other end of a pty."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from tests.oci.box import SILENT, TIMEOUT_S, command


class Typist:
    """Someone at a terminal of 24 × 80 who has started a command."""

    def __init__(self, words):
        self.master, slave = pty.openpty()
        self.resize(24, 80)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        words = ["setsid", "-c", "-w", *map(str, words)]
        self.process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave)
        self.seen = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, pattern):
        """Read until the pattern has come; what stood before it is forgotten."""
        deadline = time.monotonic() + TIMEOUT_S
        while not (found := re.search(pattern, self.seen)):
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.master], [], [], left)[0], f"no {pattern!r} in {self.seen!r}"
            self.seen += os.read(self.master, 4096).decode("utf-8", "replace")
        self.seen = self.seen[found.end() :]
        return found

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def leave(self):
        """The exit code; the terminal must be as it was."""
        code = self.process.wait(TIMEOUT_S)
        assert termios.tcgetattr(self.slave) == self.before
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)


@pytest.fixture
def terminal(lab):
    people = []

    def terminal(*words):
        people.append(Typist([*command(lab.root), *words]))
        return people[-1]

    yield terminal
    for someone in people:
        someone.close()


def shell(terminal):
    someone = terminal("run", "--rm", "-it", "--name", "a", "busybox", "sh")
    someone.expect("# ")
    return someone


def test_a_shell_has_a_terminal_of_its_own_in_our_size_and_its_exit_code(terminal):
    someone = shell(terminal)
    someone.type("tty; stty size; echo $TERM\r")
    someone.expect("/dev/pts/0|/dev/console")
    someone.expect("24 80")
    someone.type("exit 5\r")
    assert someone.leave() == 5


def test_a_resize_arrives_inside(terminal):
    someone = shell(terminal)
    someone.type("trap 'stty size' WINCH; echo re''ady\r")
    someone.expect("ready")
    someone.resize(50, 132)
    os.kill(python_of(someone), signal.SIGWINCH)
    someone.expect("# ")
    someone.type("stty size\r")
    someone.expect("50 132")
    someone.type("exit\r")
    someone.leave()


def python_of(someone):
    """The labcore process below setsid: the leader of the terminal's session."""
    with open(f"/proc/{someone.process.pid}/task/{someone.process.pid}/children") as file:
        children = file.read().split()
    return int(children[0]) if children else someone.process.pid


def test_ctrl_c_ends_the_program_but_not_the_shell(terminal):
    someone = shell(terminal)
    someone.type("sleep 1000; echo code $?\r")
    someone.expect("sleep 1000")
    wait_for_child(terminal)
    someone.type("\x03")
    someone.expect("code 130|# ")
    someone.type("exit 4\r")
    assert someone.leave() == 4


def wait_for_child(terminal):
    select.select([], [], [], 0.2)  # the shell starts it; no event tells us


def test_ctrl_z_stops_and_fg_continues(terminal):
    someone = shell(terminal)
    someone.type("sleep 1000\r")
    someone.expect("sleep 1000")
    wait_for_child(terminal)
    someone.type("\x1a")
    someone.expect("Stopped")
    someone.type("jobs; fg\r")
    someone.expect("sleep 1000")
    wait_for_child(terminal)
    someone.type("\x03")
    someone.expect("# ")
    someone.type("exit\r")
    someone.leave()


def test_ctrl_d_ends_the_shell(terminal):
    someone = shell(terminal)
    someone.type("\x04")
    assert someone.leave() == 0


def test_the_terminal_is_restored_when_the_container_is_killed(terminal, lab):
    someone = shell(terminal)
    lab("kill", "a", "KILL")
    assert someone.leave() == 137


def test_the_terminal_is_restored_when_the_run_fails(terminal):
    someone = terminal("run", "--rm", "-it", "busybox", "/no/such")
    someone.expect("/no/such")
    assert someone.leave() == 127


def test_a_terminal_that_is_closed_ends_the_shell_inside(terminal, lab):
    someone = shell(terminal)
    pid = lab.state("a")["pid"]
    os.close(someone.slave)
    os.close(someone.master)
    someone.master, someone.slave = os.open("/dev/null", os.O_RDONLY), os.open("/dev/null", os.O_RDONLY)
    someone.process.wait(TIMEOUT_S)
    assert not os.path.exists(f"/proc/{pid}") and lab.ids() == []


def test_much_output_arrives_whole(terminal):
    someone = terminal("run", "--rm", "-t", "busybox", "sh", "-c", "seq 1 20000; echo the end")
    text = ""
    while "the end" not in text:
        assert select.select([someone.master], [], [], TIMEOUT_S)[0]
        text += os.read(someone.master, 65536).decode()
    assert text.split()[:20000] == [str(n) for n in range(1, 20001)]
    assert someone.leave() == 0


def test_exec_has_a_terminal_too(terminal, lab):
    lab("run", "-d", "--name", "a", "busybox", "sleep", "1000", **SILENT)
    someone = terminal("exec", "-it", "a", "sh")
    someone.expect("# ")
    someone.type("stty size; tty; echo $((40 + 2))\r")
    someone.expect("24 80")
    someone.expect("42")
    someone.type("exit 6\r")
    assert someone.leave() == 6


def test_interactive_terminal_without_one_is_refused(lab):
    assert "terminal" in lab("run", "--rm", "-it", "busybox", "sh", code=1).stderr
    assert lab.ids() == []


def test_a_detached_terminal_is_refused(lab):
    assert "--detach" in lab("run", "-dt", "busybox", "sh", code=2).stderr and lab.ids() == []
