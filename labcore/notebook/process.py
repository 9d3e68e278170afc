"""Process: a living process on the lab host, which does what it is told and can be looked at from outside.

    alice = Process("alice")              # using a name again ends the earlier one
    alice.call(unshare, CLONE_NEWUTS)     # a system call, or a function of your own, made by alice
    alice.sh("hostname box; hostname")    # a shell command
    alice                                 # a card
"""

import ast
import marshal
import os
import signal
import time

from .. import errors, wire
from . import link
from .looking import ended, facts_for_card, in_order, look, pid_of, wait_for
from .travel import CommandFailed, arguments, builtin_name, ending, revive, show

CAST = {}  # name → the living process of that name
PATIENCE = 50  # tenths of a second until somebody who does not end is left to the launcher


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
        self.pidfd, self.has_borne = None, False
        born, fds = self._hear(lambda: wire.receive(self.socket))
        if "error" in born:
            raise revive(born["error"], self.name, "")
        self.pidfd, = fds
        self.pid = pid_of(self.pidfd)
        CAST[name] = self
        self._ask("name", {"name": name})

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

    def until(self, command, timeout_s=10):
        """Repeat a shell command until it prints something: that text, without the line's end."""
        deadline = time.monotonic() + timeout_s
        while not (said := self.out(command, check=False).strip()):
            if time.monotonic() > deadline:
                raise CommandFailed(f"{self.name}: {command}: has printed nothing in {timeout_s} s")
        return said

    def start(self, command):
        """Start a shell command in the background: an object with .pid .output .wait() .kill()."""
        output = os.memfd_create(f"{self.name}: {command}")
        answer, fds = self._ask("start", {"argv": ["/bin/sh", "-c", command]}, output=output)
        return Background(self, command, answer["pid"], fds[0], output)

    def become(self, command):
        """Have it become a shell command, for good: an object with .pid .output .wait() .kill() — execve(2)."""
        self._demand_life()
        output = os.memfd_create(f"{self.name}: {command}")
        message = {"do": "become", "with": {"argv": ["/bin/sh", "-c", command]}, "outputs": 2}
        try:
            answer, _ = link.talk(self.socket, message, [output, output], (), self._interrupt())
        except (EOFError, OSError):  # execve has closed its end
            self._ask = self._is_a_program
            return Program(self, command, None, os.dup(self.pidfd), output)
        os.close(output)
        raise revive(answer["error"], self.name, "")

    def fork(self, name):
        """A child of this process, also an actor: it has its namespaces, and those that wait for its children."""
        return Process(name, self)

    def end(self):
        """End it; its children on stage end with it."""
        if CAST.get(self.name) is self:
            del CAST[self.name]
        if self.pidfd is None:
            return
        self.socket.close()
        try:
            link.HERE.signal(self.pidfd, signal.SIGKILL)
        except OSError:
            pass  # the launcher is gone, and it with it
        for child in [each for each in CAST.values() if each.parent is self]:
            child.end()
        for _ in range(PATIENCE):
            if wait_for(self.pidfd, 0.1):
                break
            bury()
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
            self.has_borne = True
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
            given = message, [*ends, *fds], sinks, self._interrupt(), self.pidfd
            answer, back = self._hear(lambda: link.talk(self.socket, *given))
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
        maker = f"{self.parent.name}.fork" if self.parent else "Process"
        self.end()
        raise errors.LabError(f"{self.name} has ended" + ("" if alone else ": the launcher was killed"),
                              f'make it again: {self.name} = {maker}("{self.name}")')  # fmt: skip

    def _demand_life(self):
        if not self.alive:
            self._hear(lambda: wire.receive(self.socket) if self.pidfd is not None else broken())

    def _is_a_program(self, *_, **__):
        raise errors.LabError(f"{self.name} has become a program, and takes no orders any more",
                              f'look at it from outside, or make another: Process("{self.name}")')  # fmt: skip


def bury():
    """Have actors wait for their dead: number 1 of a PID namespace goes last, also after those with parents outside."""
    for parent in {each.parent for each in CAST.values()} | set(CAST.values()):
        if parent is not None and parent.has_borne and parent.alive:
            try:
                parent._ask("bury", {})
            except (errors.LabError, OSError):
                pass  # it has ended in this moment


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


class Program(Background):
    """What an actor has become. Its exit status is its parent's to know."""

    def wait(self, timeout_s=None):
        """Wait until it ends: True; None when it still runs after timeout_s."""
        return wait_for(self.pidfd, timeout_s) or None
