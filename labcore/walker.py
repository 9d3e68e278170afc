"""The walker: a child of the launcher that walks the plans of one container, and stays its parent until it ends.

It runs in the lab host and does one thing at a time for the notebook at the other end of its socket. A walker that is
killed takes its container's init with it; another walker then walks delete.
"""

import _signal
import fcntl
import gc
import os
import select

from . import default, errors, facts, labhost, pid, runtime, state, step, syscalls, walk, wire
from .image import template


def live(sock):
    """Do what the notebook asks for, one message after the other."""
    this = {"init": None, "handles": {}, "walking": None}
    while True:
        wait_for(sock, this)
        message, fds = wire.receive(sock)
        try:
            answer = globals()[f"do_{message['do']}"](this, fds, **message["with"])
            fds_back = answer.pop("fds", ())
        except errors.LabError as error:
            answer, fds_back = {"error": told(error)}, ()
        except Exception as error:
            answer, fds_back = {"error": told(errors.LabError(errors.describe(error)))}, ()
        wire.send(sock, answer, fds_back)
        for fd in fds_back:
            os.close(fd)
        gc.collect()  # now, while nobody waits: it is switched off otherwise


def told(error):
    """An exception as data."""
    at = error.step.address if isinstance(error, errors.StepFailed) else None
    return {"type": type(error).__name__, "text": error.args[0], "hint": error.hint, "step": at,
            "errno": getattr(getattr(error, "cause", error), "errno", None), "exit_code": error.exit_code}  # fmt: skip


def wait_for(sock, this):
    """Until there is a message; when init ends first, say so — poll(2)."""
    while this["init"]:
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        poll.register(this["pidfd"], select.POLLIN)
        ready = [fd for fd, _ in poll.poll()]
        if this["pidfd"] in ready:
            wire.send(sock, {"ended": reap(this)})
        if sock.fileno() in ready:
            return


def reap(this):
    """The exit code of init, the way a shell says it — waitpid(2)."""
    code = os.waitstatus_to_exitcode(os.waitpid(this["init"], 0)[1])
    os.close(this["pidfd"])
    walk.let_go(this["handles"])
    this["init"] = None
    return code if code >= 0 else 128 - code


def born(this):
    """Remember init, and tell its PID."""
    this["init"] = this["handles"]["init"]
    this["pidfd"] = syscalls.pidfd_open(this["init"])
    return {"pid": this["init"], "fds": [os.dup(this["pidfd"])], "fds_are": "init"}


# -- what a notebook can ask for ---------------------------------------------------------------------------------------


def do_config(this, fds, name, image, args, options, single):
    """A whole configuration from the options of `labcore run`."""
    here = facts.read()
    config = default.config(name, image, args, here, options)
    if single:  # one group is all that is mapped here
        config["process"]["user"]["additionalGids"] = None
        for m in config["mounts"]:
            m["options"] = [word for word in m["options"] if word != "gid=5"]
    return {"config": config}


def do_create(this, fds, name, steps, took=False):
    """Walk create; init waits. Its output goes to the descriptors that came with the message."""
    times = build(this, fds, name, steps, took)
    this["pidfd"] = syscalls.pidfd_open(this["init"])
    return {"pid": this["init"], "took": times, "fds": [os.dup(this["pidfd"])], "fds_are": "init"}


def do_start(this, fds, steps, took=False):
    """Walk start: init becomes the program."""
    return {"took": go(steps, {}, took)}


def do_run(this, fds, name, steps, known, took=False):
    """Run, wait and delete, in one message."""
    times = build(this, fds, name, steps, took)
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(this["init"], 0)[1])
    except BaseException:
        pid.kill(this["init"], pid.start_time(this["init"]), _signal.SIGKILL)
        reap_quietly(this["init"])
        raise
    finally:
        made, this["init"] = this["handles"].get("made", []), None
        walk.let_go(this["handles"])
        runtime.remove(known | {"owned": made})
        null_out()
    return {"code": code if code >= 0 else 128 - code, "took": times}


def build(this, fds, name, steps, took):
    """Walk a create plan; when it fails, what was built is taken down."""
    take_over(fds)
    handles = this["handles"] = {}
    try:
        times = go(steps, handles, took)
    except errors.StepFailed as error:
        runtime.undo(name, handles, error)
        raise
    this["init"] = handles["init"]
    return times


def go(steps, handles, took):
    """Walk; the times of the steps, if anybody wants them."""
    walked = walk.walk([step.Step(*s) for s in steps], handles)
    return [[done.place, done.address, microseconds] for done, microseconds in walked if took]


def do_step(this, fds, steps):
    """Do the next of these steps: {"step", "took"}, or {"done"} after the last."""
    if this["walking"] is None:
        take_over(fds)
        this["handles"] = {}
        this["walking"] = walk.walk([step.Step(*s) for s in steps], this["handles"], one_by_one=True)
    done, microseconds = next(this["walking"], (None, 0))
    if done is None:
        return {"done": True}
    inside = this["handles"].get("init") or this["handles"].get("joiner")
    return {"step": list(done)[:3], "took": microseconds, "pid": inside}


def do_delete(this, fds, name, force=True):
    """Take down what there is of the container; nothing there is no mistake."""
    null_out()
    if this["walking"] is not None:
        this["walking"].close()
        this["walking"] = None
    child = this["handles"].get("init")
    walk.let_go(this["handles"])
    if child and this["init"] is None:
        pid.kill(child, pid.start_time(child), _signal.SIGKILL)
        reap_quietly(child)
    try:
        runtime.delete(name, force=force)
    except errors.NotFound:
        pass
    return {"code": reap(this) if this["init"] else None}


def reap_quietly(child):
    """Collect a child that may have been collected already — waitpid(2)."""
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        pass


def do_kill(this, fds, name, signal):
    """Signal the container's init."""
    runtime.kill(name, signal)
    return {}


def do_exec(this, fds, name, args):
    """Another process in a container that runs; its exit code."""
    take_over(fds)
    p = state.config(state.load(name))["process"] | {"args": args}  # checked when it was created
    handles = {}
    runtime.enter(name, p, handles=handles, attached=True)
    code = os.waitstatus_to_exitcode(os.waitpid(handles["init"], 0)[1])
    walk.let_go(handles)
    return {"code": code if code >= 0 else 128 - code}


def null_out():
    """Let go of the output of a container that is gone."""
    null = os.open("/dev/null", os.O_RDWR)
    take_over([null, os.dup(null), os.dup(null)])


def take_over(fds):
    """Make the descriptors of a message standard input, output and error — dup2(2)."""
    for target, fd in zip((0, 1, 2), fds, strict=False):
        os.dup2(fd, target)
    for fd in fds:
        os.close(fd)


# -- traces ------------------------------------------------------------------------------------------------------------


def clear(root):
    """Take down every container below a lab host's state directory, its cgroup, and last the directory.

    The directory is what the next sweep goes by, if this one is ended in the middle.
    """
    state.DEFAULT_ROOT = root
    for name in state.list_ids():
        try:
            runtime.delete(name, force=True)
        except errors.LabError:
            pass  # what cannot be removed now is for `labcore reset`
    here = facts.read()
    below = "lab-" + os.path.basename(root).split("-")[1]
    for top in {here["cgroup2"], *here["cgroup1"].values()} - {None}:
        for path in (f"{top}/labcore/{below}", f"{top}/labcore"):
            try:
                os.rmdir(path)
            except OSError:
                pass
    try:
        for entry in os.scandir(root):
            if entry.name.startswith("."):
                template.remove(entry.path)
        os.rmdir(root)
    except OSError:
        pass


def sweep(_):
    """Remove what launchers that were killed have left: processes, containers, directories."""
    own = os.path.basename(state.DEFAULT_ROOT)
    parent = os.path.dirname(state.DEFAULT_ROOT)
    for entry in os.listdir(parent):
        if entry.startswith((".lab-", ".new-")) and entry != own and is_left(f"{parent}/{entry}"):
            kill_marked(entry[5:])
            clear(f"{parent}/{entry}")


def is_left(root):
    """Does no launcher hold this lab host's directory any more? — flock(2)."""
    try:
        fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(fd)


def kill_marked(word):
    """Kill what was born on a lab host whose launcher is gone: its mark is in their environment — proc(5)."""
    for number in os.listdir("/proc"):
        try:
            with open(f"/proc/{int(number)}/environ", "rb") as file:
                if f"{labhost.MARK}={word}".encode() in file.read().split(b"\0"):
                    pid.kill(int(number), pid.start_time(int(number)), _signal.SIGKILL)
        except (OSError, ValueError):
            continue  # not a process, or ended, or somebody else's
