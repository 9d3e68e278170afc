"""PID namespace: process IDs of one's own, and the duties of PID 1. (notebook 03)"""

import os
import select

from . import syscalls
from .step import inside


def new_session():
    """Lead a session of one's own, without the caller's terminal — setsid(2)."""
    os.setsid()


def hide():
    """Let no process inside look into this one: not dumpable — prctl(2)."""
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)


def start_time(pid):
    """When the process was started, in clock ticks since boot; None when it is gone — proc(5)."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fields = os.read(fd, 4096).rpartition(b")")[2].split()
    except ProcessLookupError:
        return None
    finally:
        os.close(fd)
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def open(pid, started):
    """A pidfd of the process that was started then; ProcessLookupError when it is gone — pidfd_open(2)."""
    fd = syscalls.pidfd_open(pid)
    if started is None or start_time(pid) != started:
        os.close(fd)
        raise ProcessLookupError(3, f"process {pid}: gone")
    return fd


def kill(pid, started, signal):
    """Send a signal to this very process, never to a later one with its number — pidfd_send_signal(2)."""
    try:
        fd = open(pid, started)
    except ProcessLookupError:
        return
    try:
        syscalls.pidfd_send_signal(fd, signal)
        if signal == 9:
            wait(fd)
    except ProcessLookupError:
        pass
    finally:
        os.close(fd)


def wait(pidfd, timeout_ms=10_000):
    """Wait until the process behind a pidfd has ended — poll(2)."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(timeout_ms))


def plan(spec):
    """Before anything else: unseen from inside, and in a session of its own."""
    yield inside(hide)
    yield inside(new_session)
