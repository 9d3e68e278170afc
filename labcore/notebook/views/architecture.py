"""The architecture on one page: who takes part, and which module may import which — python -m MODULE OUT.svg."""

import sys

from . import svg

SENTENCE = "A few processes with one task each; modules that import in one direction."
# name: left, top, width, height, place, what it is in lines
CAST = {
    "command line": (32, 40, 136, 64, "host", ("is the walker itself",)),
    "notebook kernel": (32, 144, 136, 76, "host", ("many threads: never", "forks, never enters")),
    "launcher": (212, 144, 120, 76, "host", ("small root process:", "polls, forks, reaps")),
    "walker": (212, 40, 120, 64, "host", ("walks one plan",)),
    "helper": (380, 40, 132, 64, "inside", ("born inside, plays", "the inside steps")),
    "init": (556, 40, 114, 64, "inside", ("PID 1 in there,", "waits for start")),
    "your program": (556, 144, 114, 76, "inside", ("what init becomes",)),
    "monitor": (368, 144, 112, 76, "host", ("if detached: waits", "for the exit status")),
}
# from, to, points below the top of the cast, and a word with its place beside the arrow
ARROWS = [
    ("command line", "walker", ((168, 72), (211, 72)), ("is", 182, 66)),
    ("notebook kernel", "launcher", ((168, 182), (211, 182)), ("asks", 174, 176)),
    ("launcher", "walker", ((272, 144), (272, 105)), ("forks", 279, 128)),
    ("walker", "helper", ((332, 72), (379, 72)), ("clones", 335, 66)),
    ("helper", "init", ((512, 72), (555, 72)), ("is", 528, 66)),
    ("init", "your program", ((613, 104), (613, 143)), ("execve", 620, 128)),
    ("monitor", "your program", ((480, 182), (555, 182)), ("waits for", 504, 176)),
]
# Every row: left, width, modules, what they are. A test holds the rows against the imports that the modules make.
LAYERS = [
    [(20, 600, "notebook", "Process, views, checks; nothing imports it")],
    [(20, 292, "cli", "words to one call, exit codes"), (328, 292, "launcher", "the root side of a notebook")],
    [(20, 190, "runtime", "the OCI verbs"), (225, 190, "image", "root file systems"),
     (430, 190, "monitor", "a parent that waits")],
    [(20, 110, "plan", "THE ORDER"), (142, 110, "walk", "takes the steps"), (265, 110, "helper", "plays inside"),
     (387, 110, "state", "what is"), (510, 110, "spec", "what is asked")],
    [(20, 600, "namespace uts ipc pid net mount user rootfs cgroup1 cgroup2 caps …",
      "the mechanisms: one module each; plan introduces them to each other")],
    [(20, 600, "step, syscalls, errors", "what a step is; the one door to the kernel; what can go wrong")],
]
JOINS = ("Where namespaces exist already, as in exec, the", "helper enters them, makes the process, and leaves.")
LAYER, GAP = 48, 10


def draw():
    """Show the cast with who makes whom, and the layers of modules."""
    drawing = svg.Drawing("Architecture of labcore", SENTENCE)
    bottom = cast(drawing, drawing.top + 8)
    drawing.text(svg.MARGIN, bottom + 38, "The modules: imports go down, or to the right", size=14, bold=True)
    return drawing.picture(layers(drawing, bottom + 50), twin())


def cast(drawing, top):
    """Draw the processes; give where they end."""
    drawing.text(svg.MARGIN, top + 8, "The cast", size=14, bold=True)
    for x, wide, fill, words in ((20, 470, "#eff1f2", "on the host"), (496, 184, "#f6f1e6", "inside")):
        drawing.box(x, top + 34, wide, 208, fill=fill, edge=None)
        drawing.text(x + wide - 12, top + 258, words, bold=True, size=12, fill=svg.SOFT, anchor="end")
    for at, line in enumerate(JOINS):
        drawing.text(svg.MARGIN, top + 258 + 15 * at, line, size=11, fill=svg.SOFT)
    top += 8
    for name, (x, y, wide, high, place, notes) in CAST.items():
        member(drawing, x, top + y, wide, high, place, name, notes)
    for _, _, points, (word, x, y) in ARROWS:
        drawing.line(*((x, top + y) for x, y in points), edge=svg.INK, thick=1.4, head=True)
        drawing.text(x, top + y, word, size=11, fill=svg.SOFT)
    return top + 266


def member(drawing, x, y, wide, high, place, name, notes):
    """Draw one process of the cast."""
    fill, edge = (svg.HOST, svg.HOST_EDGE) if place == "host" else (svg.INSIDE, svg.INSIDE_EDGE)
    drawing.box(x, y, wide, high, fill=fill, edge=edge, thick=1.5)
    drawing.text(x + wide / 2, y + 22, name, bold=True, size=12, anchor="middle", room=wide - 8)
    for at, note in enumerate(notes):
        drawing.text(x + wide / 2, y + 40 + 14 * at, note, size=10, fill=svg.SOFT, anchor="middle", room=wide - 4)


def layers(drawing, y):
    """Draw the modules and one arrow for the direction of every import; give where they end."""
    start = y
    for row in LAYERS:
        for x, wide, name, note in row:
            drawing.box(x, y, wide, LAYER, edge=svg.HOST_EDGE)
            drawing.text(x + wide / 2, y + 20, name, bold=True, mono=True, size=12, anchor="middle", room=wide - 8)
            drawing.text(x + wide / 2, y + 38, note, size=10, fill=svg.SOFT, anchor="middle", room=wide - 6)
        y += LAYER + GAP
    drawing.text(652, start + 14, "imports", size=11, fill=svg.SOFT, anchor="middle")
    drawing.line((652, start + 22), (652, y - GAP - 1), edge=svg.INK, thick=1.4, head=True)
    return y - GAP + svg.MARGIN


def twin():
    """Write the cast, the arrows and the layers as text."""
    people = svg.columns([(name, fields[4], " ".join(fields[5])) for name, fields in CAST.items()])
    arrows = [f"{one} -> {other} ({word[0]})" for one, other, _, word in ARROWS]
    rows = [" | ".join(f"{name}: {note}" for _, _, name, note in row) for row in LAYERS]
    return "\n".join([people, "", *arrows, *JOINS, "", "imports go down, or to the right", *rows])


if __name__ == "__main__":
    draw().save(sys.argv[1])
