"""Who is joined to whom: network namespaces as boxes, a bridge as a bar, cables as lines — veth(4), bridge(8)."""

from . import svg

LINE, HEAD, GAP = 19, 30, 14
HUB, BAR, STUB = (svg.MARGIN, 376), (196, 112), 396  # the host's box, the bars in it; where the line leaves the box
LEAF, LANE = (424, 236), 8  # the other boxes, and the way around them on the right
MOST = 8


def draw(spaces, sentence=None):
    """Show namespaces, the first one as the hub, and the cables between them — ip-link(8)."""
    hub, leaves = (spaces[0], list(enumerate(spaces))[1:]) if spaces else (EMPTY, [])
    sentence = sentence or describe(spaces)
    for most in (MOST, 5, 3):
        drawing = svg.Drawing("Network namespaces and what joins them", sentence)
        shown = sorted(leaves, key=lambda leaf: place(leaf[1], hub))[:most]
        height = paint(drawing, spaces, hub, shown, len(leaves) - len(shown))
        picture = drawing.picture(height, twin(spaces))
        if len(picture.svg.encode()) <= svg.LIMIT_BYTES:
            break
    return picture


EMPTY = {"names": ["host"], "devices": [], "routes": [], "ports": [], "forwards": False, "rules": []}


# -- words -------------------------------------------------------------------------------------------------------------


def title(space):
    """The processes that share a namespace."""
    return ", ".join(map(str, space["names"]))


def state(device):
    """Up or down."""
    return "up" if device["up"] else "down"


def facts(space):
    """What is to be said about a namespace besides its cables."""
    lo = [f"{device['name']} {state(device)}" for device in space["devices"] if device["kind"] == "loopback"]
    ports = [f"listens on port {', '.join(map(str, space['ports']))}"] if space["ports"] else []
    return lo + ports + list(space["routes"])


def more_facts(space):
    """What only the hub is asked: does it pass packets on, and what do its rules say?"""
    others = [f"{d['name']} {state(d)}" for d in space["devices"] if d["kind"] not in ("loopback", "veth", "bridge")]
    forwards = "forwarding on" if space["forwards"] else "forwarding off"
    return facts(space) + others + [forwards, *(rule.replace("->", "→") for rule in space["rules"])]


def wired(space):
    """The devices of a namespace that are drawn as ends of cables."""
    return [device for device in space["devices"] if device["kind"] == "veth"]


def place(space, hub):
    """Where a namespace stands: as its first cable stands at the hub; first who has a cable there without a bridge."""
    order = {device["name"]: at for at, device in enumerate(ports(hub))}
    found = [order[d["peer"][1]] for d in wired(space) if d["peer"] and d["peer"][0] == 0 and d["peer"][1] in order]
    return min(found, default=len(order))


def ports(hub):
    """The ends of cables at the hub: those that hang on no bridge, then bridge by bridge."""
    bridges = [device["name"] for device in hub["devices"] if device["kind"] == "bridge"]
    rank = {name: at for at, name in enumerate(bridges)}
    return sorted(wired(hub), key=lambda device: rank.get(device["master"], -1))


def describe(spaces):
    """Say in one sentence what joins whom."""
    parts = []
    for space in spaces:
        for bridge in [device["name"] for device in space["devices"] if device["kind"] == "bridge"]:
            on = [title(spaces[d["peer"][0]]) for d in wired(space) if d["master"] == bridge and d["peer"]]
            verb = "hangs" if len(on) < 2 else "hang"
            parts.append(f"on the bridge {bridge} of {title(space)} {verb} {listed(on)}")
    pairs = {(at, d["peer"][0]) for at, space in enumerate(spaces) for d in wired(space) if d["peer"]}
    for here, there in sorted(pairs):
        if here < there and not bridged(spaces, here, there) and not bridged(spaces, there, here):
            parts.append(f"a cable joins {title(spaces[here])} and {title(spaces[there])}")
    alone = [title(space) for space in spaces if not any(device["peer"] for device in wired(space))]
    if alone and len(spaces) > 1:
        parts.append(f"no cable leads to {listed(alone)}")
    text = "; ".join(parts) or "there is one network namespace, and no cable leads out of it"
    return text[0].upper() + text[1:] + "."


def bridged(spaces, here, there):
    """Do the cables from one namespace to another all begin at a bridge?"""
    return all(device["master"] for device in wired(spaces[here]) if (device["peer"] or [None])[0] == there)


def listed(names):
    """Join names as a sentence does."""
    if not names:
        return "nobody"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if len(names) < 5 else f"{len(names)} others"


def twin(spaces):
    """The same facts as text."""
    rows = [["where", "device", "kind", "state", "address", "leads to"]]
    for space in spaces:
        for device in space["devices"]:
            on = f" on {device['master']}" if device["master"] else ""
            rows.append([title(space), device["name"], device["kind"] + on, state(device),
                         " ".join(device["addresses"]) or "-", far(device, spaces)])  # fmt: skip
    lines = [svg.columns(rows), ""]
    for at, space in enumerate(spaces):
        lines.append(f"{title(space)}: {'; '.join(facts(space) if at else more_facts(space)) or 'nothing'}")
    return "\n".join(svg.clean(line) for text in lines for line in text.split("\n"))


def far(device, spaces):
    """Where a cable leads, in words."""
    if device["kind"] != "veth":
        return "-"
    return f"{device['peer'][1]} of {title(spaces[device['peer'][0]])}" if device["peer"] else "somewhere else"


# -- the drawing -------------------------------------------------------------------------------------------------------


def paint(drawing, spaces, hub, leaves, left_out):
    """Draw the hub on the left, the others on the right, and the cables; the height."""
    top = drawing.top + 4
    ends, y = {}, top
    for number, leaf in leaves:
        y = paint_leaf(drawing, number, leaf, y, ends) + GAP
    height = max(y - GAP, paint_hub(drawing, spaces, hub, top, y - GAP, ends))
    around(drawing, leaves, ends)
    notes = [f"{left_out} more namespaces are in the text."] if left_out else []
    notes.append("A line is a cable (veth); it is broken where one of its ends is down.")
    for line in notes:
        drawing.text(svg.MARGIN, height + 20, line, size=11, fill=svg.SOFT)
        height += 15
    return height + 18


def paint_leaf(drawing, number, leaf, top, ends):
    """Draw one of the others; `ends` learns where its cables begin."""
    x, wide = LEAF
    words = svg.wrap(" · ".join(fact.replace(" ", "\u00a0") for fact in facts(leaf)), wide - 24, lines=4, size=12)
    devices = wired(leaf)[:6]
    height = HEAD + LINE * (sum(max(1, len(d["addresses"][:3])) for d in devices) + len(words)) + 4
    drawing.box(x, top, wide, height, fill=svg.INSIDE, edge=svg.INSIDE_EDGE)
    drawing.text(x + 12, top + 20, title(leaf), bold=True, room=wide - 24)
    y = top + HEAD + 8
    for device in devices:
        ends[number, device["name"]] = y
        drawing.text(x + 12, y + 4, device["name"], size=12, bold=True, room=52)
        drawing.text(x + wide - 12, y + 4, state(device), size=12, anchor="end")
        for address in device["addresses"][:3] or ["no address"]:
            drawing.text(x + 68, y + 4, address, size=11, mono=address != "no address", room=wide - 114)
            y += LINE
    for line in words:
        drawing.text(x + 12, y + 4, line, size=12, fill=svg.INK)
        y += LINE
    return top + height


def paint_hub(drawing, spaces, hub, top, bottom, ends):
    """Draw the hub with its bars, and a line from each of its ends to the other one; where it ends."""
    x, wide = HUB
    lines = [line for text in more_facts(hub) for line in svg.wrap(text, BAR[0] - x - 26, lines=3, size=12)][:24]
    bars, below = place_bars(spaces, hub, top + 10, ends)
    bottom = max(bottom, top + HEAD + LINE * len(lines) + 8, below + 10)
    drawing.box(x, top, wide, bottom - top, fill=svg.HOST, edge=svg.HOST_EDGE)
    drawing.text(x + 12, top + 20, title(hub), bold=True, room=BAR[0] - x - 20)
    for at, line in enumerate(lines):
        drawing.text(x + 12, top + HEAD + 12 + LINE * at, line, size=12)
    for device, y, tall, cables in bars:
        paint_bar(drawing, device, y, tall)
        for end, at, to in cables:
            paint_cable(drawing, spaces, end, device, at, to)
    return bottom


def place_bars(spaces, hub, top, ends):
    """[(device, y, height, [(end, y here, y there)])] from top to bottom, and where the last one ends.

    A bar begins no higher than its first cable's other end and reaches down to its last: most lines run level.
    """
    bars, y = [], top
    single = [[device, [device]] for device in ports(hub) if not device["master"]]
    shared = [[device, [end for end in ports(hub) if end["master"] == device["name"]]]
              for device in hub["devices"] if device["kind"] == "bridge"]  # fmt: skip
    for device, held in (single + shared)[:10]:
        cables, words = [], 44 + 17 * max(1, len(device["addresses"][:2]))
        for end in held[:MOST]:
            there = ends.get(tuple(end["peer"])) if end["peer"] else None
            at = max(y + 22 if not cables else cables[-1][1] + LINE + 6, there or 0)
            cables.append((end, at, there))
        start = max(y, cables[0][1] - 22) if cables else y
        tall = max(words, (cables[-1][1] + 14 - start) if cables else 0)
        bars.append((device, start, tall, cables))
        y = start + tall + 10
    return bars, y


def paint_bar(drawing, device, y, tall):
    """Draw a bridge, or an end of a cable that hangs on none."""
    x, wide = BAR
    bridge = device["kind"] == "bridge"
    drawing.box(x, y, wide, tall, edge=svg.HOST_EDGE, thick=2 if bridge else 1, radius=3)
    lines = [f"{'bridge, ' if bridge else ''}{state(device)}", *(device["addresses"][:2] or ["no address"])]
    drawing.text(x + wide / 2, y + 18, device["name"], bold=True, size=12, anchor="middle", room=wide - 10)
    for at, line in enumerate(lines):
        mono = "/" in line
        drawing.text(x + wide / 2, y + 36 + 17 * at, line, size=11, mono=mono, anchor="middle", room=wide - 8)


def paint_cable(drawing, spaces, end, device, y, to):
    """Draw a cable from a bar to the box that it leads to."""
    start = BAR[0] + BAR[1]
    if end is not device:
        drawing.text(start + 5, y - 5, end["name"], size=10, room=STUB - start - 12)
        if not end["up"]:
            drawing.text(start + 5, y + 12, "down", size=10, room=STUB - start - 12)
    broken = not end["up"] or not far_up(end, spaces)
    if to is None:
        inside = end["peer"] and end["peer"][0] == 0
        drawing.line((start, y), (STUB - 8, y), edge=svg.INK, thick=1.5, dashed=True)
        words = f"to {end['peer'][1]}" if inside else "elsewhere"
        drawing.text(start + 5, y + (26 if not end["up"] and end is not device else 13), words, size=10,
                     fill=svg.SOFT, room=STUB - start - 12)  # fmt: skip
        return
    bend = [] if y == to else [(STUB + 14, y), (STUB + 14, to)]
    drawing.line((start, y), *bend, (LEAF[0], to), edge=svg.INK, thick=1.5, dashed=broken)


def far_up(end, spaces):
    """Is the other end of a cable up, as far as we know it?"""
    if not end["peer"]:
        return True
    where, name = end["peer"]
    return all(device["up"] for device in spaces[where]["devices"] if device["name"] == name)


def around(drawing, leaves, ends):
    """Draw the cables that lead from one of the others to another one, around them on the right."""
    lane = LEAF[0] + LEAF[1]
    for number, leaf in leaves:
        for device in wired(leaf):
            here, there = ends.get((number, device["name"])), ends.get(tuple(device["peer"] or ()))
            if device["peer"] and here is not None and there is not None and 0 < device["peer"][0] and here < there:
                lane += LANE if lane < svg.WIDTH - svg.MARGIN else 0
                edge = LEAF[0] + LEAF[1]
                drawing.line((edge, here), (lane, here), (lane, there), (edge, there), edge=svg.INK, thick=1.5)
