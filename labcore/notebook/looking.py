"""Looking at a process from outside: through its pidfd, and through an actor that nobody sees."""

import ast
import os
import select

from . import link


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


def look(number, pidfd):
    """What the kernel says of a process on the lab host, or in a container there."""
    words = {"code": None, "name": "labcore.actor.look", "args": f"({number},__fd__[0])"}
    answer, _ = eye()._ask("call", words, fds=[pidfd])
    return ast.literal_eval(answer["value"])


def eye():
    """The actor that looks: nobody sees it, and nobody else moves it."""
    from .process import CAST, Process

    found = CAST.get(".eye")
    return found if found is not None and found.alive else Process(".eye")


def in_order(links):
    """The namespaces in the order in which they are taught."""
    from ..namespace import KINDS

    return {kind: links[kind] for kind in KINDS if kind in links}


def facts_for_card(name, seen, state):
    """What views.card draws, with nothing in it that varies from run to run."""
    host = link.here().known["namespaces"]
    links = in_order(seen["namespaces"])
    own = {kind: None if at is None else "host" if at == host[kind] else "own" for kind, at in links.items()}
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


def side(seen, host):
    """What one side of a container looks like, in words that do not vary."""
    kinds = in_order(seen["namespaces"])
    found = {kind: "host's" if at == host["namespaces"][kind] else "own" for kind, at in kinds.items()}
    found["host name"] = seen["hostname"]
    found["root"] = "the host's" if seen["same_root"] else "its own"
    found["program"] = seen["status"]["Name"].strip()
    return found


def eye_on(number):
    """Look at a process by its PID."""
    pidfd = os.pidfd_open(number)
    try:
        return look(number, pidfd)
    finally:
        os.close(pidfd)
