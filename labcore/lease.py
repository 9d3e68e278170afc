"""Leases: which container has which address, name and port of a network. Each is a symbolic link.

    /run/labcore/.networks/lab/10.89.0.2 -> web shop 0.0.0.0:8080:80/tcp

symlink(2) makes a link at once with all that it says, or refuses: of many who want one address, one gets it. A lease
ends with its container: where no directory /run/labcore/web is, nobody has this address.
"""

import _socket
import fcntl
import os

from . import errors

ANY = "0.0.0.0"  # published on every address of the host


def lock(root):
    """Be alone with the networks below this directory until the descriptor is closed — flock(2)."""
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd


def root_of(directory):
    """The directory of all containers, from that of a network in it."""
    return os.path.dirname(os.path.dirname(directory))


def number(address):
    """`10.89.0.2` as a number, so that addresses can be counted and compared."""
    return int.from_bytes(_socket.inet_aton(address), "big")


def text(value):
    """And back."""
    return _socket.inet_ntoa(value.to_bytes(4, "big"))


def of(directory):
    """[(address, container, its other names, its ports)] of a network, in the order of the addresses."""
    found = []
    for entry in os.scandir(directory):
        if entry.is_symlink():
            container, *words = os.readlink(entry.path).split(" ")
            ports = [w for w in words if ":" in w]
            found.append((entry.name, container, [w for w in words if w not in ports], ports))
    return sorted(found, key=lambda lease: number(lease[0]))


def everywhere(root):
    """[(directory, lease)] of all networks."""
    top = f"{root}/.networks"
    names = sorted(os.listdir(top)) if os.path.isdir(top) else []
    return [(f"{top}/{name}", lease) for name in names if os.path.isdir(f"{top}/{name}")
            for lease in of(f"{top}/{name}")]  # fmt: skip


def refuse_taken(root, ports):
    """Raise for the first of these ports that a container has."""
    for _, (_, container, _, theirs) in everywhere(root):
        for port in (port for port in ports for other in theirs if overlap(port, other)):
            if os.path.isdir(f"{root}/{container}"):
                raise errors.StateError(f"{option(port)}: port {parts(port)[1]} is taken by container {container!r}",
                                        f"`labcore rm {container}` gives it back")  # fmt: skip


def take(directory, subnet, container, names, ports):
    """Lease a free address of the network, and the host's ports that are to lead to it — symlink(2)."""
    root, (first, last) = root_of(directory), span(subnet)
    fd = lock(root)
    try:
        refuse_taken(root, ports)
        stale = [(at, held) for at, held in everywhere(root) if not os.path.isdir(f"{root}/{held[1]}")]
        for at, held in stale:
            os.unlink(f"{at}/{held[0]}")
        told = " ".join([container, *names, *ports])
        for value in range(first + 2, last):  # the first is the network's own, the second the bridge's, the last is all
            try:
                os.symlink(told, f"{directory}/{text(value)}")
            except FileExistsError:
                continue
            write_hosts(directory)
            return {"address": text(value), "stale": [[held[0], held[3]] for _, held in stale]}
    except FileNotFoundError:
        raise errors.StateError(f"network {os.path.basename(directory)!r} is gone") from None
    finally:
        os.close(fd)
    raise errors.StateError(f"network {os.path.basename(directory)!r} is full: all its addresses are leased",
                            "remove containers, or create a network with a larger --subnet")  # fmt: skip


def held_by(directory, container):
    """[(address, ports)] of a container in a network; nothing where the network is gone."""
    known = of(directory) if os.path.isdir(directory) else []
    return [(address, ports) for address, owner, _, ports in known if owner == container]


def end(directory, container):
    """Give back what a container has of a network — unlink(2)."""
    fd = lock(root_of(directory))
    try:
        for address, _ in held_by(directory, container):
            os.unlink(f"{directory}/{address}")
        write_hosts(directory)
    except FileNotFoundError:
        pass  # the network is gone, and all leases with it
    finally:
        os.close(fd)


def span(subnet):
    """The first and the last address of `10.89.0.0/24`, as numbers."""
    base, _, length = subnet.partition("/")
    return number(base), number(base) + (1 << 32 - int(length)) - 1


def write_hosts(directory):
    """Write who is where into the file that all containers of the network have mounted: in place — hosts(5)."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost"]
    lines += [" ".join([address, container, *names]) for address, container, names, _ in of(directory)]
    rewrite(f"{directory}/hosts", "".join(f"{line}\n" for line in lines))


def rewrite(path, text):
    """Change a file that is there without making a new one — pwrite(2), ftruncate(2)."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(fd, os.pwrite(fd, text.encode(), 0))
    finally:
        os.close(fd)


# -- ports: `IP:HOSTPORT:PORT/PROTOCOL`, with 0.0.0.0 for every address of the host ------------------------------------


def parts(port):
    """(ip, port of the host, port inside, protocol)."""
    words, _, protocol = port.partition("/")
    ip, outside, inside = words.split(":")
    return ip, int(outside), int(inside), protocol


def option(port):
    """A port as somebody has asked for it."""
    ip, outside, inside, protocol = parts(port)
    return f"--publish {'' if ip == ANY else ip + ':'}{outside}:{inside}{'' if protocol == 'tcp' else '/udp'}"


def overlap(port, other):
    """Would both be one port of the host?"""
    (ip, outside, _, protocol), theirs = parts(port), parts(other)
    return (outside, protocol) == (theirs[1], theirs[3]) and (ip == theirs[0] or ANY in (ip, theirs[0]))
