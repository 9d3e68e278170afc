"""The verb `network`, and what --network and --publish of `run` mean."""

import os
import sys

from . import errors, jsonfile, lease
from .engine import network
from .options import Option, UsageError, explain, parse

OPTIONS = [Option("--subnet", "CIDR", "create: its addresses; the first free one of 10.89.0.0/16 when left out"),
           Option("-f --format", "FORMAT", "ls: json or table"), Option("-h --help", None, "this text")]  # fmt: skip


def call(words):
    """usage: labcore network create NAME [--subnet CIDR]
       labcore network ls [--format json]
       labcore network inspect NAME
       labcore network rm NAME…

    Networks of containers: each is a bridge on this host, with a subnet of addresses and a way to the outside.
    Containers of one network find each other by name; from outside only published ports can be reached.
    The network `lab` is made when a container first asks for it.

    examples:
      labcore network create shop
      labcore run -d --name db --network shop busybox httpd -f
      labcore run --rm --network shop busybox wget -qO- http://db
      labcore run -d --name web --network shop --publish 8080:80 busybox httpd -f
      labcore network rm shop
    """
    o, rest = parse(words, OPTIONS)
    names = []
    while rest and not o.get("help"):  # options may stand before the names, between them and after
        names.append(rest[0])
        more, rest = parse(rest[1:], OPTIONS)
        o = o | more
    if o.get("help"):
        return explain(call, OPTIONS)
    verb, *names = names or [""]
    if verb not in _VERBS:
        raise UsageError(f"network: there is no {verb!r}" if verb else "network needs create, ls, inspect or rm",
                         "labcore network create NAME")  # fmt: skip
    function, least, most = _VERBS[verb]
    if not least <= len(names) <= most:
        raise UsageError(f"network {verb} takes {('no name', 'one name')[most] if most < 2 else 'one name or more'}")
    if "subnet" in o and verb != "create":
        raise UsageError(f"--subnet: network {verb} does not take it")
    return function(o, *names)


def _create(o, name):
    needs_root(f"network create {name}")
    print(network.create(name, o.get("subnet"))["subnet"])
    return 0


def _ls(o):
    rows = [{k: n[k] for k in ("name", "subnet", "gateway", "bridge")} | {"containers": _members(n)}
            for n in network.everyone()]  # fmt: skip
    if o.get("format") == "json":
        print(jsonfile.dumps(rows))
        return 0
    print(f"{'NAME':11}  {'SUBNET':18}  {'BRIDGE':15}  CONTAINERS")
    for n in rows:
        print(f"{n['name']:11}  {n['subnet']:18}  {n['bridge']:15}  {' '.join(c['name'] for c in n['containers'])}")
    return 0


def _members(known):
    try:
        return [{"name": container, "address": address, "ports": ports}
                for address, container, _, ports in lease.of(known["directory"])]  # fmt: skip
    except FileNotFoundError:
        return []  # removed while we looked


def _inspect(o, name):
    known = network.load(name, refresh=False)
    print(jsonfile.dumps(known | {"containers": _members(known)}))
    return 0


def _rm(o, *names):
    code = 0
    for name in names:
        try:
            needs_root(f"network rm {name}")
            network.remove(name)
        except errors.LabError as error:
            print(f"labcore: {error}", file=sys.stderr)
            code = 1
    return code


_VERBS = {"create": (_create, 1, 1), "ls": (_ls, 0, 0), "inspect": (_inspect, 1, 1), "rm": (_rm, 1, 1000)}


def needs_root(what):
    """Refuse what only root may do to the host."""
    if os.geteuid():
        raise errors.HostError(f"{what}: a bridge on the host needs root",
                               "without root there are --network none, host and container:NAME")  # fmt: skip


def place(o, container_id, config, make=True):
    """The place in a network that --network and --publish ask for, or None; its files become the container's mounts."""
    publish = o.get("publish") or []
    word = o.get("network") or (network.DEFAULT if publish else "none")
    if o.get("bundle"):
        raise UsageError("--network, --publish: a bundle says itself which network namespace it has")
    if word in network.WORDS or word.startswith("container:"):
        if publish:
            raise errors.SpecError(f"--publish {publish[0]}: needs a network, but --network is {word}",
                                   f"leave out --network, or name one: --network {network.DEFAULT}")  # fmt: skip
        return None
    needs_root(f"--network {word}" if "network" in o else f"--publish {publish[0]}")
    found = network.place(container_id, word, publish, config["hostname"], make)
    config["mounts"] += network.mounts(found, {os.path.normpath(m["destination"]) for m in config["mounts"]})
    return found
