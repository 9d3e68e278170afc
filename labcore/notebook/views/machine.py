"""A virtual machine and a container side by side: what is shared, and where the boundary runs — kvm, namespaces(7)."""

import sys

from . import svg

SENTENCE = "A virtual machine brings a kernel of its own; containers are processes on the one kernel that is there."
# question, answer for a virtual machine, answer for a container
ANSWERS = [
    ("Who answers a system call?", "its own kernel", "the host's kernel"),
    ("What is the boundary?", "virtual hardware", "the system call"),
    ("What does starting mean?", "a kernel boots", "a process starts"),
    ("What does ps on the host show?", "one process per machine", "every process of the container"),
    ("Which kernels can it run?", "any, also of another system", "only the one that is there"),
    ("Whom does a kernel bug hit first?", "that machine", "the host and all containers"),
]
HALF, GAP, LAYER = 318, 24, 40


def draw():
    """Show both stacks, bottom up, with the boundary drawn between what is shared and what is not."""
    drawing = svg.Drawing("Virtual machine and container", SENTENCE)
    top = drawing.top + 8
    machines(drawing, svg.MARGIN, top)
    containers(drawing, svg.MARGIN + HALF + GAP, top)
    bottom = answers(drawing, top + 362)
    table = svg.columns([("", "virtual machine", "container"), *ANSWERS])
    twin = (
        "virtual machine, top down: program, libraries, its own kernel | boundary: virtual hardware | "
        "monitor (QEMU), the host's kernel with KVM, hardware\n"
        "container, top down: program, libraries | boundary: the system call, seen through namespaces and cgroups | "
        f"the host's kernel, hardware\n\n{table}"
    )
    return drawing.picture(bottom, twin)


def machines(drawing, left, top):
    """Draw two virtual machines on one host."""
    drawing.text(left, top + 14, "Two virtual machines", size=14, bold=True)
    for at in range(2):
        x, wide = left + at * (HALF + 10) / 2, (HALF - 10) / 2
        drawing.box(x, top + 28, wide, 142, fill=svg.INSIDE, edge=svg.INSIDE_EDGE, thick=2)
        for layer, name in enumerate(("program", "libraries")):
            brick(drawing, x + 9, top + 37 + 32 * layer, wide - 18, 26, name)
        brick(drawing, x + 9, top + 101, wide - 18, 60, "its own kernel", "drivers, scheduler, files", bold=True)
    boundary(drawing, left, top + 188, "virtual hardware: CPU, memory, disk")
    brick(drawing, left, top + 206, HALF, LAYER, "QEMU, one process per machine", fill=svg.HOST)
    brick(drawing, left, top + 252, HALF, LAYER, "the host's kernel, with KVM", fill=svg.HOST, bold=True)
    brick(drawing, left, top + 298, HALF, 30, "hardware", fill=svg.HOST)


def containers(drawing, left, top):
    """Draw two containers on one host."""
    drawing.text(left, top + 14, "Two containers", size=14, bold=True)
    for at in range(2):
        x, wide = left + at * (HALF + 10) / 2, (HALF - 10) / 2
        drawing.box(x, top + 28, wide, 142, fill=svg.INSIDE, edge=svg.INSIDE_EDGE, thick=2, dashed=True)
        for layer, name in enumerate(("program", "libraries")):
            brick(drawing, x + 9, top + 37 + 32 * layer, wide - 18, 26, name)
        drawing.text(x + wide / 2, top + 121, "a process", bold=True, anchor="middle")
        drawing.text(x + wide / 2, top + 138, "its own view: namespaces", size=10, fill=svg.SOFT, anchor="middle")
        drawing.text(x + wide / 2, top + 153, "its own share: cgroups", size=10, fill=svg.SOFT, anchor="middle")
    boundary(drawing, left, top + 188, "system calls")
    note = "shared by both and the host"
    brick(drawing, left, top + 206, HALF, 86, "the host's kernel", note, fill=svg.HOST, bold=True)
    brick(drawing, left, top + 298, HALF, 30, "hardware", fill=svg.HOST)


def brick(drawing, x, y, wide, high, name, note="", fill=svg.WHITE, bold=False):
    """Draw one layer with its name."""
    drawing.box(x, y, wide, high, fill=fill, edge=svg.HOST_EDGE)
    base = y + high / 2 + (-3 if note else 5)
    drawing.text(x + wide / 2, base, name, bold=bold, size=12, anchor="middle", room=wide - 12)
    if note:
        drawing.text(x + wide / 2, base + 17, note, size=10, fill=svg.SOFT, anchor="middle", room=wide - 8)


def boundary(drawing, left, y, name):
    """Draw the line that separates what is each one's own from what is shared."""
    wide = svg.width(name, size=11, bold=True) + 12
    middle = left + HALF / 2
    drawing.line((left, y), (middle - wide / 2, y), edge=svg.INK, thick=2.5)
    drawing.line((middle + wide / 2, y), (left + HALF, y), edge=svg.INK, thick=2.5)
    drawing.text(middle, y + 4, name, size=11, bold=True, anchor="middle")


def answers(drawing, top):
    """Draw the questions with both answers; give where they end."""
    lefts = (svg.MARGIN, svg.MARGIN + 236, svg.MARGIN + 440)
    for left, words in zip(lefts, ("", "virtual machine", "container"), strict=True):
        drawing.text(left, top, words, size=12, bold=True)
    for row in ANSWERS:
        drawing.line((svg.MARGIN, top + 8), (svg.WIDTH - svg.MARGIN, top + 8))
        top += 25
        for at, (left, words) in enumerate(zip(lefts, row, strict=True)):
            drawing.text(left, top, words, size=12, fill=svg.SOFT if at == 0 else svg.INK)
    return top + 20


if __name__ == "__main__":
    draw().save(sys.argv[1])
