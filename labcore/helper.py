"""The helper: the small single-threaded process that enters a container and plays steps inside; both its ends.

The host's end makes it (`clone`, or `fork` and `join`) and hands it steps. The inside end plays them, one after the
other, and says how long each took. After `park` it waits for start; after `process.execute` it is the program.

Once the root has changed, every path leads into the image. So from birth the helper imports nothing: all modules are
loaded already, and the import system is emptied. It prints no traceback, which would read source files.
"""

import _signal
import errno
import fcntl
import os
import sys
import time

from . import errors, namespace, pid, process, state, step, syscalls, wire
from .step import Descriptor, Step

EXECUTE = "process.execute"


# -- the host's end ----------------------------------------------------------------------------------------------------


def clone(kinds, cgroup, sibling, keep, steps):
    """Make init: a copy of this process in new namespaces — clone(2)."""
    flags = namespace.flags(kinds) | (syscalls.CLONE_PARENT if sibling else 0)
    return _born(flags, cgroup, keep, "init", steps)


def fork(cgroup, sibling, keep, steps):
    """Make a helper that will enter namespaces which exist already — fork(2)."""
    return _born(syscalls.CLONE_PARENT if sibling else 0, cgroup, keep, "joiner", steps)


def _born(flags, cgroup, keep, name, steps):
    here, there = wire.pair()
    child = _clone(flags, cgroup)
    if child == 0:
        here.close()
        _live(there, keep, steps)
    there.close()
    return {name: child, "helper": Helper(here, steps)}


def _clone(flags, cgroup):
    try:
        return syscalls.clone(flags, cgroup)
    except OSError as error:
        if flags & syscalls.CLONE_NEWUSER and error.errno in (errno.EPERM, errno.ENOSPC):
            raise errors.HostError("this machine lets you make no user namespace",
                                   "be root, or see `labcore doctor` for what forbids it") from None  # fmt: skip
        raise


def join(helper, joiner, paths, target, kinds, new):
    """Enter the namespaces; the helper's child is then born inside, and the helper leaves — setns(2)."""
    fds = []
    try:
        fds += [os.open(path, os.O_RDONLY | os.O_CLOEXEC) for _, path in paths]
        if target:
            fds.append(pid.open(*target))
        wire.send(helper.socket, {"join": namespace.flags(kinds) if target else None, "new": namespace.flags(new),
                                  "paths": [namespace.KINDS[k].flag for k, _ in paths]}, fds)  # fmt: skip
    except ProcessLookupError:
        raise errors.StateError("the container's init is gone") from None
    finally:
        for fd in fds:
            os.close(fd)
    reply = helper.reply()
    try:
        os.waitpid(joiner, 0)
    except ChildProcessError:
        pass  # its parent is the monitor, which reaps everything
    return {"init": reply["pid"]}


class Helper:
    """The host's view of a helper: a socket, and the handles that live on the other side."""

    def __init__(self, socket, steps=None):
        self.socket, self.steps = socket, steps

    def play(self, steps, handles, wanted):
        """Have consecutive inside steps played: ([microseconds], {handle: value}); raises PlayFailed."""
        names = {n for s in steps for n in step.handles_in(s.args) if n in handles}
        fds = {n: handles[n] for n in names if isinstance(handles[n], Descriptor)}
        values = {n: handles[n] for n in names if n not in fds}
        message = {"play": len(steps)}
        if self.steps:  # it was born with the whole plan in its memory
            at = next(i for i, s in enumerate(self.steps) if s is steps[0])
            message |= {"at": at, "values": values, "fds": list(fds), "wanted": wanted}
        try:
            wire.send(self.socket, message, list(fds.values()))
        except OSError:
            raise PlayFailed(0, ChildProcessError(10, "the process inside is gone")) from None
        reply = self.reply()
        if steps[-1].address == EXECUTE and len(reply["took"]) < len(steps):
            begun = time.perf_counter_ns()
            self._see_execute(len(steps) - 1)
            reply["took"].append((time.perf_counter_ns() - begun) // 1000)
        return reply["took"], reply["values"]

    def reply(self):
        """The next answer, its descriptors put in their places; raises PlayFailed."""
        try:
            answer, fds = wire.receive(self.socket)
        except (EOFError, ConnectionError):
            raise PlayFailed(0, ChildProcessError(10, "the process inside ended unexpectedly")) from None
        if "error" in answer:
            raise PlayFailed(answer["at"], _revive(answer["error"]))
        for name, fd in zip(answer.get("fds", ()), fds, strict=True):
            answer["values"][name] = Descriptor(fd)
        return answer

    def _see_execute(self, index):
        """Success is silence: the socket is closed by execve."""
        try:
            answer, _ = wire.receive(self.socket)
        except (EOFError, ConnectionError):
            return
        except OSError as error:  # the trampoline's own word
            code = 127 if error.errno == 2 else 126
            cause = errors.CannotExecute(f"the program cannot be executed: {os.strerror(error.errno)}", code)
            raise PlayFailed(index, cause) from None
        raise PlayFailed(answer["at"], _revive(answer["error"]))

    def close(self):
        """Let go; a helper that is not parked ends."""
        self.socket.close()


class PlayFailed(Exception):
    """Step `index` of a batch failed inside, because of `cause`."""

    def __init__(self, index, cause):
        super().__init__(index, cause)
        self.index, self.cause = index, cause


def _revive(e):
    """An exception from the other side, as one of the same kind here."""
    kind = getattr(errors, e["type"], None)
    if kind is errors.CannotExecute:
        return kind(e["text"], e["exit_code"], e["hint"])
    if isinstance(kind, type) and issubclass(kind, errors.LabError) and kind not in (errors.StepFailed,
                                                                                     errors.Interrupted):  # fmt: skip
        return kind(e["text"], e["hint"])
    if e["errno"] is not None:
        return OSError(e["errno"], e["text"])
    return errors.LabError(f"{e['type']}: {e['text']}" + (f" (line {e['line']} of your function)" if e["line"] else ""))


def connect(directory):
    """Knock at the door where init waits for start — connect(2)."""
    return {"helper": Helper(state.knock(directory))}


# -- the inside end ----------------------------------------------------------------------------------------------------


def park(listener, steps):
    """Wait, as the small process this is, until start says go — accept(2)."""
    raise errors.LabError("park is played by the helper itself")


def _live(sock, keep, steps):
    """The life of a helper; it ends in _exit or execve, never in a return."""
    try:
        sock = _close_all_but(sock, keep)
        _forget_imports()
        for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
            _signal.signal(number, _signal.SIG_IGN)  # the walker decides when to give up
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, _signal.SIGKILL)
        handles = {"door": sock.fileno()}
        while True:
            message, fds = wire.receive(sock)
            if "join" in message:
                _join(sock, message, fds)
            else:
                _play(sock, steps[message["at"] : message["at"] + message["play"]], handles, message, fds)
    except (EOFError, ConnectionError):
        os._exit(0)  # nobody wants this container any more
    except BaseException as error:
        _report(sock, 0, error)
        os._exit(1)


def _close_all_but(sock, keep):
    """Let go of what the walker had open; the socket moves above the descriptors to be kept."""
    high = 3 + keep
    fd = sock.detach()
    if fd < high:
        fd, low = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, high), fd
        os.close(low)
    process.close_descriptors(keep, [fd])
    return wire.from_fd(fd)


def _forget_imports():
    sys.path.clear()
    sys.meta_path.clear()
    sys.path_hooks.clear()


def _join(sock, message, fds):
    for kind, fd in sorted(zip(message["paths"], fds, strict=False), key=lambda p: p[0] != syscalls.CLONE_NEWUSER):
        syscalls.setns(fd, kind)
    if message["join"]:
        syscalls.setns(fds[-1], message["join"])
    for fd in fds:
        os.close(fd)
    if not message["new"] & syscalls.CLONE_NEWUSER:  # else the maps must be written first
        pid.hide()  # from birth: nobody inside may trace one who is still half outside
    child = syscalls.clone(message["new"] | syscalls.CLONE_PARENT)
    if child:
        wire.send(sock, {"pid": child, "values": {}})
        os._exit(0)
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, _signal.SIGKILL)


def _play(sock, steps, handles, message, fds):
    """Play a batch and answer once; a batch that ends in execute answers just before it."""
    handles.update(message["values"])
    handles.update(zip(message["fds"], fds, strict=True))
    took = []
    for index, this in enumerate(steps):
        if this.address in (EXECUTE, "helper.park"):
            last = this.address == "helper.park"
            if last:
                _choose_fate(sock, this.args["attached"])
            _answer(sock, took + [0] * last, handles, message["wanted"])
        try:
            if this.address == "helper.park":
                _park(sock, step.fill({"listener": this.args["listener"]}, handles)["listener"], this.args, handles)
            begun = time.perf_counter_ns()
            handles.update(step.resolve(this)(**step.fill(this.args, handles)) or {})
            took.append((time.perf_counter_ns() - begun) // 1000)
        except BaseException as error:
            return _report(sock, index, error)
    _answer(sock, took, handles, message["wanted"])


def _choose_fate(sock, attached):
    """Before the answer, after which the maker may end at any moment: die with it, or outlive it — prctl(2)."""
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, _signal.SIGKILL if attached else 0)  # a change of IDs has cleared it
    if process.is_gone(sock.fileno()):
        os._exit(0)


def _park(sock, listener, args, handles):
    """Wait for start, then play its steps as they are asked for; never returns."""
    sock.close()
    door = wire.from_fd(listener)
    fd, _ = door._accept()
    door.close()
    visitor = wire.from_fd(fd)
    handles["door"] = fd
    steps = [Step(*s) for s in args["steps"]]
    while True:
        message, _ = wire.receive(visitor)
        batch, steps = steps[: message["play"]], steps[message["play"] :]
        _play(visitor, batch, handles, {"values": {}, "fds": [], "wanted": []}, [])


def _answer(sock, took, handles, wanted):
    values = {n: handles[n] for n in wanted if n in handles}
    fds = [n for n in values if isinstance(values[n], Descriptor)]
    wire.send(sock, {"took": took, "values": {n: v for n, v in values.items() if n not in fds}, "fds": fds},
              [values[n] for n in fds])  # fmt: skip
    for n in fds:
        os.close(handles.pop(n))  # it is the host's now


def _report(sock, index, error):
    """Say what went wrong, without reading a single file."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith("<your "):
            line = trace.tb_lineno
        trace = trace.tb_next
    text = error.args[0] if isinstance(error, errors.LabError) else errors.describe(error)
    if not isinstance(error, OSError | errors.LabError):
        text = str(error)
    told = {"type": type(error).__name__, "text": text, "hint": getattr(error, "hint", None), "line": line,
            "errno": getattr(error, "errno", None), "exit_code": getattr(error, "exit_code", 1)}  # fmt: skip
    try:
        wire.send(sock, {"at": index, "error": told})
    except OSError:
        os._exit(1)
