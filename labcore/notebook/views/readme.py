"""The picture on the first page: one container as the list of steps that makes it — python -m MODULE OUT.svg."""

import sys

from . import svg

SENTENCE = "A container is a list of small steps. The last one becomes your program."
# Who plays the steps, in which lane, and for each step: its address, the namespace it fills, what that gives. A test
# finds these steps in the plan of a rootless container, in this order: the picture cannot promise what is not done.
BLOCKS = [
    ("walker", "host", [
        ("cgroup2.set_limits", "", "a share of memory, CPU, PIDs"),
        ("helper.clone", "", "new uts ipc net mnt pid user"),
        ("user.write_maps", "", "user: who root inside really is"),
    ]),
    ("helper: born inside, PID 1 in there", "inside", [
        ("uts.set_hostname", "uts", "a host name of its own"),
        ("net.set_loopback_up", "net", "a network of its own"),
        ("mount.attach", "pid", "a /proc of its own processes"),
        ("rootfs.pivot", "mnt", "a root directory of its own"),
    ]),
    ("walker", "host", [("state.created", "", "writes down who init is")]),
    ("init: the same process, on its last steps", "inside", [
        ("caps.set", "user", "few of root's powers"),
        ("process.execute", "", "init becomes"),
    ]),
]
PROGRAM = ("your program", "a process like any other, with a view of its own")
WAITS = ("walker", "waits, then cleans up")
READERS = [("the command line walks it", "labcore run busybox sh"),
           ("a notebook prints and explains it", "and takes it one step at a time")]
LANES = {"host": (svg.MARGIN, 226), "inside": (svg.MARGIN + 242, 418)}
PAD, STEP, GAP = 10, 25, 14


def draw():
    """Show host, walker, helper and init, and what each step gives."""
    drawing = svg.Drawing("A container as a list of steps", SENTENCE)
    top = readers(drawing, drawing.top + 2)
    tops, y = [], top + 38
    for _, place, steps in BLOCKS:
        tops.append(y)
        y += height(place, steps) + GAP
    lanes(drawing, top, y + 58)
    count = 1
    for at, (who, place, steps) in enumerate(BLOCKS):
        block(drawing, who, place, steps, tops[at], count)
        count += len(steps)
        if at:
            before = BLOCKS[at - 1]
            handover(drawing, before[1], tops[at - 1] + height(*before[1:]) - 16, tops[at])
    ending(drawing, y)
    return drawing.picture(y + 58 + svg.MARGIN, twin())


def height(place, steps):
    """Tell how high a block is; the narrow lane writes each step on two lines."""
    return 32 + len(steps) * (STEP + 17 if place == "host" else STEP)


def readers(drawing, y):
    """Draw the two who read the list, and the one list."""
    wide = (svg.WIDTH - 2 * svg.MARGIN - 16) / 2
    for at, (words, example) in enumerate(READERS):
        left = svg.MARGIN + at * (wide + 16)
        drawing.box(left, y, wide, 48)
        drawing.text(left + wide / 2, y + 20, words, bold=True, size=12, anchor="middle")
        drawing.text(left + wide / 2, y + 38, example, size=11, mono=at == 0, fill=svg.SOFT, anchor="middle")
        drawing.line((left + wide / 2, y + 48), (left + wide / 2, y + 65), edge=svg.INK, thick=1.5, head=True)
    drawing.box(svg.MARGIN, y + 67, svg.WIDTH - 2 * svg.MARGIN, 28, edge=svg.INK, thick=1.5)
    drawing.text(svg.WIDTH / 2, y + 86, "one list of steps", bold=True, anchor="middle")
    return y + 107


def lanes(drawing, top, bottom):
    """Draw the two places."""
    for place, fill, words in (("host", "#eff1f2", "on the host"), ("inside", "#f6f1e6", "inside the new namespaces")):
        left, wide = LANES[place]
        drawing.box(left, top, wide, bottom - top, fill=fill, edge=None)
        drawing.text(left + wide / 2, top + 22, words, bold=True, anchor="middle")


def block(drawing, who, place, steps, y, first):
    """Draw what one process does in one go."""
    left, wide = LANES[place]
    fill, edge = (svg.HOST, svg.HOST_EDGE) if place == "host" else (svg.INSIDE, svg.INSIDE_EDGE)
    drawing.box(left + PAD, y, wide - 2 * PAD, height(place, steps), fill=fill, edge=edge, thick=1.5)
    drawing.text(left + 20, y + 19, who, size=12, bold=True)
    y += 42
    for at, (address, kind, gives) in enumerate(steps, first):
        drawing.text(left + 28, y, at, size=11, fill=svg.SOFT, anchor="middle")
        drawing.text(left + 42, y, address, size=12, mono=True)
        if place == "host":
            drawing.text(left + 20, y + 18, gives, size=11, fill=svg.SOFT, room=wide - 40)
        else:
            drawing.text(left + 192, y, kind, size=12, bold=True, mono=True)
            drawing.text(left + 234, y, gives, size=11, fill=svg.SOFT, room=wide - 250)
        y += STEP + 17 * (place == "host")


def handover(drawing, place, y, to):
    """Draw the arrow from a block to the next one, in the other lane."""
    host, inside = LANES["host"], LANES["inside"]
    if place == "host":
        start, turn = host[0] + host[1] - PAD, inside[0] + PAD + 30
    else:
        start, turn = inside[0] + PAD, host[0] + host[1] - PAD - 30
    drawing.line((start, y), (turn, y), (turn, to - 1), edge=svg.INK, thick=1.5, head=True)


def ending(drawing, y):
    """Draw the user's program, and who waits for it."""
    left, wide = LANES["inside"]
    drawing.line((left + 257, y - GAP), (left + 257, y - 1), edge=svg.INK, thick=1.5, head=True)
    drawing.box(left + PAD, y, wide - 2 * PAD, 48, edge=svg.INSIDE_EDGE, thick=3)
    drawing.text(left + wide / 2, y + 21, PROGRAM[0], size=14, bold=True, anchor="middle")
    drawing.text(left + wide / 2, y + 39, PROGRAM[1], size=11, fill=svg.SOFT, anchor="middle", room=wide - 40)
    near, narrow = LANES["host"]
    drawing.box(near + PAD, y, narrow - 2 * PAD, 48, fill=svg.HOST, edge=svg.HOST_EDGE, thick=1.5)
    drawing.text(near + 20, y + 20, WAITS[0], size=12, bold=True)
    drawing.text(near + 20, y + 38, WAITS[1], size=11, fill=svg.SOFT)
    drawing.line((left + PAD, y + 24), (near + narrow - PAD + 1, y + 24), edge=svg.INK, thick=1.5, head=True)


def twin():
    """Write the same list as text."""
    rows = [("where", "who", "step", "what it gives")]
    for who, place, steps in BLOCKS:
        rows += [(place, who, address, f"{kind}: {gives}" if kind else gives) for address, kind, gives in steps]
    rows += [("inside", PROGRAM[0], "", PROGRAM[1]), ("host", WAITS[0], "", WAITS[1])]
    return svg.columns(rows) + "\n\n" + "\n".join(f"{words}: {example}" for words, example in READERS)


if __name__ == "__main__":
    draw().save(sys.argv[1])
