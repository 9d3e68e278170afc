"""The notebook's end of the launcher: started when first needed, again when it has died, ended with the notebook.

The kernel process itself never forks and never enters anything.
"""

import atexit
import os
import select
import signal
import sys
import threading

from .. import errors, labhost, sharing, state, user, wire
from ..image import template

PARENT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOST = ("the launcher has ended, and with it every actor and every container of this notebook; "
        "another one takes its place")
HERE = None  # the launcher of this notebook


class Launcher:
    """One launcher: its line, and what it said of itself."""

    def __init__(self, situation):
        self.situation, self.lock, self.count, self.idle = situation, threading.RLock(), 0, []
        self.line, self.child, self.said = spawn(situation)
        try:
            self.known = self.meet()
        except (EOFError, OSError):
            self.close()
            raise errors.HostError(f"the launcher did not start ({situation}): {self.words()}") from None

    def meet(self):
        """Exchange first words; without root it asks for its ID map on the way."""
        settings = {"state": None, "data": None}  # root keeps its own places
        if self.situation == "rootless":
            settings = {"state": state.root(), "data": template.data_directory()}
        while True:
            message, _ = wire.receive(self.line)
            if "map" in message:
                wire.send(self.line, map_ids(message["map"]))
            elif "ready" in message:
                wire.send(self.line, settings)
            elif "failed" in message:
                self.close()
                raise errors.HostError(f"no lab host: {message['failed']}", message["hint"])
            else:
                return message

    def words(self):
        """What the launcher, or sudo, wrote before it ended."""
        text = os.pread(self.said, 4096, 0).decode("utf-8", "replace").strip()
        return text.splitlines()[-1] if text else "it ended without a word"

    def alive(self):
        """Is it there? Death is end-of-file on the line, whatever stands between: sudo, say."""
        poll = select.poll()
        poll.register(self.line, select.POLLIN | select.POLLRDHUP)
        return not poll.poll(0)  # it never says anything after its first words

    def send(self, message, fds=()):
        """Ask for something; BrokenPipeError when it is gone."""
        with self.lock:
            wire.send(self.line, message, fds)

    def fork(self, kind):
        """A new actor or walker: (our end of its socket, the number by which it can be killed)."""
        with self.lock:
            self.count += 1
            ours, theirs = wire.pair()
            try:
                self.send({"fork": kind, "id": self.count}, [theirs.fileno()])
            finally:
                theirs.close()
            return ours, self.count

    def borrow(self):
        """A walker that has nothing to do, or a new one: the second time it has its memory to itself already."""
        return self.idle.pop() if self.idle else self.fork("walker")

    def give_back(self, sock, number):
        """Keep one walker for the next container; others end."""
        if self.idle:
            sock.close()
        else:
            self.idle.append((sock, number))

    def signal(self, pidfd, number):
        """Have a process signalled by somebody who may."""
        self.send({"signal": int(number)}, [pidfd])

    def kill(self, number):
        """End a child of the launcher."""
        self.send({"kill": number})

    def close(self):
        """Hang up, and wait until it has cleaned up and is gone."""
        try:
            self.line.shutdown(1)  # SHUT_WR: it sees end-of-file, we see when it has ended
            poll = select.poll()
            poll.register(self.line, select.POLLIN)
            poll.poll(5000)
        except OSError:
            pass  # gone already
        self.reap()

    def reap(self):
        """Let no zombie stay behind: the child is the launcher, or the sudo around it."""
        if self.alive():
            return  # it hangs, and will not be waited for
        try:
            os.waitpid(self.child, 0)
        except ChildProcessError:
            pass
        for sock, _ in self.idle:
            sock.close()
        self.idle.clear()


def spawn(situation):
    """Start a launcher with its line on descriptor 0: (line, pid, descriptor of what it says) — posix_spawn(3)."""
    ours, theirs = wire.pair()
    said = os.memfd_create("launcher")
    program = labhost.command(os.path.realpath(sys.executable), "labhost", PARENT)
    if situation == "sudo":
        program = ["sudo", "-n", "--", *program]
    actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0), (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
               (os.POSIX_SPAWN_DUP2, said, 2)]  # fmt: skip
    try:
        child = os.posix_spawnp(program[0], program, os.environ, file_actions=actions, setsid=True, setsigmask=[],
                                setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGPIPE])  # fmt: skip
    except OSError:
        ours.close()
        os.close(said)
        raise
    finally:
        theirs.close()
    return ours, child, said


def map_ids(pid):
    """Say which user IDs the launcher's user namespace has: the user's own as root, and subordinate ones if any."""
    uid, gid = os.geteuid(), os.getegid()
    own = [[{"containerID": 0, "hostID": number, "size": 1}] for number in (uid, gid)]
    for maps in (sharing.id_maps(uid, gid), own):
        try:
            user.write_maps(pid, *maps)
            return {"mapped": maps}
        except (OSError, errors.LabError) as error:
            failed = errors.describe(error)
    return {"failed": failed, "hint": None}


def start():
    """A launcher the best way there is: as root, through sudo without a password, or without root."""
    wanted = os.environ.get("LABCORE_LAUNCHER")  # root, sudo or rootless: for tests, and for whoever wants to compare
    if wanted or os.geteuid() == 0:
        return Launcher(wanted or "root")
    try:
        return Launcher("sudo")
    except (errors.HostError, OSError):
        return Launcher("rootless")


def here():
    """This notebook's launcher, alive."""
    global HERE
    if HERE is not None and not HERE.alive():
        HERE.reap()
        HERE = None
        print(LOST)
    if HERE is None:
        HERE = start()
        atexit.register(HERE.close)
    return HERE


def situation():
    """How the launcher runs: `root`, `sudo` or `rootless`."""
    return here().situation


def talk(sock, message, fds=(), sinks=(), on_interrupt=None, pidfd=None):
    """Send a request; hand what is printed meanwhile to the sinks; return the answer: (message, descriptors).

    `sinks` are pairs of a pipe's read end and a function that takes bytes. Ctrl-C calls `on_interrupt`, which makes the
    other side answer: nothing is torn out of the middle of a message. With a pidfd of theirs, their end is seen even
    when a child of theirs has inherited the socket and keeps it open.
    """
    with Interrupts(on_interrupt):
        wire.send(sock, message, fds)
        poll, open_sinks = select.poll(), dict(sinks)
        poll.register(sock, select.POLLIN)
        if pidfd is not None:
            poll.register(pidfd, select.POLLIN)
        for fd in open_sinks:
            os.set_blocking(fd, False)
            poll.register(fd, select.POLLIN)
        while True:
            ready = [fd for fd, _ in poll.poll()]
            for fd in [fd for fd in ready if fd in open_sinks]:
                if not drain(fd, open_sinks[fd]):
                    poll.unregister(fd)
                    del open_sinks[fd]
            if sock.fileno() in ready:
                answer = wire.receive(sock)
                for fd, sink in open_sinks.items():
                    drain(fd, sink)
                return answer
            if pidfd in ready:
                raise EOFError("it has ended")


class Interrupts:
    """While we wait for somebody else's work, Ctrl-C is for them."""

    def __init__(self, ask):
        self.ask = ask if threading.current_thread() is threading.main_thread() else None

    def __enter__(self):
        if self.ask:
            self.before = signal.signal(signal.SIGINT, lambda *_: self.ask())

    def __exit__(self, *_):
        if self.ask:
            signal.signal(signal.SIGINT, self.before)


def drain(fd, sink):
    """Take what a pipe holds now; False at its end."""
    while True:
        try:
            data = os.read(fd, 1 << 16)
        except BlockingIOError:
            return True
        if not data:
            return False
        sink(data)
