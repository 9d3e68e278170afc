"""The launcher: the small root-side process of a notebook. It polls, forks walkers and actors, and reaps; nothing else.

    notebook kernel ──line──► launcher ──fork──► actor    a living process (actor.py)
          └───────── a socket of its own ──────► walker   walks plans of containers (walker.py)

A request is one message on the line: {"fork": "actor", "id": 7} with the child's end of a socket pair, which the kernel
talks over from then on; {"kill": 7}; {"signal": 2} with a pidfd. Nothing is answered here: a child that dies is seen as
end-of-file on its socket, and so is the launcher on the line. When the line ends, so does everything born here.
"""

import _signal
import fcntl
import gc
import os
import select
import warnings  # noqa: F401  the interpreter would load it when first needed: nothing may be loaded inside a container

from . import actor, errors, facts, labhost, namespace, process, state, syscalls, walker, wire
from .image import template

LIVES = {"actor": actor.live, "walker": walker.live}


def main():
    """Serve a notebook until its line ends; then leave nothing behind."""
    line = wire.from_fd(os.dup(0))
    os.set_inheritable(line.fileno(), False)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    try:
        wire.send(line, {"ready": True})
        settings, _ = wire.receive(line)
        claim(settings)
        syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
        gc.disable()  # a collection would write to every page that a child shares with us
        gc.freeze()
        wire.send(line, hello())
    except (OSError, errors.LabError) as error:
        wire.send(line, {"failed": errors.describe(error), "hint": getattr(error, "hint", None)})
        return
    for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
        _signal.signal(number, _signal.SIG_IGN)  # Jupyter interrupts whole process groups; end-of-file is our end
    serve(line)
    end()


def mark():
    """PID and a random word: this lab host's own name."""
    return os.environ[labhost.MARK]


def claim(settings):
    """Take a state directory for this lab host's containers alone — mkdir(2)."""
    state.DEFAULT_ROOT, template.DATA = settings["state"], settings["data"]
    top = state.root()
    os.mkdir(f"{top}/.new-{mark()}", 0o700)
    lock = os.open(f"{top}/.new-{mark()}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_EX)  # held as long as we live: by it others see that this lab host is in use
    state.DEFAULT_ROOT = f"{top}/.lab-{mark()}"
    os.rename(f"{top}/.new-{mark()}", state.DEFAULT_ROOT)


def hello():
    """What the notebook wants to know first."""
    here = facts.read()
    return {"hello": os.getpid(), "namespaces": namespace.inspect(), "facts": here, "state": state.DEFAULT_ROOT,
            "groups": open("/proc/self/gid_map").read().count("\n") > 1 or not here["in_userns"]}  # fmt: skip


def serve(line):
    """Wait for requests and for children that end — poll(2), wait(2)."""
    children, bell = {}, ring_on_sigchld()
    poll = select.poll()
    poll.register(line, select.POLLIN)
    poll.register(bell, select.POLLIN)
    children[fork(walker.sweep, None)] = 0
    while True:
        for fd, _ in poll.poll():
            if fd == bell:
                os.read(bell, 4096)
                reap(children)
                continue
            try:
                message, fds = wire.receive(line)
            except (EOFError, OSError):
                return
            obey(message, fds, children)
            for passed in fds:
                os.close(passed)


def ring_on_sigchld():
    """A descriptor that becomes readable when a child has ended — signal(7)."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    _signal.signal(_signal.SIGCHLD, lambda *_: None)
    _signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def reap(children):
    """Collect every child that has ended, orphans of actors included — waitpid(2)."""
    try:
        while (ended := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            children.pop(ended, None)
    except ChildProcessError:
        pass


def obey(message, fds, children):
    """Do what one message asks for."""
    try:
        if "fork" in message:
            children[fork(LIVES[message["fork"]], wire.from_fd(os.dup(fds[0])))] = message["id"]
        elif "kill" in message:
            for child, number in children.items():
                if number == message["kill"]:
                    os.kill(child, _signal.SIGKILL)  # not reaped yet, so the number is still its own
        elif "signal" in message:
            syscalls.pidfd_send_signal(fds[0], message["signal"])
    except ProcessLookupError:
        pass
    except OSError as error:  # no more processes, say: the one who waits for the child hears it
        if "fork" in message:
            wire.send(wire.from_fd(os.dup(fds[0])), {"error": {"type": "OSError", "errno": error.errno,
                                                               "text": f"fork(): {error.strerror}"}})  # fmt: skip


def fork(life, sock, *arguments):
    """A child that lives `life(sock, …)`, and holds no descriptor but that and 0, 1, 2 — fork(2)."""
    parent = os.getpid()
    child = os.fork()
    if child:
        if sock is not None:
            sock.close()
        return child
    try:
        _signal.set_wakeup_fd(-1)
        for number in (_signal.SIGCHLD, _signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
            _signal.signal(number, _signal.SIG_DFL)
        process.close_descriptors(0, [] if sock is None else [sock.fileno()])
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, _signal.SIGKILL)
        if os.getppid() not in (parent, 0):  # 0: the parent is outside our PID namespace
            os._exit(1)
        life(sock, *arguments)
    except (EOFError, OSError):
        pass  # nobody listens any more
    finally:
        os._exit(0)


def end():
    """Kill what was born here, as a whole tree; then take down containers, cgroups and the state directory."""
    _signal.set_wakeup_fd(-1)
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    try:
        while True:  # orphans of the dead become our own children, until none is left
            for child in open("/proc/thread-self/children").read().split():
                os.kill(int(child), _signal.SIGKILL)
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass
    own = state.DEFAULT_ROOT
    walker.sweep(None)  # again: the sweep that began with us may have been killed just now
    walker.clear(own)
