"""Network namespace: devices, addresses, routes and ports of one's own. (notebook 04)

A container of a network has one end of a veth pair, eth0; the other hangs on the network's bridge on the host. What the
host does is said to ip(8) and nft(8) in their own words, one call each: `run` is given the very lines to retype.
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


# -- the host's side ---------------------------------------------------------------------------------------------------


def take_address(directory, subnet, container, names, ports):
    """Lease a free address of the network, and the host's ports that are to lead to it — symlink(2)."""
    address, stale = lease.take(directory, subnet, container, names, ports)
    return {"address": address, "stale": [[at, ports] for at, _, _, ports in stale]}


def attach(pid, link, bridge, address, ports, stale):
    """Lay a cable from the bridge into the container, and lead the published ports there — veth(4), nft(8)."""
    rules = "".join(unpublish(*old) for old in stale) + publish(address, ports)
    done = run(("ip", cable(pid, link, bridge)), *([("nft", rules)] if rules else []))
    for name, code, said in done:
        if code and name == "nft" and "File exists" in said:
            raise errors.StateError(f"{' '.join(map(lease.option, ports))}: taken by somebody who is not in this list",
                                    "nft list table ip labcore")  # fmt: skip
        check(name, code, said)


def detach(directory, container, link):
    """Take away the cable, the ports and the lease: what is there still of this container's own — veth(4), nft(8)."""
    leases = [held for held in lease.of(directory) if held[1] == container] if os.path.isdir(directory) else []
    rules = "".join(unpublish(address, ports) for address, _, _, ports in leases)
    cut = [("ip", f"link delete {link}\n")] if exists(link) else []
    for name, code, said in run(*cut, *([("nft", rules)] if rules else [])):
        if name == "ip" and not exists(link):
            continue  # it went with the container's namespace, just now
        if name == "nft" and ("File exists" in said or "No such file" in said):
            continue  # these ports are another's, since ours were never made; or the table has gone
        check(name, code, said)
    lease.end(directory, container)


def cable(pid, link, bridge):
    """The lines for ip: a pair of devices, one end in the namespace of a process, the other on the bridge."""
    return f"link add {link} type veth peer name {LINK} netns {pid}\nlink set {link} master {bridge} up\n"


def publish(address, ports):
    """The lines for nft; `create` refuses a port that is there already."""
    return "".join(f"create element ip labcore {where} {{ {key} : {address} . {inside} }}\n"
                   for where, key, inside in map(_element, ports))  # fmt: skip


def unpublish(address, ports):
    """And to take them away: nft adds what is there as it is, and refuses all when one belongs to another address."""
    return "".join(f"add element ip labcore {where} {{ {key} : {address} . {inside} }}\n"
                   f"delete element ip labcore {where} {{ {key} }}\n"
                   for where, key, inside in map(_element, ports))  # fmt: skip


def _element(port):
    ip, outside, inside, protocol = lease.parts(port)
    if ip == lease.ANY:
        return "ports", f"{protocol} . {outside}", inside
    return "ports_at", f"{ip} . {protocol} . {outside}", inside


def exists(link):
    """Is there a device of this name? — if_nametoindex(3)"""
    try:
        return bool(_socket.if_nametoindex(link))
    except OSError:
        return False


def run(*calls):
    """Start programs side by side, each with its lines as input; [(name, exit code, what it said)] — posix_spawn(3)."""
    programs = [find(name) for name, _ in calls]  # before the first is started
    started = [(calls[n][0], *_start(program, calls[n])) for n, program in enumerate(programs)]
    done = []
    for name, pid, ear in started:
        said = b""
        while part := os.read(ear, 1 << 16):
            said += part
        os.close(ear)
        done.append((name, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode("utf-8", "replace")))
    return done


def find(name):
    """Where a program is; HostError when it is not installed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"  # which a user's often lacks
    for directory in path.split(":"):
        if directory and os.access(f"{directory}/{name}", os.X_OK):
            return f"{directory}/{name}"
    raise errors.HostError(f"{name} is not installed", f"apt install {PROGRAMS[name][0]}")


def _start(program, call):
    name, lines = call
    (listen, speak), (ear, mouth) = os.pipe(), os.pipe()
    os.write(speak, lines.encode())  # a pipe holds 64 KiB
    os.close(speak)
    actions = [(os.POSIX_SPAWN_DUP2, listen, 0), (os.POSIX_SPAWN_DUP2, mouth, 1), (os.POSIX_SPAWN_DUP2, mouth, 2)]
    try:  # in a process group of its own: a Ctrl-C is for us, who decide what to do about it
        pid = os.posix_spawn(program, [program, *PROGRAMS[name][1]], {"LC_ALL": "C"}, file_actions=actions,
                             setpgroup=0)  # fmt: skip
    finally:
        os.close(listen)
        os.close(mouth)
    return pid, ear


def check(name, code, said):
    """Raise what a program has said when it did not do what it was told."""
    if code:
        lines = [line for line in said.splitlines() if line.strip() and not line.startswith("Command failed")]
        why = lines[0].rpartition("Error: ")[2] if lines else f"exit code {code}"
        raise errors.HostError(f"{name}: {why.removeprefix('RTNETLINK answers: ')}")


# -- plans -------------------------------------------------------------------------------------------------------------


def plan_lease(network):
    """Before anything else is made: may it be there at all?"""
    if network:
        yield host(take_address, directory=network["directory"], subnet=network["subnet"],
                   container=network["container"], names=network["names"], ports=network["ports"])  # fmt: skip


def plan_attach(network):
    """As soon as init, and with it the namespace, is born."""
    if network:
        yield host(attach, pid=handle("init"), link=network["link"], bridge=network["bridge"],
                   address=handle("address"), ports=network["ports"], stale=handle("stale"))  # fmt: skip


def plan(spec, network):
    """lo is switched on in a network namespace that is new; then the address and the way out."""
    if any(n["type"] == "network" and not n.get("path") for n in spec["linux"]["namespaces"]):
        yield inside(set_loopback_up)
    if network:
        yield inside(set_address, link=LINK, address=handle("address"),
                     prefix_length=int(network["subnet"].partition("/")[2]))  # fmt: skip
        yield inside(add_route, gateway=network["gateway"])


def plan_detach(network):
    """With the container, whatever of it there is."""
    if network:
        yield host(detach, directory=network["directory"], container=network["container"], link=network["link"])
