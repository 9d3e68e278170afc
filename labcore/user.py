"""User namespace: user IDs of one's own, and root that is not root. (notebook 06)"""

import _signal
import os

from . import errors, syscalls
from .step import handle, host, inside


def write_maps(pid, uid_maps, gid_maps):
    """Say which IDs inside are which IDs outside — user_namespaces(7)."""
    for kind, maps in (("uid", uid_maps), ("gid", gid_maps)):
        if os.geteuid() == 0:
            _write(pid, f"{kind}_map", _lines(maps))
        elif len(maps) == 1 and maps[0]["size"] == 1:
            if kind == "gid":
                _write(pid, "setgroups", "deny")  # an ordinary user may map a group only after giving up setgroups
            _write(pid, f"{kind}_map", _lines(maps))
        else:
            _ask_newidmap(f"new{kind}map", pid, maps)


def _lines(maps):
    return "".join(f"{m['containerID']} {m['hostID']} {m['size']}\n" for m in maps)


def _write(pid, name, text):
    fd = os.open(f"/proc/{pid}/{name}", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())  # the kernel takes the whole map in one write, or none of it
    except OSError as error:
        raise OSError(error.errno, f"write {text.split(chr(10))[0]!r} to {name}: {error.strerror}") from None
    finally:
        os.close(fd)


def _ask_newidmap(program, pid, maps):
    numbers = [str(m[k]) for m in maps for k in ("containerID", "hostID", "size")]
    try:
        child = os.posix_spawnp(program, [program, str(pid), *numbers], os.environ)
    except FileNotFoundError:
        raise errors.HostError(f"{program} is not installed", "apt install uidmap") from None
    if os.waitpid(child, 0)[1]:
        raise errors.HostError(f"{program} refused the map", "see /etc/subuid and /etc/subgid, subuid(5)")


def become_root():
    """Be user and group 0 of the new user namespace — setresuid(2)."""
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, _signal.SIGKILL)  # which a change of IDs clears


def subordinate_ids(path, name, uid):
    """The first (start, count) that this file grants the user, or None — subuid(5)."""
    return next(((start, count) for owner, start, count in grants(path) if owner in (name, str(uid))), None)


def grants(path):
    """(owner, start, count) of each line of /etc/subuid or /etc/subgid — subuid(5)."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    with os.fdopen(fd) as file:
        for line in file:
            owner, _, rest = line.strip().partition(":")
            start, _, count = rest.partition(":")
            if start.isdigit() and count.isdigit():
                yield owner, int(start), int(count)


def plan_host(spec):
    """The host writes the maps; init cannot."""
    if any(n["type"] == "user" and not n.get("path") for n in spec["linux"]["namespaces"]):
        yield host(write_maps, pid=handle("init"), uid_maps=spec["linux"]["uidMappings"],
                   gid_maps=spec["linux"]["gidMappings"])  # fmt: skip


def plan(spec):
    """Then init becomes root inside."""
    if any(n["type"] == "user" for n in spec["linux"]["namespaces"]):
        yield inside(become_root)
