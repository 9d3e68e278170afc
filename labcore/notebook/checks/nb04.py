"""Checks of 04-net: who is joined to whom, and what really arrives.

Each check builds a small town of its own (town.py), in network namespaces that no lesson uses. What the kernel says of
cables and addresses comes first, so that a mistake is named without waiting for it; at the end a page is fetched.
"""


from labcore import caps
from labcore.errors import LabError

from .. import links
from ..checking import NotYet, demand_function
from ..patience import limit, use
from ..process import Process
from ..town import GATE, OUT, OUTSIDE, batch, cast, fetch, town
from ..web import serve

NAT = """table ip town {
  chain in { type nat hook prerouting priority dstnat; iifname wan0 tcp dport 80 dnat to 10.4.0.20; }
  chain out { type nat hook postrouting priority srcnat; oifname wan0 masquerade; }
}"""


# -- 4.1 set_loopback_up -----------------------------------------------------------------------------------------------


def switches_loopback_on(answer):
    """lo is up in the namespace that is there, no child is left, and a failure is told."""
    demand_function(answer, "set_loopback_up")
    with cast("room", "cell", lo="down") as (room, cell):
        before = room.ns("net")
        use(room, answer)
        if children(room):
            raise NotYet("not-waited", "the process has a child that it has not waited for",
                         "the program was started, and then the function went on", "the second hint")  # fmt: skip
        if room.ns("net") != before:
            raise NotYet("moved", "the process is in another network namespace than before",
                         "the function calls unshare or setns; the step runs in the container's own namespace already",
                         "the text of exercise 4.1")  # fmt: skip
        if not links.gather([room])[0]["devices"][0]["up"]:
            raise NotYet("still-down", "lo is down", "the program did not run, or was asked for something else",
                         "By hand, step 2: the words of the command")  # fmt: skip
        powerless(cell)
        try:
            use(cell, answer)
        except (OSError, ValueError, LabError):
            return
        raise NotYet("failure-hidden", "lo could not be switched on, and your function did not say so",
                     "the exit status of the program was not looked at; a container would start without its network",
                     "the third hint")  # fmt: skip


def children(actor):
    """The children of a process, zombies too."""
    return Process.host().out(f"grep -l '^PPid:.{actor.pid}$' /proc/[0-9]*/status 2>/dev/null", check=False).split()


def powerless(actor):
    """Take the right to change networks from an actor, and from every program that it starts."""
    mask = caps.mask(["CAP_KILL", "CAP_SYS_CHROOT"])
    actor.call(caps.limit_bounding, mask)
    actor.call(caps.set, mask, mask, 0, 0)


# -- 4.2 plug_in -------------------------------------------------------------------------------------------------------


def joins_the_bridge(answer):
    """Two guests hang on the bridge, each by a cable of the name asked for, and reach each other and the gate."""
    demand_function(answer, "plug_in")
    with town() as (router, _), cast("lodger", "boarder") as guests:
        for number, guest in enumerate(guests, 31):
            with limit(router, *guests):
                answer(router, guest, f"plug-{number}", f"10.4.0.{number}")
            demand_cable(*joined(router, guest), f"plug-{number}")
            demand_address(links.gather([router, guest])[1], f"10.4.0.{number}")
        lodger, boarder = guests
        serve(lodger, lodger.name)
        if fetch(boarder, "10.4.0.31") != lodger.name:
            raise NotYet("no-answer", "one guest cannot fetch a page from the other",
                         "something else was changed that keeps packets away", "the exercise cell")  # fmt: skip


def joined(router, guest):
    """(what is at the router's end of the guest's cable, the guest's end), None for what is not there."""
    spaces = links.gather([router, guest])
    if len(spaces) == 1:
        raise NotYet("moved-in", "the guest is in the router's network namespace",
                     "setns was called; a guest keeps its own network and gets a cable", "By hand, step 3")  # fmt: skip
    ends = [device for device in spaces[1]["devices"] if device["peer"] and device["peer"][0] == 0]
    if not ends:
        at_home = any(device["peer"] and device["peer"][0] == 0 for device in spaces[0]["devices"])
        if at_home:
            raise NotYet("not-moved", "both ends of the cable are in the router's namespace",
                         "no end was given to the guest", "By hand, step 3: netns and a PID")  # fmt: skip
        raise NotYet("no-cable", "no cable leads from the guest to the router", "no veth pair was made between them",
                     "By hand, step 3")  # fmt: skip
    return next(d for d in spaces[0]["devices"] if d["name"] == ends[0]["peer"][1]), ends[0]


def demand_cable(here, there, name):
    """The router's end has its name, hangs on the bridge, and both ends are up."""
    if here["name"] != name:
        raise NotYet("other-name", f"asked for the cable {name!r}, the router's end is {here['name']!r}",
                     "the name is written down; with a second guest it would be taken",
                     "the parameter `cable`")  # fmt: skip
    if here["master"] != "shop0":
        raise NotYet("not-on-bridge", "the router's end of the cable hangs on no bridge",
                     "nobody made shop0 its master", "By hand, step 5")  # fmt: skip
    if not here["up"]:
        raise NotYet("router-end-down", "the router's end of the cable is down", "every end is switched on by itself",
                     "By hand, step 4")  # fmt: skip
    if not there["up"]:
        raise NotYet("guest-end-down", "the guest's end of the cable is down", "every end is switched on by itself",
                     "By hand, step 4")  # fmt: skip


def demand_address(space, wanted):
    """The guest has its address, with the size of the network, and a default route."""
    found = [at for device in space["devices"] if device["kind"] == "veth" for at in device["addresses"]]
    if not found:
        raise NotYet("no-address", "the guest's end of the cable has no address",
                     "`ip address add` is missing in the guest", "By hand, step 4")  # fmt: skip
    if found[0].partition("/")[0] != wanted:
        raise NotYet("other-address", f"asked for {wanted}, the guest has {found[0]}",
                     "another text than the parameter `address` was used", "the exercise cell")  # fmt: skip
    if not found[0].endswith("/24"):
        raise NotYet("no-network-size", f"the guest has {found[0]}, and the network is 10.4.0.0/24",
                     "without /24 an address stands for itself alone: no route to the neighbours comes with it",
                     "By hand, step 4")  # fmt: skip
    if f"default via {GATE}" not in space["routes"]:
        raise NotYet("no-default-route", f"the guest has no default route via {GATE}",
                     "the way out is missing; neighbours can be reached without it", "By hand, step 7")  # fmt: skip


# -- 4.3 publish -------------------------------------------------------------------------------------------------------


def publishes(answer):
    """Two ports lead to two guests, at once; nothing else is caught."""
    demand_function(answer, "publish")
    with town("baker", "butcher") as (router, outside, baker, butcher):
        with limit(router):
            answer(router, 8080, "10.4.0.20")
        demand_forwarding(router)
        demand_page(outside, 8080, baker)
        serve(router, router.name, 8090)
        if fetch(outside, OUT, 8090) != router.name:
            raise NotYet("every-port", "a port that was not published leads to a guest as well",
                         "the rule does not ask for the port", "the second hint")  # fmt: skip
        with limit(router):
            answer(router, 8081, "10.4.0.21")
        if not fetch(outside, OUT, 8080):
            raise NotYet("first-gone", "after a second port was published, the first one no longer answers",
                         "the rules of the first call were flushed, or replaced", "the first hint")  # fmt: skip
        demand_page(outside, 8081, butcher)
        batch(outside, f"route add default via {OUT}")
        serve(outside, outside.name, 8080)
        if fetch(baker, OUTSIDE, 8080) != outside.name:
            raise NotYet("catches-others", "a guest that asks the outside for a page gets it from a guest",
                         "the rule does not ask where the packet comes in", "the second hint")  # fmt: skip


def demand_forwarding(router):
    """The router passes packets on."""
    if router.out("cat /proc/sys/net/ipv4/ip_forward").strip() != "1":
        raise NotYet("no-forwarding", "the router does not pass packets on: ip_forward is 0",
                     "a rule alone opens no way", "By hand, step 8")  # fmt: skip


def demand_page(outside, port, guest):
    """From outside the port leads to the guest."""
    page = fetch(outside, OUT, port)
    if page and page != guest.name:
        raise NotYet("wrong-guest", "from outside, the port leads to another guest",
                     "another address than the parameter `address` was used", "the exercise cell")  # fmt: skip
    if not page:
        raise NotYet("not-published", "from outside, nobody answers at the port",
                     "no rule translates it, or not to port 80 of the address", "the third hint")  # fmt: skip


# -- 4.4 find_faults ---------------------------------------------------------------------------------------------------

BREAK = {
    "forwarding": "echo 0 > /proc/sys/net/ipv4/ip_forward",
    "policy": "nft 'add table ip guard; add chain ip guard f { type filter hook forward priority 0; policy drop; }'",
    "route": "ip route del default",
    "reply": "nft flush chain ip town out",
}
REPAIR = {
    "forwarding": "echo 1 > /proc/sys/net/ipv4/ip_forward", "policy": "nft delete table ip guard",
    "route": f"ip route add default via {GATE}", "reply": "nft add rule ip town out oifname wan0 masquerade",
}  # fmt: skip
WALL = "nft 'add table ip wall; add chain ip wall i { type filter hook input priority 0; policy drop; }'"


def finds_faults(answer):
    """In a network that works, and in some that do not."""
    demand_function(answer, "find_faults")
    with town("tenant") as (router, _, tenant):
        router.out(f"echo 1 > /proc/sys/net/ipv4/ip_forward; nft -f - <<'END'\n{NAT}\nEND")
        if said := named(answer, router, tenant):
            raise NotYet("false-alarm", f"the network lacks nothing, and your function returned {said}",
                         "a test is the wrong way round, or asks for something that need not be",
                         "the first hint")  # fmt: skip
        for fault in BREAK:
            said = broken(answer, router, tenant, fault)
            if fault not in said:
                raise NotYet("missed-one", f"{fault!r} is missing, and your function returned {said}",
                             "the test for it is missing, or looks in the wrong namespace",
                             "the table of further B")  # fmt: skip
            if len(said) > 1:
                raise NotYet("too-many", f"only {fault!r} is missing, and your function returned {said}",
                             "a test is true in more cases than it should", "the second hint")  # fmt: skip
        said = broken(answer, router, tenant, "forwarding", "reply")
        if len(said) < 2:
            raise NotYet("only-one", f"'forwarding' and 'reply' are missing, and your function returned {said}",
                         "it returns at the first that it finds", "the text of exercise 4.4")  # fmt: skip
        router.out(WALL)
        if named(answer, router, tenant):
            raise NotYet("other-chain", "a chain of another hook drops, and your function blames the forward chain",
                         "the text `policy drop` alone does not tell the hook", "the third hint")  # fmt: skip


def broken(answer, router, tenant, *faults):
    """What the function says when these are missing; afterwards they are back."""
    for fault in faults:
        (tenant if fault == "route" else router).out(BREAK[fault])
    try:
        return named(answer, router, tenant)
    finally:
        for fault in faults:
            (tenant if fault == "route" else router).out(REPAIR[fault])


def named(answer, router, tenant):
    """The faults that the function names."""
    with limit(router, tenant):
        said = answer(router, tenant)
    if not isinstance(said, list | tuple | set) or not all(isinstance(each, str) for each in said):
        raise NotYet("no-list", f"the function returned a {type(said).__name__}, not a list of words",
                     "the `return` is missing, or returns one word by itself",
                     "the last line of your function")  # fmt: skip
    return sorted(said)


CHECKS = {"4.1": switches_loopback_on, "4.2": joins_the_bridge, "4.3": publishes, "4.4": finds_faults}
KEEPS = {"4.1": "net.set_loopback_up"}
