"""A family of processes with all their numbers: a box each, hatched areas for namespaces — pid_namespaces(7)."""

from . import svg

ROW, BOX, HEAD, FOOT = 44, 32, 26, 8
INDENT, DEEPEST = 26, 7
CHIPS, CHIP = 316, 62  # where the numbers begin, and how far apart they stand
MOST_NUMBERS = 3
HOST_NUMBER = "#"


def draw(rows, sentence=None):
    """Show who descends from whom; rows are (name, level, [(namespace, number), …], zombie), parents first — ps(1)."""
    rows = [(str(name), level, [(str(at), number) for at, number in numbers], bool(zombie))
            for name, level, numbers, zombie in rows]  # fmt: skip
    sentence = sentence or describe(rows)
    for most in (24, 16, 10):
        picture = paint(rows[:most], sentence, len(rows), twin(rows))
        if len(picture.svg.encode()) <= svg.LIMIT_BYTES:
            break
    return picture


def first_of(numbers):
    """The namespace whose PID 1 this process is, or None."""
    return numbers[-1][0] if numbers and numbers[-1][1] == 1 else None


def remark(numbers, zombie):
    """What is special about a process, in words."""
    at = first_of(numbers)
    return ", ".join(["a zombie"] * zombie + [f"PID 1 of {at}"] * bool(at))


def describe(rows):
    """Say in one sentence who is number 1 where, and who has ended."""
    if not rows:
        return "No process is left here."
    firsts = [f"{name} is number 1 in {first_of(numbers)}" for name, _, numbers, _ in rows if first_of(numbers)]
    dead = [name for name, _, _, zombie in rows if zombie]
    if not any(numbers for _, _, numbers, _ in rows):
        said = "Nobody here has left the host's PID namespace: one number each"
    elif len(firsts) > 3:
        said = f"{len(firsts)} processes are number 1, each in a namespace of its own"
    else:
        said = ", ".join(firsts) if firsts else "One process, one number in each PID namespace that sees it"
    if dead:
        said += f"; {dead[0]} is a zombie" if len(dead) == 1 else f"; {len(dead)} are zombies"
    return said + "."


def twin(rows):
    """The same as columns of words."""
    places = list(dict.fromkeys(at for _, _, numbers, _ in rows for at, _ in numbers))
    table = [["process", "host", *places, ""]]
    for name, level, numbers, zombie in rows:
        known = dict(numbers)
        table.append(["  " * level + name, HOST_NUMBER, *(str(known.get(at, "-")) for at in places),
                      remark(numbers, zombie)])  # fmt: skip
    return f"{svg.columns(table)}\n{HOST_NUMBER} a number of the host's, another one each time"


def areas(rows):
    """(first row, last row, namespace, depth) of each stretch that is in another namespace than the parent's row."""
    found, above = [], []
    for at, (_, level, numbers, _) in enumerate(rows):
        del above[level:]
        place = numbers[-1][0] if numbers else None
        if place is not None and (not above or above[-1] != place):
            last = at
            while last + 1 < len(rows) and rows[last + 1][1] > level:
                last += 1
            found.append((at, last, place, len(numbers)))
        above += [place] * (level + 1 - len(above))
    return found


def paint(rows, sentence, count, words):
    """Place the rows one below the other, then draw areas, branches and boxes, in this order."""
    drawing = svg.Drawing("Processes and their numbers", sentence)
    stretches, y, tops, bottoms = areas(rows), drawing.top + 6, [], {}
    for at in range(len(rows)):
        y += HEAD * sum(first == at for first, *_ in stretches)
        tops.append(y)
        y += ROW
        for first, last, *_ in reversed(stretches):
            if last == at:
                bottoms[first] = y
                y += FOOT
    names = list(dict.fromkeys(place for _, _, place, _ in stretches))
    for first, _, place, depth in stretches:
        hatch = list(svg.HATCHES)[names.index(place) % len(svg.HATCHES)]
        ground(drawing, left_of(rows[first][1]) - 10, tops[first] - HEAD, bottoms[first], place, depth, hatch)
    branches(drawing, rows, tops)
    for row, top in zip(rows, tops, strict=True):
        process(drawing, row, top)
    note = f"{HOST_NUMBER} is a number of the host's: another one each time. Same letter and pattern: same namespace."
    if count > len(rows):
        note = f"{count - len(rows)} more processes are in the text. " + note
    for line in svg.wrap(note, svg.WIDTH - 2 * svg.MARGIN, size=11):
        drawing.text(svg.MARGIN, y + 14, line, size=11, fill=svg.SOFT)
        y += 15
    return drawing.picture(y + 14, words)


def left_of(level):
    """Where a box of this level begins."""
    return svg.MARGIN + 12 + INDENT * min(level, DEEPEST)


def ground(drawing, x, top, bottom, place, depth, hatch):
    """The hatched ground of a namespace, with its name on a plain plate."""
    right = svg.WIDTH - svg.MARGIN - 7 * min(depth - 1, 3)
    drawing.hatch(x, top, right - x, bottom - top, hatch)
    label = svg.shorten(f"PID namespace {place}", 300, size=12, bold=True)
    drawing.box(x + 6, top + 4, svg.width(label, 12, True) + 12, 18, fill=svg.GROUND, edge=None, radius=4)
    drawing.text(x + 12, top + 17, label, size=12, bold=True)


def branches(drawing, rows, tops):
    """A line from each parent to its child, drawn over the grounds and under the boxes."""
    above = []
    for (_, level, _, _), top in zip(rows, tops, strict=True):
        del above[level:]
        if above and level <= DEEPEST:
            x = left_of(level - 1) + 10
            drawing.line((x, above[-1] + BOX), (x, top + BOX / 2), (left_of(level), top + BOX / 2), edge=svg.INK)
        above += [top] * (level + 1 - len(above))


def process(drawing, row, top):
    """One process: its name, all its numbers, and what is special about it."""
    name, level, numbers, zombie = row
    x, right = left_of(level), svg.WIDTH - svg.MARGIN - 28
    drawing.box(x, top, right - x, BOX, dashed=zombie, edge=svg.INK if first_of(numbers) else svg.LINE,
                thick=2 if first_of(numbers) else 1)  # fmt: skip
    drawing.text(x + 10, top + 21, name, bold=not zombie, room=CHIPS - x - 18)
    shown = [("host", HOST_NUMBER), *numbers]
    if len(shown) > MOST_NUMBERS + 1:
        shown = [shown[0], ("…", ""), *shown[-2:]]
    for at, (place, number) in enumerate(shown):
        chip(drawing, CHIPS + CHIP * at, top + 6, place, number)
    words = remark(numbers, zombie)
    if words:
        drawing.text(right - 8, top + 21, words, size=11, bold=True, anchor="end",
                     room=right - CHIPS - CHIP * len(shown) - 12)  # fmt: skip


def chip(drawing, x, top, place, number):
    """One number, and where it is valid."""
    host = place == "host"
    drawing.box(x, top, CHIP - 6, 20, fill=svg.HOST if host else svg.INSIDE,
                edge=svg.HOST_EDGE if host else svg.INSIDE_EDGE, radius=4)  # fmt: skip
    drawing.text(x + (CHIP - 6) / 2, top + 14, f"{place} {number}".strip(), size=11, anchor="middle", room=CHIP - 10)
