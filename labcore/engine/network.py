"""Networks: a bridge on the host, a subnet of addresses, and rules for what passes. (notebook 04)

    /run/labcore/.networks/lab/network.json   what it is: written before anything of it is made
                               hosts          made last: without it a network is half made, by one who was killed
                               resolv.conf    the name servers of the host
                               10.89.0.2      a lease: who has this address, and which ports lead to it

`forwarding`, beside the networks, is what the host's ip_forward was before the first of them.
"""

import os

from .. import errors, jsonfile, lease, net, state
from . import bridge, ports, subnets

DEFAULT = "lab"  # made when somebody first asks for it
WORDS = ("none", "private", "host")  # which mean something else for --network
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def top():
    """The directory of all networks."""
    return f"{state.root()}/.networks"


def check_name(name):
    """Refuse what cannot be part of a device's name, lab-NAME."""
    if not name or name[0] in "_-" or not _LETTERS.issuperset(name):
        raise errors.SpecError(f"network {name[:40]!r}: not a name", "use letters, digits, _ and -")
    if len(name) > 11:
        raise errors.SpecError(f"network {name[:40]!r}: longer than 11 characters",
                               "its bridge is lab-NAME, and a device's name has 15 at most")  # fmt: skip
    if name in WORDS:
        raise errors.SpecError(f"network {name!r}: this word means something else for --network")
    return name


def create(name, subnet=None):
    """Make a network; what fails half-way is taken down again."""
    directory, wanted = f"{top()}/{check_name(name)}", None if subnet is None else subnets.parse(subnet)
    for program in net.PROGRAMS:
        net.find(program)  # before anything is made
    fd = lease.lock(state.root())
    try:
        if os.path.exists(f"{directory}/hosts"):
            raise errors.AlreadyExists(f"network {name!r} exists already", f"`labcore network rm {name}` removes it")
        if os.path.isdir(directory):
            _take_down(directory)  # somebody was killed while making it
        known = describe(name, wanted)
        os.makedirs(directory, 0o700)
        try:
            jsonfile.write(f"{directory}/network.json", known)
            bridge.build(known, top())
            refresh_name_servers(directory)
            _make(f"{directory}/hosts")
            lease.write_hosts(directory)
        except BaseException:
            _take_down(directory)
            raise
        return known | {"directory": directory}
    finally:
        os.close(fd)


def describe(name, wanted=None):
    """What a network of this name would be; nothing is made."""
    taken = subnets.of_host() | {n["subnet"]: f"network {n['name']!r}" for n in everyone()}
    subnet = subnets.choose(wanted, taken)
    mac = ":".join(["02", *(f"{byte:02x}" for byte in os.urandom(5))])  # by which the bridge is known as ours
    return {"name": name, "subnet": subnet, "gateway": lease.text(lease.span(subnet)[0] + 1),
            "bridge": f"lab-{name}", "mac": mac}  # fmt: skip


def _make(path):
    """An empty file that every user of a container may read, whatever the umask is."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    os.fchmod(fd, 0o644)
    os.close(fd)


def remove(name):
    """Take a network down that no container uses any more."""
    directory = f"{top()}/{check_name(name)}"
    fd = lease.lock(state.root())
    try:
        if not os.path.isdir(directory):
            raise _unknown(name)
        owners = [container for _, container, _, _ in lease.of(directory)]
        used = [container for container in owners if os.path.isdir(f"{state.root()}/{container}")]
        if used:
            raise errors.StateError(f"network {name!r} is in use by {', '.join(used)}",
                                    f"labcore rm --force {' '.join(used)}")  # fmt: skip
        _take_down(directory)
    finally:
        os.close(fd)


def _take_down(directory):
    """Whatever of it is there; with the last network also what all of them share."""
    try:
        known = jsonfile.read(f"{directory}/network.json")
    except (FileNotFoundError, ValueError):
        known = None  # nothing was made before it was written
    if known:
        bridge.take_down(known, lease.of(directory))
    for entry in os.listdir(directory):
        os.unlink(f"{directory}/{entry}")
    os.rmdir(directory)
    if not names():
        bridge.take_down_last(top())
        os.rmdir(top())


def names():
    """The names of all networks, also of those that are half made."""
    path = f"{state.root_path()}/.networks"
    return sorted(entry.name for entry in os.scandir(path) if entry.is_dir()) if os.path.isdir(path) else []


def everyone():
    """What is known of every network, in the order of their names."""
    found = []
    for name in names():
        try:
            found.append(jsonfile.read(f"{top()}/{name}/network.json") | {"directory": f"{top()}/{name}"})
        except (OSError, ValueError):
            continue  # removed while we looked
    return found


def load(name, refresh=True):
    """What is known of one network, with the host's name servers of now; it waits while somebody makes it."""
    directory = f"{top()}/{check_name(name)}"
    fd = lease.lock(state.root())
    try:
        if not os.path.exists(f"{directory}/hosts"):
            raise _unknown(name)
        if refresh:
            refresh_name_servers(directory)
        return jsonfile.read(f"{directory}/network.json") | {"directory": directory}
    finally:
        os.close(fd)


def _unknown(name):
    return errors.NotFound(f"network {name!r} does not exist", f"labcore network create {name}")


def load_or_make(name):
    """The same, but the default network is made when it is not there."""
    try:
        return load(name)
    except errors.NotFound:
        if name != DEFAULT:
            raise
    try:
        return create(name)
    except errors.AlreadyExists:
        return load(name)  # another was faster


def place(container_id, name, publish, hostname, make=True):
    """A container's place in a network, as state.json has it; without `make` nothing is touched."""
    published = ports.parse(publish)
    for port in published if make else ():
        ports.check_free(port)
    if make:
        lease.refuse_taken(state.root(), published)  # before a network is made for nothing
    try:
        known = load_or_make(name) if make else load(name, refresh=False)
    except errors.NotFound:
        if make or name != DEFAULT:
            raise
        known = describe(name) | {"directory": f"{top()}/{name}"}
    return {k: known[k] for k in ("name", "directory", "subnet", "gateway", "bridge")} | {
        "link": f"lab{os.urandom(6).hex()}", "container": container_id, "ports": published,
        "names": [hostname] if hostname != container_id and _is_plain(hostname) else []}  # fmt: skip


def _is_plain(name):
    try:
        return bool(state.check_id(name))
    except errors.SpecError:
        return False


def mounts(place, covered):
    """The files with names and name servers, where a container has no mounts of its own."""
    return [{"destination": f"/etc/{file}", "type": "bind", "source": f"{place['directory']}/{file}",
             "options": ["bind", "ro", "nosuid", "nodev", "noexec"]}
            for file in ("hosts", "resolv.conf") if f"/etc/{file}" not in covered]  # fmt: skip


def refresh_name_servers(directory):
    """Bring resolv.conf up to date, in place — resolv.conf(5)."""
    text, path = "", f"{directory}/resolv.conf"
    for source in ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"):
        text = text or name_servers(_read(source))
    if not os.path.exists(path):
        _make(path)
    if _read(path) != text:
        lease.rewrite(path, text)


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 16)
    except OSError:
        return ""


def name_servers(text):
    """The host's resolv.conf without the servers that only the host itself can reach; '' when none is left."""
    kept = [line for line in text.splitlines() if not _is_loopback(line.split())]
    return "".join(f"{line}\n" for line in kept) if any(line.startswith("nameserver") for line in kept) else ""


def _is_loopback(words):
    return words[:1] == ["nameserver"] and (words[1:] or [""])[0].startswith(("127.", "::1", "fe80:"))
