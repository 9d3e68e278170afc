"""An actor: a living process on the lab host, which does what the notebook asks of it, one thing at a time.

It is single-threaded, so it may move into any namespace. It compiles nothing and reads no source: code comes compiled,
and an error leaves as type, text and line number. Once its `/` is not the one it was born with, it refuses to import:
an `import` would run whatever lies there, as root.
"""

import _signal
import gc
import marshal
import os
import sys

from . import caps, process, syscalls, wire

OUTPUT = (1, 2)


class Homebound:
    """Refuses imports once `/` is another than at birth; first in sys.meta_path."""

    def __init__(self):
        self.home = self.root()

    @staticmethod
    def root():
        """What identifies `/` as this process sees it."""
        found = os.stat("/")
        return found.st_dev, found.st_ino

    def find_spec(self, name, path=None, target=None):
        """Say no, or nothing, which leaves the search to the others."""
        if self.root() != self.home:
            raise ImportError(f"{name} is not loaded: this process has another / now, and an import would run whatever "
                              "file lies there", name=name)  # fmt: skip


def live(sock):
    """Serve requests until the notebook lets go."""
    me = Actor(sock)
    os.register_at_fork(after_in_child=me.is_a_copy)
    gc.enable()  # what a learner runs may be long
    sys.stdout.reconfigure(line_buffering=True)
    sys.meta_path.insert(0, Homebound())
    _signal.signal(_signal.SIGINT, me.interrupted)
    me.answer({"pid": os.getpid()}, [syscalls.pidfd_open(os.getpid())])
    while True:
        message, fds = wire.receive(sock)
        me.serve(message, fds)
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, _signal.SIGKILL)  # a change of user clears it


class Actor:
    """The state of the loop: its socket, the children that it started, and whether it is at work."""

    def __init__(self, sock):
        self.socket, self.started, self.busy, self.born, self.copied = sock, {}, False, [], False
        self.calls = {n: v for n, v in vars(syscalls).items() if not n.startswith("_")}

    def interrupted(self, number, frame):
        """Ctrl-C in the notebook ends what is being done, and nothing else."""
        if self.busy:
            self.busy = False
            raise KeyboardInterrupt

    def is_a_copy(self):
        """Code that was called has forked; of the two, the original answers."""
        self.copied = True

    def answer(self, message, fds=()):
        """Send one answer; the descriptors were for the other side."""
        wire.send(self.socket, message, fds)
        for fd in fds:
            os.close(fd)

    def serve(self, message, fds):
        """Do one thing, with its output going to the descriptors that came along."""
        do, output = getattr(self, f"do_{message['do']}"), fds[: message.get("outputs", 0)]
        kept = [os.dup(fd) for fd in OUTPUT] if output else []
        for target, fd in zip(OUTPUT, output, strict=False):
            os.dup2(fd, target, inheritable=True)
        try:
            self.busy = True
            answer, back = do(fds[len(output) :], **message["with"])
        except BaseException as error:
            answer, back = {"error": told(error)}, ()
        self.busy = False
        flush()
        if self.copied:
            end_copy(answer.get("error"))
        for target, fd in zip(OUTPUT, kept, strict=False):
            os.dup2(fd, target, inheritable=True)
        for fd in [*kept, *fds]:
            os.close(fd)
        self.answer(answer, back)

    def do_name(self, fds, name):
        """Be found under the notebook's name for it by ps — prctl(2)."""
        syscalls.set_name(name)
        return {}, ()

    def do_call(self, fds, code, name, args, handles=0):
        """Call one function: of labcore.syscalls, of os, or one that comes compiled."""
        if code is None:
            place, _, name = name.rpartition(".")
            function = getattr(sys.modules[place], name)
        else:
            names = dict(self.calls)
            exec(marshal.loads(code.encode("latin-1")), names)
            function = names[name]
        given = eval(args, {"__builtins__": {}, "__fd__": fds})  # written by our own notebook side
        return {"value": repr(plain(function(*given)))}, ()

    def do_cell(self, fds, code):
        """Run a cell's code, with fresh names and labcore.syscalls about it."""
        names = self.calls | {"os": os, "__name__": "__main__"}
        for part in code:
            exec(marshal.loads(part.encode("latin-1")), names)
        return {}, ()

    def do_sh(self, fds, argv):
        """Run a command to its end: its exit code, negative for a signal."""
        refuse_to_be_its_parent()
        child = self.spawn(argv)
        try:
            return {"code": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}, ()
        except KeyboardInterrupt:
            os.killpg(child, _signal.SIGKILL)
            os.waitpid(child, 0)
            raise

    def do_start(self, fds, argv):
        """Start a command in the background: its PID here, and a descriptor of it."""
        refuse_to_be_its_parent()
        child = self.spawn(argv)
        self.started[child] = None
        return {"pid": child}, [syscalls.pidfd_open(child)]

    def do_become(self, fds, argv):
        """Be this program from now on, with the same PID; an answer only comes when that fails — execve(2)."""
        process.reset_signals()
        try:
            os.execv(argv[0], argv)
        finally:
            _signal.signal(_signal.SIGINT, self.interrupted)

    def do_status(self, fds, pid):
        """The exit code of a command in the background, None while it runs."""
        if self.started[pid] is None:
            ended, status = os.waitpid(pid, os.WNOHANG)
            self.started[pid] = os.waitstatus_to_exitcode(status) if ended else None
        return {"code": self.started[pid]}, ()

    def do_fork(self, fds):
        """A child, also an actor, with a socket of its own — fork(2)."""
        launcher = sys.modules["labcore.launcher"]
        self.born.append(launcher.fork(live, wire.from_fd(os.dup(fds[0]))))
        return {"pid": self.born[-1]}, ()

    def do_bury(self, fds):
        """Wait for those of its children on stage that have ended — waitpid(2)."""
        for child in list(self.born):
            try:
                gone = os.waitpid(child, os.WNOHANG)[0]
            except ChildProcessError:
                gone = child  # somebody has called os.wait
            if gone:
                self.born.remove(child)
        return {}, ()

    def spawn(self, argv):
        """A command as a child, leader of a process group; standard output and error as they are now."""
        launcher = sys.modules["labcore.launcher"]
        return launcher.fork(become, None, argv)


def become(_, argv):
    """Be the command, with clean signals and an end when its actor ends — execve(2)."""
    os.setpgid(0, 0)
    process.reset_signals()
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, _signal.SIGKILL)
    try:
        os.execv(argv[0], argv)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def end_copy(error):
    """A child that called code has forked, and not ended, ends where the code ends; an error is not lost."""
    if error:
        os.write(2, f"in a forked child: {error['type']}: {error['text']}\n".encode())
    os._exit(1 if error else 0)


def refuse_to_be_its_parent():
    """After CLONE_NEWPID a command would be PID 1 of the new namespace, and end it with its own end."""
    try:
        own = os.readlink("/proc/self/ns/pid")
    except OSError:
        return  # no /proc here: nothing is known
    try:
        for_children = os.readlink("/proc/self/ns/pid_for_children")
    except FileNotFoundError:
        for_children = None  # nobody has been born there yet
    if own != for_children:
        raise ChildProcessError("FIRST_CHILD")


def flush():
    """Let nothing that was printed wait for the next request."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass


def plain(value):
    """A value that can travel as text: numbers, text, bytes, and lists, tuples, sets and dicts of them."""
    if value is None or isinstance(value, bool | str | bytes):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, tuple | list | set | frozenset):
        kind = tuple if isinstance(value, tuple) else list if isinstance(value, list) else set
        return kind(plain(item) for item in value)
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    raise TypeError(f"a {type(value).__name__} cannot travel to the notebook: return numbers, text, or lists of them")


def told(error):
    """An exception as data, without reading a file: type, text, errno, and where it happened."""
    place, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith("<your "):
            place = [trace.tb_frame.f_code.co_filename, trace.tb_lineno]
        trace = trace.tb_next
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return {"type": type(error).__name__, "text": text, "errno": getattr(error, "errno", None), "place": place,
            "file": getattr(error, "filename", None) and str(error.filename)}  # fmt: skip


# -- looking from outside: played by an actor that nobody sees ---------------------------------------------------------


def look(number, pidfd):
    """What the kernel says of another process — proc(5); OSError when it is gone."""
    at = f"/proc/{number}"
    status = dict(line.split(":\t", 1) for line in read(f"{at}/status").splitlines() if ":\t" in line)
    links = {}
    for kind in os.listdir(f"{at}/ns"):
        try:
            links[kind] = os.readlink(f"{at}/ns/{kind}")
        except OSError:
            links[kind] = None
    try:
        root, same = os.readlink(f"{at}/root"), os.path.samestat(os.stat(f"{at}/root/"), os.stat("/"))
    except OSError:
        root, same = None, False
    return {
        "status": status, "namespaces": links, "root": root, "same_root": same, "cgroup": read(f"{at}/cgroup"),
        "same_cgroup": read(f"{at}/cgroup") == read("/proc/self/cgroup"), "hostname": hostname(pidfd),
        "uid_map": read(f"{at}/uid_map"), "gid_map": read(f"{at}/gid_map"),
        "capabilities": caps.names(int(status["CapEff"], 16)), "same_capabilities": int(status["CapEff"], 16)
        == syscalls.capget()[0] and links["user"] == os.readlink("/proc/self/ns/user"),
    }  # fmt: skip


def hostname(pidfd):
    """The host name that the process behind a pidfd has: seen by going there and back — setns(2)."""
    own = os.open("/proc/self/ns/uts", os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.setns(pidfd, syscalls.CLONE_NEWUTS)
        return os.uname().nodename
    except OSError:
        return None
    finally:
        syscalls.setns(own, syscalls.CLONE_NEWUTS)
        os.close(own)


def read(path):
    """The text of a small file of the kernel's."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
