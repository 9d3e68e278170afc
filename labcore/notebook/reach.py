"""Who reaches what: objects of System V IPC, keys, files and sockets, each process asked what it finds itself.

Played by the processes: an object is the same for two of them when the kernel says so (namespace and ID, device and
inode, the number of a key).
"""

import errno
import os

from .. import syscalls

KINDS = {"msg": "queue", "sem": "semaphores", "shm": "memory"}  # as in /proc/sysvipc


def rows(processes, others=()):
    """(what, [does each process reach it?]) for what any of them finds: IPC objects first, then `others`."""
    found = {}  # identity → (what, who)
    for at, who in enumerate(processes):
        for identity, what in [*objects(who), *(each for name in others for each in elsewhere(who, name))]:
            found.setdefault(identity, (what, set()))[1].add(at)
    order = sorted(found.values(), key=lambda pair: [*KINDS.values(), *others].index(pair[0].partition(" 0x")[0]))
    return [(what, [at in reached for at in range(len(processes))]) for what, reached in order]


def objects(who):
    """What lies in this process's IPC namespace — proc(5), /proc/sysvipc."""
    space = who.ns("ipc")
    for file, kind in KINDS.items():
        for line in who.out(f"cat /proc/sysvipc/{file}").splitlines()[1:]:
            key, number = map(int, line.split()[:2])
            yield (space, kind, number), f"{kind} 0x{key & 0xFFFFFFFF:x}" if key else f"{kind} 0x0, no key"


def elsewhere(who, name):
    """A file by its path, an abstract socket as `@name`, a key as `key name`: found, or not."""
    if name.startswith("key "):
        identity = attempt(who, syscalls.request_key, name.partition(" ")[2])
    elif name.startswith("@"):
        known = [line.split()[-1] for line in who.out("cat /proc/net/unix").splitlines()]
        identity = who.ns("net") if name in known else None
    else:
        found = attempt(who, os.stat, name)
        identity = found and found[1:3]
    if identity is not None:
        yield (name, identity), name


def attempt(who, function, *args):
    """What a call gives, None if there is no such thing for them."""
    try:
        return who.call(function, *args)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOKEY, errno.EACCES, errno.ENOSYS, errno.EPERM):
            raise
        return None
