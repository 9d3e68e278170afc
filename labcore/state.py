"""What is known of a container, in a directory of its own: state.json, config.json, the door to init.

Making the directory is the lock: of two creates with one ID, exactly one succeeds.
"""

import os
import time

import _socket

from . import errors, jsonfile, pid
from .step import Descriptor

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.")
DEFAULT_ROOT = None  # the command line's --root


def check_id(container_id):
    """Refuse an ID that could be a path or that other tools would stumble over."""
    what = f"container ID {container_id[:40]!r}"
    if not container_id or container_id in (".", ".."):
        raise errors.SpecError(f"{what}: not a name", "use letters, digits and _ + - .")
    if len(container_id) > 255:
        raise errors.SpecError(f"{what}…: longer than 255 characters")
    odd = next((c for c in container_id if c not in _LETTERS), None)
    if odd is not None:
        raise errors.SpecError(f"{what}: invalid character {odd!r}", "use letters, digits and _ + - .")
    return container_id


def root():
    """The directory of all containers, made when missing: /run/labcore, or one of the user's own."""
    runtime, uid = os.environ.get("XDG_RUNTIME_DIR"), os.geteuid()
    path = DEFAULT_ROOT or ("/run/labcore" if uid == 0 else f"{runtime}/labcore" if runtime else f"/tmp/labcore-{uid}")
    try:
        os.makedirs(path, 0o700, exist_ok=True)
    except OSError as error:
        raise errors.HostError(f"{path}: {error.strerror}", "choose another directory with --root") from None
    found = os.lstat(path)
    if found.st_uid != uid or found.st_mode & 0o022 or not os.path.isdir(path) or os.path.islink(path):
        raise errors.HostError(f"{path}: must be a directory that only you can write to", "choose another with --root")
    return path


def directory_of(container_id):
    """The state directory of a container; whether it exists is another question."""
    return f"{root()}/{check_id(container_id)}"


def claim(directory, state, config):
    """Claim the ID, and write down what is about to be made — mkdir(2)."""
    try:
        os.mkdir(directory, 0o700)
    except FileExistsError:
        raise errors.AlreadyExists(f"container {state['id']!r} exists already",
                                   f"remove it with `labcore rm --force {state['id']}`") from None  # fmt: skip
    jsonfile.write(f"{directory}/state.json", state)
    jsonfile.write(f"{directory}/config.json", config)


def update(directory, **changes):
    """Write down what has changed."""
    state = jsonfile.read(f"{directory}/state.json")
    jsonfile.write(f"{directory}/state.json", state | changes)


def own(directory, made):
    """Mark what has been made as this container's own: only that will be removed with it."""
    update(directory, owned=made)


def created(directory, init, pid_file):
    """Write down init and that it waits for start."""
    update(directory, status="created", pid=init, pidStart=pid.start_time(init))
    if pid_file:
        write_pid_file(pid_file, init)


def write_pid_file(path, number):
    """Write a PID for whoever asked for it, at once — rename(2)."""
    with open(f"{path}.new", "w") as file:
        file.write(str(number))
    os.rename(f"{path}.new", path)


def started(directory):
    """Write down that the program runs."""
    update(directory, status="running")
    try:
        os.unlink(f"{directory}/door")
    except FileNotFoundError:
        pass


def listen(directory):
    """Open the door at which start will knock, before the root changes — unix(7)."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    fd = os.open(directory, os.O_PATH | os.O_CLOEXEC)
    try:
        sock.bind(f"/proc/self/fd/{fd}/door")  # a socket's path may have 108 bytes only
    finally:
        os.close(fd)
    sock.listen(1)
    return {"listener": Descriptor(sock.detach())}


def knock(directory):
    """Connect to that door — connect(2)."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    fd = os.open(directory, os.O_PATH | os.O_CLOEXEC)
    try:
        sock.connect(f"/proc/self/fd/{fd}/door")
    except OSError:
        raise errors.StateError("init no longer waits for start") from None
    finally:
        os.close(fd)
    return sock


def load(container_id):
    """The state of a container, its status as it is now: creating, created, running or stopped."""
    directory = directory_of(container_id)
    try:
        state = jsonfile.read(f"{directory}/state.json")
    except FileNotFoundError:
        if os.path.isdir(directory):  # claimed, but its maker died before it wrote a line
            return {"id": container_id, "status": "creating", "pid": 0, "bundle": "", "owned": [], "paths": {},
                    "ociVersion": "1.2.0", "directory": directory, "cgroup": 0}  # fmt: skip
        raise errors.NotFound(f"container {container_id!r} does not exist", "`labcore ps -a` lists them") from None
    except ValueError as error:
        raise errors.StateError(f"container {container_id!r}: its state file is broken: {error}",
                                f"`labcore rm --force {container_id}` removes what is left") from None
    if state["status"] in ("created", "running") and pid.start_time(state["pid"]) != state["pidStart"]:
        state["status"] = "stopped"
    return state | {"directory": directory}


def list_ids():
    """The IDs of all containers, sorted."""
    return sorted(entry.name for entry in os.scandir(root()) if entry.is_dir() and not entry.name.startswith("."))


def forget(directory):
    """Remove the state directory: from here on the ID is free — rmdir(2)."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return
    for name in sorted(names, key=lambda n: n == "state.json"):  # what is still owned is known until the end
        os.unlink(f"{directory}/{name}")
    os.rmdir(directory)


def new(container_id, bundle, spec, facts, cgroup_path, rootless):
    """The first state of a container: creating, and nothing owned yet."""
    return {"ociVersion": spec["ociVersion"], "id": container_id, "status": "creating", "pid": 0, "bundle": bundle,
            "annotations": spec["annotations"], "created": time.time_ns() // 1_000_000_000, "owned": [],
            "cgroup": facts["cgroup"] if cgroup_path else 0, "cgroupPath": cgroup_path, "rootless": rootless,
            "command": spec["process"]["args"] if spec["process"] else []}  # fmt: skip


def config(known):
    """The checked configuration that a container was made with."""
    try:
        return jsonfile.read(f"{known['directory']}/config.json")
    except (OSError, ValueError) as error:
        raise errors.StateError(f"container {known['id']!r}: its config.json is gone or broken: {error}") from None


def exit_code(known):
    """How the program ended, where somebody was there to learn it; else None."""
    try:
        return jsonfile.read(f"{known['directory']}/exit")
    except (OSError, ValueError):
        return None
