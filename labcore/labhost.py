"""The lab host: a small machine of its own, in which a notebook's processes live. The first half of a launcher's life.

It has its own host name (`host`), IPC, network and mounts, and without root also its own user IDs; process IDs and
cgroups stay the machine's. What a lesson breaks there is gone with the launcher.

The process then becomes the launcher, from a copy of the interpreter that cannot be written: whatever runs inside a
container may reach /proc/PID/exe of its maker, and would otherwise own the host's Python (CVE-2019-5736).
"""

import _socket
import os
import sys

from . import errors, ipc, net, syscalls, user, wire

BOOT = "import sys; sys.path.append(sys.argv[1]); from labcore import {0}; {0}.main()"
FLAGS = ("-I", "-S", "-B", "-X", "utf8")
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/",
               "LANG": "C.UTF-8", "TERM": "dumb"}  # fmt: skip
MARK = "LABCORE_LAB"  # in the environment of everything born on a lab host: what a killed launcher left is found by it


def main():
    """Enter a new lab host and become its launcher; the notebook hears why not."""
    line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, os.dup(0))
    try:
        enter(line)
        become_launcher()
    except (OSError, errors.LabError) as error:
        wire.send(line, {"failed": errors.describe(error), "hint": getattr(error, "hint", None)})


def command(interpreter, module, parent, *arguments):
    """The argument list that runs labcore.MODULE with nothing of a user's around it."""
    return [interpreter, *FLAGS, "-c", BOOT.format(module), parent, *arguments]


def enter(line):
    """Leave the machine's UTS, IPC, network and mount namespaces for new ones — unshare(2)."""
    what = "a user namespace" if os.geteuid() else "the lab host's namespaces"
    try:
        if os.geteuid():
            _become_root(line)
        syscalls.unshare(syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWNS)
    except OSError as error:
        raise errors.HostError(f"this machine refuses {what}: {os.strerror(error.errno)}",
                               "run the notebook as root, or as a user with sudo; `labcore doctor` says more") from None
    # from the machine inwards mounts may come, outwards none; and the copies share among themselves, as under systemd
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_SLAVE)
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_SHARED)
    syscalls.sethostname("host")
    ipc.join_session_keyring()  # what a lesson puts there is no matter of the notebook's login, and goes with the lab
    net.set_loopback_up()
    try:  # whether the machine forwards is no concern of a lesson: here it does not until asked to
        with open("/proc/sys/net/ipv4/ip_forward", "w") as file:
            file.write("0")
    except OSError:
        pass


def _become_root(line):
    """Without root: be root of a user namespace. Only a process outside may map more than one ID: the notebook does."""
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    wire.send(line, {"map": os.getpid()})
    try:
        answer, _ = wire.receive(line)
    except EOFError:
        raise errors.LabError("the notebook is gone") from None
    if answer.get("failed"):
        raise errors.HostError(f"the user namespace got no ID map: {answer['failed']}", answer.get("hint"))
    user.become_root()
    try:
        os.setgroups([])
    except PermissionError:
        pass  # with one group mapped, setgroups(2) has been given up


def become_launcher():
    """Start again as the launcher, from a read-only copy of the interpreter — open_tree(2), execveat(2)."""
    interpreter = os.path.realpath(sys.executable)
    tree = syscalls.open_tree(syscalls.AT_FDCWD, interpreter, syscalls.OPEN_TREE_CLONE)
    syscalls.mount_setattr(tree, "", syscalls.MOUNT_ATTR_RDONLY)
    mark = f"{os.getpid()}-{os.urandom(8).hex()}"
    environment = [f"{k}={v}" for k, v in ENVIRONMENT.items()] + [f"{MARK}={mark}"]
    os.chdir("/")
    syscalls.prepare_execveat(tree, command(interpreter, "launcher", *sys.argv[1:]), environment)()
