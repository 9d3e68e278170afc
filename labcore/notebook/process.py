"""Process: a living process on the lab host, which does what it is told and can be looked at from outside.

    alice = Process("alice")              # using a name again ends the earlier one
    alice.call(unshare, CLONE_NEWUTS)     # a system call, or a function of your own, made by alice
    alice.sh("hostname box; hostname")    # a shell command
    alice                                 # a card
"""

import ast
import builtins
import inspect
import linecache
import marshal
import os
import select
import signal
import sys

from .. import errors, wire
from . import link

CAST = {}  # name → the living process of that name


class CommandFailed(errors.LabError):
    """A command ended with another exit status than 0."""


class Process:
    """An actor. `Process("alice")` makes one on the lab host; `alice.fork("web")` makes a child of hers."""

    def __init__(self, name, parent=None):
        if name in CAST:
            CAST.pop(name).end()
        self.name, self.parent = name, parent
        if parent is None:
            self.socket, self.number = link.here().fork("actor")
        else:
            self.socket, self.number = parent._bear(), None
        self.pidfd = None
        born, fds = self._hear(lambda: wire.receive(self.socket))
        if "error" in born:
            raise revive(born["error"], self.name, "")
        self.pidfd, = fds
        self.pid = pid_of(self.pidfd)
        CAST[name] = self

    @classmethod
    def host(cls):
        """The outside: a process on the lab host that has moved nowhere."""
        link.here()
        found = CAST.get("host")
        return found if found and found.alive else cls("host")

    # -- what it does

    def call(self, function, *args):
        """Have it call a function: of labcore.syscalls, of os, or your own, shipped by its source."""
        text, code, name = "", None, builtin_name(function)
        if name is None:
            from . import source

            text, name = source.self_contained(function), function.__name__
            code = marshal.dumps(compile(text, f"<your {name}>", "exec")).decode("latin-1")
        given, fds = arguments(args)
        answer, _ = self._ask("call", {"code": code, "name": name, "args": given}, show, show, fds=fds, text=text)
        return ast.literal_eval(answer["value"])

    def sh(self, command):
        """Run a shell command to its end and print what it prints; a status other than 0 stands in a last line."""
        code = self._command(command, show, show)
        if code:
            print(f"({ending(code)})")

    def out(self, command, check=True):
        """The text that a shell command prints; CommandFailed if it fails, unless check is False."""
        said, complaints = [], []
        code = self._command(command, said.append, complaints.append)
        if code and check:
            why = b"".join(complaints).decode("utf-8", "replace").strip().splitlines()
            raise CommandFailed(f"{self.name}: {command}: {ending(code)}", why[-1] if why else None)
        return b"".join(said).decode("utf-8", "replace")

    def start(self, command):
        """Start a shell command in the background: an object with .pid .output .wait() .kill()."""
        output = os.memfd_create(f"{self.name}: {command}")
        answer, fds = self._ask("start", {"argv": ["/bin/sh", "-c", command]}, output=output)
        return Background(self, command, answer["pid"], fds[0], output)

    def fork(self, name):
        """A child of this process, also an actor: it has its namespaces, and those that wait for its children."""
        return Process(name, self)

    def end(self):
        """End it; its children on stage end with it."""
        if CAST.get(self.name) is self:
            del CAST[self.name]
        if self.pidfd is None:
            return
        for child in [each for each in CAST.values() if each.parent is self]:
            child.end()
        self.socket.close()
        try:
            link.HERE.signal(self.pidfd, signal.SIGKILL)
            wait_for(self.pidfd)
        except OSError:
            pass  # the launcher is gone, and it with it
        os.close(self.pidfd)
        self.pidfd = None

    # -- how it looks from outside

    @property
    def alive(self):
        """Is it still there?"""
        return self.pidfd is not None and not ended(self.pidfd)

    def look(self):
        """What the kernel says of it, read by another process on the lab host."""
        self._demand_life()
        return look(self.pid, self.pidfd)

    def namespaces(self):
        """{kind: "uts:[…]"} — namespaces(7)."""
        return in_order(self.look()["namespaces"])

    def ns(self, kind):
        """Its namespace of one kind, as the link in /proc/PID/ns names it."""
        return self.look()["namespaces"][kind]

    def hostname(self):
        """The host name that it has: asked in its UTS namespace, not of itself."""
        return self.look()["hostname"]

    def card(self):
        """A picture of what it has of its own."""
        from .views import card

        return card.draw(facts_for_card(self.name, self.look(), "actor"))

    def _repr_mimebundle_(self, include=None, exclude=None):
        if not self.alive:
            return {"text/plain": repr(self)}
        return self.card()._repr_mimebundle_(include, exclude)

    def __repr__(self):
        return f"<{self.name}, {'a living process' if self.alive else 'ended'}>"

    # -- how it is asked

    def _command(self, command, out, err):
        answer, _ = self._ask("sh", {"argv": ["/bin/sh", "-c", command]}, out, err)
        return answer["code"]

    def _bear(self):
        ours, theirs = wire.pair()
        try:
            self._ask("fork", {}, fds=[theirs.fileno()])
        except ChildProcessError:
            raise
        finally:
            theirs.close()
        return ours

    def _ask(self, do, words, *sinks, output=None, fds=(), text=""):
        """One request and its answer; what it prints goes to the sinks, one for both or one each."""
        self._demand_life()
        pipes = [os.pipe() for _ in dict.fromkeys(sinks)]
        ends = [w for _, w in pipes] * (2 // len(pipes)) if pipes else [output] * 2 if output is not None else []
        message = {"do": do, "with": words, "outputs": len(ends)}
        try:
            sinks = [(r, sink) for (r, _), sink in zip(pipes, dict.fromkeys(sinks), strict=True)]
            answer, back = self._hear(lambda: link.talk(self.socket, message, [*ends, *fds], sinks, self._interrupt()))
        finally:
            for r, w in pipes:
                os.close(r)
                os.close(w)
        if "error" in answer:
            raise revive(answer["error"], self.name, text)
        return answer, back

    def _interrupt(self):
        """What Ctrl-C does: it ends the command; pressed again, the process."""
        presses = iter([signal.SIGINT])
        return lambda: link.HERE.signal(self.pidfd, next(presses, signal.SIGKILL))

    def _hear(self, receive):
        try:
            return receive()
        except (EOFError, OSError):
            pass
        alone = link.HERE is not None and link.HERE.alive()
        self.end()
        raise errors.LabError(f"{self.name} has ended" + ("" if alone else ": the launcher was killed"),
                              f'make it again: {self.name} = Process("{self.name}")')  # fmt: skip

    def _demand_life(self):
        if not self.alive:
            self._hear(lambda: wire.receive(self.socket) if self.pidfd is not None else broken())


def broken():
    """There is nobody any more."""
    raise EOFError


class Background:
    """A command that runs in the background of an actor."""

    def __init__(self, actor, command, child, pidfd, output):
        self.actor, self.command, self.child, self.pidfd, self._output = actor, command, child, pidfd, output
        self.pid = pid_of(pidfd)

    @property
    def output(self):
        """What it has printed so far."""
        return os.pread(self._output, os.fstat(self._output).st_size, 0).decode("utf-8", "replace")

    def wait(self, timeout_s=None):
        """Wait until it ends: its exit status, negative for a signal; None when it still runs after timeout_s."""
        if not wait_for(self.pidfd, timeout_s):
            return None
        return self.actor._ask("status", {"pid": self.child})[0]["code"]

    def kill(self, number=signal.SIGTERM):
        """Send it a signal."""
        link.here().signal(self.pidfd, number)

    def __repr__(self):
        return f"<{self.actor.name}: {self.command}, {'ended' if ended(self.pidfd) else 'running'}>"

    def __del__(self):
        os.close(self.pidfd)
        os.close(self._output)


# -- pidfds ------------------------------------------------------------------------------------------------------------


def pid_of(pidfd):
    """The PID behind a pidfd, as the notebook's own PID namespace numbers it — pidfd_open(2)."""
    with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pid:"))


def wait_for(pidfd, timeout_s=None):
    """Wait until the process has ended; False if it has not — poll(2)."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(None if timeout_s is None else int(timeout_s * 1000)))


def ended(pidfd):
    """Has the process ended?"""
    return wait_for(pidfd, 0)


# -- what travels ------------------------------------------------------------------------------------------------------


def show(data):
    """Print what an actor printed."""
    sys.stdout.write(data.decode("utf-8", "replace"))
    sys.stdout.flush()


def builtin_name(function):
    """`labcore.syscalls.unshare` or `os.getpid` for what is there anyway, None for what must be shipped."""
    name, module = getattr(function, "__name__", ""), getattr(function, "__module__", "") or ""
    if module in ("posix", "os"):
        return f"os.{name}"
    if inspect.isfunction(function) and module.startswith("labcore.") and not module.startswith("labcore.notebook."):
        return f"{module}.{name}"
    return getattr(function, "actual", None)  # a guarded system call


def arguments(args):
    """Values as text that the actor evaluates; a Process becomes a descriptor of it."""
    fds, words = [], []
    for value in args:
        if isinstance(value, Process | Background):
            words.append(f"__fd__[{len(fds)}]")
            fds.append(value.pidfd)
        else:
            text = repr(value)
            try:
                ast.literal_eval(text)
            except (ValueError, SyntaxError):
                raise errors.LabError(f"{text[:40]}: cannot travel to another process",
                                      "give numbers, text, lists of them, or a Process") from None  # fmt: skip
            words.append(text)
    return f"({''.join(f'{w},' for w in words)})", fds


def revive(e, name, text):
    """The error that happened in an actor, raised here without a traceback of ours."""
    kind = getattr(builtins, e["type"], None)
    if e["text"] == "FIRST_CHILD":
        return errors.LabError(f"{name}: the next child would be PID 1 of the new PID namespace, and a command ends at once",
                               f'make a child that stays: box = {name}.fork("box"), then box.sh(...)')  # fmt: skip
    if e["errno"] is not None:
        error = OSError(e["errno"], e["text"], e["file"]) if e.get("file") else OSError(e["errno"], e["text"])
    elif e["type"] == "KeyboardInterrupt":
        error = KeyboardInterrupt()
    elif isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, UnicodeError):
        error = kind(e["text"])
    else:
        error = errors.LabError(f"{e['type']}: {e['text']}")
    lines = [f"{type(error).__name__}: {error}".removesuffix(": ")]
    if e.get("place"):
        file, number = e["place"]
        line = (text.splitlines()[number - 1 : number] or linecache.getlines(file)[number - 1 : number] or [""])[0].strip()
        error.learner = number, line
        lines.append(f"  in {name}, line {number}: {line}")
    error._render_traceback_ = lambda: lines
    return error


def ending(code):
    """An exit code in words."""
    if code >= 0:
        return f"exit status {code}"
    return f"killed by signal {-code}, {signal.Signals(-code).name}"


# -- looking -----------------------------------------------------------------------------------------------------------


def look(number, pidfd):
    """What the kernel says of a process on the lab host, or in a container there."""
    eye = CAST.get(".eye")
    if eye is None or not eye.alive:
        eye = Process(".eye")  # nobody else moves it
    answer, _ = eye._ask("call", {"code": None, "name": "labcore.actor.look", "args": f"({number},__fd__[0])"}, fds=[pidfd])
    return ast.literal_eval(answer["value"])


def in_order(links):
    """The namespaces in the order in which they are taught."""
    from ..namespace import KINDS

    return {kind: links[kind] for kind in KINDS if kind in links}


def facts_for_card(name, seen, state):
    """What views.card draws, with nothing in it that varies from run to run."""
    host = link.here().known["namespaces"]
    own = {kind: None if at is None else "host" if at == host[kind] else "own" for kind, at in in_order(seen["namespaces"]).items()}
    numbers = seen["status"]["NSpid"].split()
    pids = [("host", int(numbers[0]))] + [("in its PID namespace", int(numbers[-1]))] * (len(numbers) > 1)
    cgroup = seen["cgroup"].splitlines()[0].rpartition("/")[2]
    uid = seen["status"]["Uid"].split()[1]
    return {
        "name": name, "state": state, "pids": pids, "hostname": seen["hostname"], "namespaces": own,
        "root": "the host's" if seen["same_root"] else "its own",
        "cgroup": "the host's" if seen["same_cgroup"] else cgroup,
        "uid": f"{uid} on the host" if own["user"] == "own" else "0 (root)" if uid == "0" else uid,
        "capabilities": "all that the host has" if seen["same_capabilities"] else seen["capabilities"],
    }  # fmt: skip
