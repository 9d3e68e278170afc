"""Staying with a container in the foreground: its terminal, its signals, its exit code."""

import _signal
import os
import select
import termios

from . import errors, jsonfile, tty

FORWARDED = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGQUIT, _signal.SIGUSR1, _signal.SIGUSR2)


def no_input():
    """Nobody types: the program sees the end of its input at once."""
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


class Silence:
    """What is born meanwhile has no input and no output: it stays behind when the terminal is closed."""

    def __enter__(self):
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self.kept = [os.dup(fd) for fd in (0, 1, 2)]
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.close(null)

    def __exit__(self, *_):
        for fd, kept in enumerate(self.kept):
            os.dup2(kept, fd)
            os.close(kept)


def prepare(process, options):
    """Before create: a terminal needs one here too, and starts in its size."""
    if options.get("detach"):
        return
    if options.get("interactive") and not os.isatty(0):
        raise errors.LabError("--tty: standard input is not a terminal", "leave out -t, or use a terminal")
    if os.isatty(0):
        rows, columns = tty.get_size(0)
        process["consoleSize"] = {"height": rows, "width": columns}


def wait(handles, directory, caught=None):
    """Wait for the program, passing signals and terminal on; returns its exit code. `caught` came before."""
    child = handles["init"]
    forward = _Forward(child)
    for number in FORWARDED:
        _signal.signal(number, forward)
    if caught:
        forward(caught, None)
    if handles.get("master") is not None:
        _relay(handles["master"])
        os.close(handles.pop("master"))  # whoever still reads there sees the end
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # a zombie keeps its number: signals reach nobody else
    for number in FORWARDED:
        _signal.signal(number, _signal.SIG_IGN)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = code if code >= 0 else 128 - code
    if directory:
        jsonfile.write(f"{directory}/exit", code)
    return code


class _Forward:
    """A signal for us is a signal for the program; the second Ctrl-C is meant."""

    def __init__(self, child):
        self.child, self.interrupts = child, 0

    def __call__(self, number, frame):
        self.interrupts += number == _signal.SIGINT
        os.kill(self.child, _signal.SIGKILL if self.interrupts > 1 else number)


def _relay(master):
    """Carry bytes between this terminal and the container's until the latter is closed — pty(7)."""
    typing = os.isatty(0)
    before = termios.tcgetattr(0) if typing else None
    poll = select.poll()
    poll.register(master, select.POLLIN)
    if typing:
        poll.register(0, select.POLLIN)
        _signal.signal(_signal.SIGWINCH, lambda *_: tty.set_size(master, *tty.get_size(0)))
        tty.set_size(master, *tty.get_size(0))
        _set_raw(before)
    try:
        while _carry(poll.poll(), master):
            pass
    finally:
        if typing:
            try:
                termios.tcsetattr(0, termios.TCSADRAIN, before)
            except termios.error:
                pass  # it was closed: there is nothing to restore


def _carry(ready, master):
    for fd, _ in ready:
        try:
            data = os.read(fd, 65536)
        except OSError:
            data = b""  # EIO: the last process has closed its end
        if not data:
            return False  # the container's terminal was closed, or ours: then nobody types any more
        target = 1 if fd == master else master
        while data:
            data = data[os.write(target, data) :]
    return True


def _set_raw(attributes):
    """Every key goes to the container as it is — termios(3), cfmakeraw."""
    raw = [*attributes[:6], list(attributes[6])]
    raw[0] &= ~(termios.BRKINT | termios.ICRNL | termios.INPCK | termios.ISTRIP | termios.IXON | termios.IGNBRK
                | termios.PARMRK | termios.INLCR | termios.IGNCR)  # fmt: skip
    raw[1] &= ~termios.OPOST
    raw[2] = raw[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    raw[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    termios.tcsetattr(0, termios.TCSADRAIN, raw)
