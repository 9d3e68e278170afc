"""Who is joined to whom: devices, addresses and routes of network namespaces, read from the kernel with plain tools.

    gather([host, alice, bob])     one dict for each network namespace, the host's first

An eye of our own enters each namespace, asks `ip`, `ss` and `nft`, and ends. Which end of a cable belongs to which is
decided by the two index numbers that each end knows, and by the number that one namespace has for another.
"""

import ast
import inspect
import json
import marshal

from .. import syscalls

ASK = """ip -json -details address; ip -json -4 route; ss -Hltn
echo; cat /proc/sys/net/ipv4/ip_forward; nft -j list ruleset 2>/dev/null || echo '{"nftables": []}'"""


def gather(processes):
    """The network namespaces of these processes and how they are joined; processes that share one are one entry."""
    from .process import Process

    spaces = {}
    for each in processes:
        spaces.setdefault(each.namespaces()["net"], []).append(each)
    eye = Process(".eye on cables")
    try:
        found = [ask(eye, sharing, [others[0].pid for others in spaces.values()]) for sharing in spaces.values()]
    finally:
        eye.end()  # it would hold the last namespace
    join(found)
    return [told(space, found) for space in found]


def ask(eye, sharing, pids):
    """Have the eye enter a namespace and write down what is there."""
    eye.call(syscalls.setns, sharing[0], syscalls.CLONE_NEWNET)
    addresses, routes, *ports, _, forwards, rules = eye.out(ASK).splitlines()
    code = marshal.dumps(compile(inspect.getsource(numbers_of), "<links>", "exec")).decode("latin-1")
    answer, _ = eye._ask("call", {"code": code, "name": "numbers_of", "args": f"({pids},)"})
    return {
        "names": [each.name for each in sharing], "devices": json.loads(addresses), "routes": json.loads(routes),
        "ports": sorted({int(line.split()[3].rpartition(":")[2]) for line in ports if line}),
        "forwards": forwards == "1", "rules": json.loads(rules)["nftables"],
        "numbers": ast.literal_eval(answer["value"]),
    }  # fmt: skip


def numbers_of(pids):
    """What this network namespace calls those of other processes, -1 where it has no number — rtnetlink(7)."""
    import _socket
    import struct

    found = []
    sock = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW, 0)
    for pid in pids:  # RTM_GETNSID (90) as a request (1), with one attribute of 8 bytes: NETNSA_PID (2)
        sock.send(struct.pack("=IHHIIIHHI", 28, 90, 1, 1, 0, 0, 8, 2, pid))
        found += struct.unpack_from("=i", sock.recv(4096), 24)
    sock.close()
    return found


def join(found):
    """Find the other end of each cable: `peer` becomes (number of the namespace, name) or None."""
    for space in found:
        for device in space["devices"]:
            device["peer"] = next(other_ends(device, space, found), None)


def other_ends(device, space, found):
    """The devices that this one names as its other end, and that name it."""
    if device.get("linkinfo", {}).get("info_kind") != "veth":
        return
    for at, there in enumerate(found):
        number = None if there is space else space["numbers"][at]
        if number == device.get("link_netnsid"):
            for other in there["devices"]:
                if (other["ifindex"], device["ifindex"]) == (far_end(device, space), far_end(other, there)):
                    yield at, other["ifname"]


def far_end(device, space):
    """The index that the other end of a device has in its namespace; `ip` tells the name where that is this one."""
    near = {other["ifname"]: other["ifindex"] for other in space["devices"]}
    return device.get("link_index", near.get(device.get("link")))


def told(space, found):
    """One namespace as views.network takes it: names and states, no index and no hardware address."""
    devices = [device_of(device) for device in sorted(space["devices"], key=lambda d: d["ifindex"])]
    routes = [" via ".join(filter(None, [route["dst"], route.get("gateway")])) for route in space["routes"]
              if route["dst"] == "default" or "gateway" in route]  # fmt: skip
    return {"names": space["names"], "devices": devices, "routes": routes, "ports": space["ports"],
            "forwards": space["forwards"], "rules": list(dict.fromkeys(spoken(space["rules"])))}  # fmt: skip


def device_of(device):
    """One device in words."""
    kind = device.get("linkinfo", {}).get("info_kind") or device["link_type"]
    at = [f"{a['local']}/{a['prefixlen']}" for a in device["addr_info"] if a["family"] == "inet"]
    return {"name": device["ifname"], "kind": kind, "up": "UP" in device["flags"], "addresses": at,
            "master": device.get("master"), "peer": device["peer"]}  # fmt: skip


def spoken(rules):
    """What the rules of a namespace do to packets, as far as this notebook makes such rules."""
    for item in rules:
        chain = item.get("chain", {})
        if chain.get("hook") == "forward" and chain.get("policy") == "drop":
            yield "what is forwarded is dropped"
        words = {key: value for part in item.get("rule", {}).get("expr", []) for key, value in part.items()}
        if "dnat" in words:
            at, to = words.get("match", {}).get("right"), words["dnat"] or {}
            yield f"port {at} -> {to.get('addr')}" + (f":{to['port']}" if "port" in to else "")
        if "masquerade" in words:
            yield "masquerade"
