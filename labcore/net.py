"""Network namespace: devices, addresses, routes and ports of one's own. (notebook 04)

A container of a network has one end of a veth pair, eth0; the other hangs on the network's bridge on the host. What the
host does is said to ip(8) and nft(8) in their own words, one call each: `start` is given the very lines to retype.
"""

import _socket
import fcntl
import os

from . import errors, lease
from .step import handle, host, inside

_SIOCADDRT, _SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK = 0x890B, 0x8913, 0x8914, 0x8916, 0x891C
_IFF_UP, _RTF_UP, _RTF_GATEWAY = 1, 1, 2
PROGRAMS = {"ip": ("iproute2", ["-batch", "-"]), "nft": ("nftables", ["-f", "-"])}  # name: (package, words)
LINK = "eth0"  # what a container calls its end
GONE = ("File exists", "No such file")  # nft: the element leads elsewhere, or its table is gone; in no case is it ours


# -- inside: a socket and a request of netdevice(7) --------------------------------------------------------------------


def set_loopback_up():
    """Switch on lo, which every new network namespace has and which starts down — netdevice(7)."""
    _set_up("lo")


def set_address(link, address, prefix_length):
    """Give a device its address and switch it on; what lies in the same subnet can be reached then — netdevice(7)."""
    mask = lease.text((1 << 32) - (1 << 32 - prefix_length))
    for request, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, mask)):
        _ask(request, bytearray(link.encode().ljust(16, b"\0") + _internet(value) + bytes(8)))
    _set_up(link)


def add_route(gateway):
    """Send what goes anywhere else to the gateway, which is the bridge's address — route(8), rtnetlink(7)."""
    anywhere = _internet(lease.ANY)
    flags = (_RTF_UP | _RTF_GATEWAY).to_bytes(2, "little")
    # struct rtentry: a pad, destination, gateway, mask, flags; the rest is left to the kernel
    _ask(_SIOCADDRT, bytearray(bytes(8) + anywhere + _internet(gateway) + anywhere + flags).ljust(120, b"\0"))


def _set_up(link):
    request = bytearray(link.encode().ljust(40, b"\0"))  # struct ifreq: 16 bytes name, then the flags
    _ask(_SIOCGIFFLAGS, request)
    request[16] |= _IFF_UP
    _ask(_SIOCSIFFLAGS, request)


def _ask(request, value):
    sock = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
    try:
        fcntl.ioctl(sock, request, value)
    finally:
        sock.close()


def _internet(address):
    """An address as struct sockaddr_in without a port — ip(7)."""
    return _socket.AF_INET.to_bytes(2, "little") + bytes(2) + _socket.inet_aton(address) + bytes(8)


# -- the host's side: a cable, and ports -------------------------------------------------------------------------------


def publish(directory, container, address, ports, stale):
    """Begin to lead ports of the host to the container's address — nft(8)."""
    lines = "".join(delete_elements(*old) for old in stale) + create_elements(address, ports)
    if not lines:
        return {"publishing": None}
    turn = lease.lock(f"{lease.root_of(directory)}/{container}")  # nft keeps it to its end, whoever is killed meanwhile
    try:
        os.set_inheritable(turn, True)
        return {"publishing": start("nft", lines)}
    finally:
        os.close(turn)


def attach(pid, link, bridge, address):
    """Begin to lay a cable from the network's bridge into the container: a pair of devices — ip-link(8), veth(4)."""
    # a hardware address made of the address: who has talked to the last one here finds the next one
    mac = ":".join(["02:00", *(f"{byte:02x}" for byte in _socket.inet_aton(address))])
    # hairpin: what a container sends to a port that it has published itself comes back through the same cable
    lines = (f"link add {link} type veth peer name {LINK} address {mac} netns {pid}\n"
             f"link set {link} master {bridge} up\n"
             f"link set {link} type bridge_slave hairpin on\n")  # fmt: skip
    return {"cable": start("ip", lines)}


def await_connection(cable, publishing, ports):
    """Go on only when the cable is there and the ports lead to its end — waitpid(2)."""
    cable.check()
    if publishing and "File exists" in publishing.check("File exists"):
        raise errors.StateError(f"{', '.join(map(lease.option, ports))}: taken, but by no container that is known here",
                                "`nft list table ip labcore` shows by which address")  # fmt: skip


def unpublish(directory, container):
    """Begin to take the ports away that lead to this container's address, and no others — nft(8)."""
    os.close(lease.lock(f"{lease.root_of(directory)}/{container}"))
    lines = "".join(delete_elements(*held) for held in lease.held_by(directory, container))
    return {"unpublishing": start("nft", lines) if lines else None}


def detach(link):
    """Take the cable away, if it has not gone with the container's namespace — ip-link(8)."""
    if exists(link):
        cut = start("ip", f"link delete {link}\n")
        cut.wait()
        if exists(link):  # and has not gone just now
            cut.check()


def give_back(directory, container, unpublishing):
    """When the ports are gone, end the lease of the address — waitpid(2), unlink(2)."""
    if unpublishing and "File exists" in unpublishing.check(*GONE):  # one leads elsewhere: then each by itself
        for address, port in [(at, port) for at, ports in lease.held_by(directory, container) for port in ports]:
            start("nft", delete_elements(address, [port])).check(*GONE)
    lease.end(directory, container)


def create_elements(address, ports):
    """The lines for nft: `create` refuses a port that is there already."""
    return "".join(f"create element ip labcore {where} {{ {key} : {address} . {inside} }}\n"
                   for where, key, inside in map(_element, ports))  # fmt: skip


def delete_elements(address, ports):
    """The lines to take them away. `add` makes sure that each is ours: nft refuses all if one leads elsewhere."""
    return "".join(f"add element ip labcore {where} {{ {key} : {address} . {inside} }}\n"
                   f"delete element ip labcore {where} {{ {key} }}\n"
                   for where, key, inside in map(_element, ports))  # fmt: skip


def _element(port):
    ip, outside, inside, protocol = lease.parts(port)
    if ip == lease.ANY:
        return "ports", f"{protocol} . {outside}", inside
    return "ports_at", f"{ip} . {protocol} . {outside}", inside


def exists(link):
    """Is there a device of this name? — if_nameindex(3)"""
    return any(name == link for _, name in _socket.if_nameindex())


# -- ip and nft --------------------------------------------------------------------------------------------------------


def start(name, lines):
    """Start one of them on these lines, and do not wait for it — posix_spawn(3)."""
    program = find(name)
    (listen, speak), (ear, mouth) = os.pipe(), os.pipe()
    os.write(speak, lines.encode())  # a pipe holds 64 KiB
    os.close(speak)
    actions = [(os.POSIX_SPAWN_DUP2, listen, 0), (os.POSIX_SPAWN_DUP2, mouth, 1), (os.POSIX_SPAWN_DUP2, mouth, 2)]
    try:  # in a process group of its own: a Ctrl-C is for us, who decide what to do about it
        pid = os.posix_spawn(program, [program, *PROGRAMS[name][1]], {"LC_ALL": "C"}, file_actions=actions,
                             setpgroup=0)  # fmt: skip
    except OSError:
        os.close(ear)
        raise
    finally:
        os.close(listen)
        os.close(mouth)
    return Started(name, pid, ear)


def find(name):
    """Where a program is; HostError when it is not installed."""
    for directory in (os.environ.get("PATH", "") + ":/usr/sbin:/sbin").split(":"):  # which a user's often lacks
        if directory and os.access(f"{directory}/{name}", os.X_OK):
            return f"{directory}/{name}"
    raise errors.HostError(f"{name} is not installed", f"apt install {PROGRAMS[name][0]}")


class Started:
    """A program on its way; close() waits for it, too: nothing may happen behind our back."""

    def __init__(self, name, pid, ear):
        self.name, self.pid, self.ear, self.code, self.said = name, pid, ear, None, ""

    def wait(self):
        """What it said, when it has ended — waitpid(2)."""
        if self.code is None:
            with os.fdopen(self.ear, encoding="utf-8", errors="replace") as ear:
                self.said = ear.read()
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.said

    close = wait

    def check(self, *harmless):
        """What it said; raised if it did not do what it was told, unless it said one of these words."""
        said = self.wait()
        if self.code and not any(words in said for words in harmless):
            lines = [line for line in said.splitlines() if line and not line.startswith("Command failed")]
            why = lines[0].rpartition("Error: ")[2] if lines else f"ended with {self.code}"
            raise errors.HostError(f"{self.name}: {why.removeprefix('RTNETLINK answers: ')}")
        return said


# -- plans -------------------------------------------------------------------------------------------------------------


def plan(spec):
    """lo is switched on in a network namespace that is new."""
    if any(n["type"] == "network" and not n.get("path") for n in spec["linux"]["namespaces"]):
        yield inside(set_loopback_up)


def plan_connect(network):
    """([before anything else is made], [when init is born], [late: ip and nft had time while the rest was made])."""
    if not network:
        return [], [], []
    ports, link, address = network["ports"], network["link"], handle("address")
    whose = {k: network[k] for k in ("directory", "container")}
    return (
        [host(lease.take, **whose, subnet=network["subnet"], names=network["names"], ports=ports),
         host(publish, **whose, address=address, ports=ports, stale=handle("stale"))],
        [host(attach, pid=handle("init"), link=link, bridge=network["bridge"], address=address)],
        [host(await_connection, cable=handle("cable"), publishing=handle("publishing"), ports=ports),
         inside(set_address, link=LINK, address=address, prefix_length=int(network["subnet"].partition("/")[2])),
         inside(add_route, gateway=network["gateway"])],
    )  # fmt: skip


def plan_delete(network):
    """([first, so that nft has time again], [last but for the state])."""
    if not network:
        return [], []
    whose = {k: network[k] for k in ("directory", "container")}
    end, cut = host(give_back, **whose, unpublishing=handle("unpublishing")), host(detach, link=network["link"])
    return [host(unpublish, **whose)], [cut, end]
