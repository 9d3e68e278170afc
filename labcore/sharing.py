"""Which namespaces a container of `labcore run` has of its own, and whose it shares; and which IDs it gets."""

import os

from . import errors, namespace, state, user

NAMESPACES = ["uts", "ipc", "pid", "network", "mount", "cgroup"]
AUTO_SIZE = 65536


def namespaces(options, facts):
    """`linux.namespaces` for --pid, --ipc, --uts and --network: one's own, the host's, or another container's.

    The second value is the `linux` of a container whose user namespace comes with what is joined, else None.
    """
    found, owners = [], []
    for kind in NAMESPACES:
        word = options.get(kind) or "private"
        if word.startswith("container:"):
            found.append({"type": kind, "path": path_of(kind, word, owners)})
        elif word != "host":
            _check_word(kind, word)
            found.append({"type": kind})
        elif kind == "pid" and not facts["root"]:
            raise errors.SpecError("--pid host: needs root", "only root may mount /proc for the host's processes")
    if owners and options.get("userns"):
        raise errors.SpecError(f"--userns: {owners[0]['id']!r} has a user namespace, and who enters it takes its IDs")
    if len({o["id"] for o in owners}) > 1:
        raise errors.SpecError(f"--pid, --ipc, --uts, --network: {owners[0]['id']!r} and {owners[1]['id']!r} have user "
                               "namespaces of their own, and only one can be entered")  # fmt: skip
    if owners:
        found.append({"type": "user", "path": path_of("user", f"container:{owners[0]['id']}", [])})
    return found, state.config(owners[0])["linux"] if owners else None


def _check_word(kind, word):
    if word != "private" and kind != "network":
        raise errors.SpecError(f"--{kind} {word!r}: must be private, host or container:NAME")


def path_of(kind, word, owners):
    """A path to the namespace of a container that runs: of a descriptor, which no later process can take over."""
    name = word.partition(":")[2]
    known = state.load(name)
    if known["status"] != "running":
        raise errors.StateError(f"--{kind} {word}: container {name!r} is {known['status']}, not running")
    if any(n["type"] == "user" for n in state.config(known)["linux"]["namespaces"]) and kind != "user":
        owners.append(known)
    try:
        fd = os.open(f"/proc/{known['pid']}/ns/{namespace.OCI_TYPES[kind]}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise errors.StateError(f"--{kind} {word}: {os.strerror(error.errno)}") from None
    if state.load(name)["status"] != "running":  # still: so it was this process whose namespace was opened
        raise errors.StateError(f"--{kind} {word}: container {name!r} has just ended")
    return f"/proc/self/fd/{fd}"


def mounts(usual, namespaces, ids):
    """The usual mounts, but where a user namespace shares the host's network or IPC, the host's file systems for them.

    sysfs and mqueue belong to a namespace, and only its owner may mount them.
    """
    own = {n["type"] for n in namespaces}
    if not ids:
        return usual
    if "ipc" not in own:
        usual = [m for m in usual if m["type"] != "mqueue"]
    if "network" not in own:
        host = {"destination": "/sys", "type": "bind", "source": "/sys",
                "options": ["rbind", "nosuid", "noexec", "nodev", "rro"]}  # fmt: skip
        usual = [host if m["destination"] == "/sys" else m for m in usual if m["destination"] != "/sys/fs/cgroup"]
    return usual


# -- IDs ---------------------------------------------------------------------------------------------------------------


def user_maps(word, facts, rootless=False):
    """{uidMappings, gidMappings} for --userns, or {} where no user namespace is wanted."""
    if word in (None, "host") and facts["root"] and not rootless:
        return {}
    if word == "host":
        raise errors.SpecError("--userns host: needs root")
    if word is None or word == "auto" and not facts["root"]:
        uids, gids = id_maps(facts["uid"], facts["gid"])
    elif word == "auto":
        uids = gids = [{"containerID": 0, "hostID": first_free_id(), "size": AUTO_SIZE}]
    else:
        uids = gids = [_range(part, word) for part in word.split(",")]
        if not any(m["containerID"] == 0 for m in uids):
            raise errors.SpecError(f"--userns {word!r}: root inside, 0, is not mapped", "begin with 0:HOST:SIZE")
    return {"uidMappings": uids, "gidMappings": gids}


def _range(part, word):
    numbers = part.split(":")
    if len(numbers) != 3 or not all(n.isascii() and n.isdigit() and len(n) < 11 for n in numbers):
        raise errors.SpecError(f"--userns {word!r}: must be auto, host, or CONTAINER:HOST:SIZE",
                               "0:100000:65536 lets root inside be 100000 outside") from None  # fmt: skip
    return dict(zip(("containerID", "hostID", "size"), map(int, numbers), strict=True))


def first_free_id():
    """The first ID above all that subuid(5) and subgid(5) give away: nobody else has what begins there."""
    ends = [100_000]
    for path in ("/etc/subuid", "/etc/subgid"):
        ends += [start + count for _, start, count in user.grants(path)]
    if max(ends) + AUTO_SIZE > 0xFFFFFFFF:
        raise errors.HostError("--userns auto: no IDs are left above those in /etc/subuid and /etc/subgid",
                               "choose a range with --userns CONTAINER:HOST:SIZE")  # fmt: skip
    return max(ends)


def id_maps(uid, gid):
    """Maps for an ordinary user: root inside is the user, the rest the subordinate IDs, where there are any."""
    found = []
    name = _user_name(uid)
    for own, path in ((uid, "/etc/subuid"), (gid, "/etc/subgid")):
        maps = [{"containerID": 0, "hostID": own, "size": 1}]
        sub = user.subordinate_ids(path, name, uid) if os.access("/usr/bin/newuidmap", os.X_OK) else None
        found.append(maps + ([{"containerID": 1, "hostID": sub[0], "size": sub[1]}] if sub else []))
    return found if len(found[0]) == len(found[1]) else [maps[:1] for maps in found]


def _user_name(uid):
    with open("/etc/passwd", encoding="utf-8", errors="replace") as file:
        rows = [line.split(":") for line in file]
    return next((r[0] for r in rows if len(r) > 2 and r[2] == str(uid)), str(uid))
