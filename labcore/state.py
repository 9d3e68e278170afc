"""What is known of a container, in a directory of its own. Each file is written once:

    state.json, config.json   at the beginning: who, from where, with which configuration
    owned                     what has been made for it, and goes with it
    door                      the socket at which start knocks; gone once the program runs
    init                      its PID and start time
    exit                      how the program ended, where somebody was there to learn it

Making the directory is the lock: of two creates with one ID, exactly one succeeds.
"""

import _socket
import errno
import os
import time

from . import cgroupfs, errors, jsonfile, pid
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


def root_path():
    """Where the directory of all containers is: /run/labcore, or one of the user's own."""
    runtime, uid = os.environ.get("XDG_RUNTIME_DIR"), os.geteuid()
    return DEFAULT_ROOT or ("/run/labcore" if uid == 0 else f"{runtime}/labcore" if runtime else f"/tmp/labcore-{uid}")


def root():
    """The same, made when missing, and safe: nobody else may write to it."""
    path, uid = root_path(), os.geteuid()
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


def own(directory, made):
    """Mark what has been made as this container's own: only that will be removed with it — rename(2)."""
    jsonfile.write(f"{directory}/owned", made)


def created(directory, init, pid_file):
    """Write down who init is: from here on it can be found and ended — rename(2)."""
    jsonfile.write(f"{directory}/init", {"pid": init, "pidStart": pid.start_time(init)})
    if pid_file:
        write_pid_file(pid_file, init)


def write_pid_file(path, number):
    """Write a PID for whoever asked for it, at once — rename(2)."""
    with open(f"{path}.new", "w") as file:
        file.write(str(number))
    os.rename(f"{path}.new", path)


def started(directory):
    """Take the door away: the program runs — unlink(2)."""
    os.unlink(f"{directory}/door")


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


def send_listener(directory, notify, path, metadata, pid):
    """Hand the filter's questions to the listener, with what is known of the container — sendmsg(2), SCM_RIGHTS."""
    known = load(os.path.basename(directory))
    state = {k: known[k] for k in ("ociVersion", "id", "status", "pid", "bundle", "annotations") if k in known}
    told = {"ociVersion": known["ociVersion"], "fds": ["seccompFd"], "pid": pid or known["pid"],
            "state": state if pid else state | {"status": "creating"}}  # fmt: skip
    data = jsonfile.dumps(told | ({"metadata": metadata} if metadata else {})).encode()
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        sock.connect(path)
        rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, notify.to_bytes(4, "little"))
        sock.sendall(data[sock.sendmsg([data], [rights], _socket.MSG_NOSIGNAL) :], _socket.MSG_NOSIGNAL)
    except OSError as error:
        raise errors.StateError(f"linux.seccomp.listenerPath: {path}: {error.strerror or error}") from None
    finally:
        sock.close()
    os.close(notify)  # the listener's alone from here on: when it dies, nobody waits for an answer for ever
    return {"notify": None}


def load(container_id):
    """The state of a container, its status as it is now: creating, created, running, paused or stopped."""
    directory = directory_of(container_id)
    try:
        state = jsonfile.read(f"{directory}/state.json")
        if not isinstance(state, dict) or not {"id", "ociVersion", "bundle", "cgroup", "cgroupPath"} <= state.keys():
            raise ValueError("something is missing")
    except FileNotFoundError:
        if not os.path.isdir(directory):
            raise errors.NotFound(f"container {container_id!r} does not exist", "`labcore ps -a` lists them") from None
        state = {"id": container_id, "ociVersion": "1.2.0", "bundle": "", "cgroup": 0, "cgroupPath": ""}
    except ValueError as error:
        raise errors.StateError(f"container {container_id!r}: its state file is broken: {error}",
                                f"remove {directory} by hand when nothing runs in it") from None  # fmt: skip
    init, owned = _read(directory, "init", {"pid": 0, "pidStart": None}), _read(directory, "owned", [])
    return state | init | {"directory": directory, "owned": owned, "status": _status(directory, init, owned)}


def _status(directory, init, owned):
    """What the files and the kernel say together; nothing is written when it changes."""
    if not init["pid"]:
        return "creating"
    if pid.start_time(init["pid"]) != init["pidStart"]:
        return "stopped"
    if cgroupfs.is_frozen(owned):
        return "paused"
    return "created" if os.path.exists(f"{directory}/door") else "running"


def _read(directory, name, missing):
    try:
        found = jsonfile.read(f"{directory}/{name}")
    except (FileNotFoundError, ValueError):
        return missing
    return found if type(found) is type(missing) else missing


def dismiss(directory):
    """Knock and go away: an init that waits, and that nobody wrote down, ends — connect(2)."""
    try:
        knock(directory).close()
    except (errors.StateError, FileNotFoundError):
        pass  # nobody is there


def list_ids():
    """The IDs of all containers, sorted."""
    if not os.path.isdir(root_path()):
        return []
    return sorted(entry.name for entry in os.scandir(root()) if entry.is_dir() and not entry.name.startswith("."))


def forget(directory):
    """Remove the state directory: from here on the ID is free — rmdir(2)."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return
    for name in sorted(names, key=lambda n: n == "state.json"):  # what is still owned is known until the end
        try:
            os.unlink(f"{directory}/{name}")
        except FileNotFoundError:
            pass  # the monitor has given it its last name
    try:
        os.rmdir(directory)
    except FileNotFoundError:
        pass  # another delete was faster
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        forget(directory)  # the monitor has just written down how the program ended


def new(container_id, bundle, spec, facts, cgroup_path, rootless, network=None):
    """What is known from the beginning; what is found out later has files of its own."""
    return {"ociVersion": spec["ociVersion"], "id": container_id, "bundle": bundle,
            "annotations": spec["annotations"], "created": time.time_ns() // 1_000_000_000,
            "cgroup": facts["cgroup"] if cgroup_path else 0, "cgroupPath": cgroup_path, "rootless": rootless,
            "command": spec["process"]["args"] if spec["process"] else [],
            "cgroupTop": facts["cgroup2"] if facts["cgroup"] == 2 and cgroup_path else None,
            } | ({"network": network} if network else {})  # fmt: skip


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
