"""What a network is to the kernel: a bridge, rules in one table for all networks, a host that passes packets on.

Said to ip(8) and nft(8) in their own words. To look at it: `ip -d link show type bridge`, `nft list table ip labcore`.
"""

import os

from .. import net

NO_TABLE = ("No such file", "not supported")  # what nft says where there is none, and so nothing to be removed
_FORWARD = "/proc/sys/net/ipv4/ip_forward"

# One table for all networks of the host. `add` says what should be there, whether it is already or not.
TABLE = """\
add table ip labcore
add set ip labcore bridges { type ifname; }
add set ip labcore within { type ifname . ifname; }
add set ip labcore subnets { type ipv4_addr; flags interval; }
add map ip labcore ports { type inet_proto . inet_service : ipv4_addr . inet_service; }
add map ip labcore ports_at { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
add chain ip labcore guard { type filter hook prerouting priority raw; }
add chain ip labcore arriving { type nat hook prerouting priority dstnat; }
add chain ip labcore sending { type nat hook output priority -100; }
add chain ip labcore passing { type filter hook forward priority filter; }
add chain ip labcore leaving { type nat hook postrouting priority srcnat; }
flush table ip labcore
add rule ip labcore guard iifname @bridges ip daddr 127.0.0.0/8 drop
add rule ip labcore guard iifname @bridges ip saddr 127.0.0.0/8 drop
add rule ip labcore arriving fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @ports_at
add rule ip labcore arriving fib daddr type local dnat ip to meta l4proto . th dport map @ports
add rule ip labcore sending fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @ports_at
add rule ip labcore sending fib daddr type local dnat ip to meta l4proto . th dport map @ports
add rule ip labcore passing ct state established,related accept
add rule ip labcore passing ct status dnat accept
add rule ip labcore passing oifname @bridges iifname . oifname != @within drop
add rule ip labcore leaving ip saddr 127.0.0.0/8 oifname @bridges masquerade
add rule ip labcore leaving ip saddr @subnets ip daddr != @subnets masquerade
add rule ip labcore leaving ip saddr @subnets ct status dnat masquerade
"""


def build(known, top):
    """Make the bridge of a network and let in its rules; what the host was like is kept below `top`."""
    bridge, length = known["bridge"], known["subnet"].partition("/")[2]
    net.start("ip", f"link add {bridge} address {known['mac']} type bridge\n"
                    f"address add {known['gateway']}/{length} broadcast + dev {bridge}\n"
                    f"link set {bridge} up\n").check()  # fmt: skip
    _write(f"/proc/sys/net/ipv4/conf/{bridge}/route_localnet", "1")  # the host's 127.0.0.1:PORT leads to containers
    net.start("nft", TABLE + _elements("add", known)).check()
    before = _read(_FORWARD)
    if before != "1":
        _write(f"{top}/forwarding", before)
        _write(_FORWARD, "1")


def take_down(known, leases):
    """Remove what there is of a network: its rules, and the bridge; not one that somebody else had made before."""
    mac = _mac(known["bridge"])
    if mac not in ("", known["mac"]):
        return
    stale = "".join(net.delete_elements(address, ports) for address, _, _, ports in leases)
    lines = stale + _elements("add", known) + _elements("delete", known)
    net.start("nft", lines).check(*NO_TABLE)
    if mac:
        net.start("ip", f"link delete {known['bridge']}\n").check()


def take_down_last(top):
    """The table goes, unless another --root has networks here; then the host passes on what it did before."""
    said = net.start("nft", "list set ip labcore bridges\n").check(*NO_TABLE)
    if "elements" not in said:
        net.start("nft", "delete table ip labcore\n").check(*NO_TABLE)
    if os.path.exists(f"{top}/forwarding"):
        if "elements" not in said:
            _write(_FORWARD, _read(f"{top}/forwarding"))
        os.unlink(f"{top}/forwarding")


def _elements(verb, known):
    bridge = known["bridge"]
    return (f'{verb} element ip labcore bridges {{ "{bridge}" }}\n'
            f'{verb} element ip labcore within {{ "{bridge}" . "{bridge}" }}\n'
            f"{verb} element ip labcore subnets {{ {known['subnet']} }}\n")  # fmt: skip


def _mac(link):
    """The hardware address of a device; '' when there is no such device."""
    words = net.start("ip", f"link show {link}\n").check("does not exist").split()
    return words[words.index("link/ether") + 1] if "link/ether" in words else ""


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def _write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
