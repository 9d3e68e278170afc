"""Which ID inside is which ID outside: a ruler for each user namespace, joined by bands — user_namespaces(7)."""

from . import svg

NOBODY = 65534  # the overflow ID: how an ID without a place in the map is shown
MOST_RULERS, MOST_BANDS = 4, 4
NAME, OTHERS, TALL, APART = 104, 96, 32, 84  # widths of the two outer columns, height of a ruler, space for bands
ALL_OTHERS = "all others"


def draw(names, users, groups, sentence=None):
    """Show maps from the innermost namespace outwards; each is a list of (inside, outside, count) — proc(5)."""
    names = [str(name) for name in names]
    maps = {"users": users, "groups": groups}
    if list(users) == list(groups):
        maps = {"users and groups": users}
    sentence = sentence or describe(names, users)
    return paint(names[-MOST_RULERS:], {title: levels[-MOST_RULERS + 1 :] for title, levels in maps.items()}, sentence,
                 words(names, maps))  # fmt: skip


def describe(names, users):
    """Say in one sentence who root of the innermost namespace is further out."""
    if not users:
        return f"{names[0]} is the outermost user namespace here: its IDs are what they are."
    if not users[0]:
        return f"{names[0]} has no map yet: there, everybody is {NOBODY}."
    number, found = 0, []
    for name, level in zip(names[1:], users, strict=True):
        number = outside(level, number)
        if number is None:
            return f"Nobody of {name} is root in {names[0]}."
        found.append(f"{number} on the host" if name == "host" else f"{number} in {name}")
    return f"Root of {names[0]} is {' and '.join(found)}."


def outside(level, number):
    """The ID further out that this map gives to one, or None."""
    return next((out + number - first for first, out, count in level if first <= number < first + count), None)


def span(first, count):
    """Write a range of IDs."""
    return f"{first}" if count == 1 else f"{first}–{first + count - 1}"


def words(names, maps):
    """The same facts as a table."""
    rows = [["IDs", "inside", "outside", "how many"]]
    for title, levels in maps.items():
        for inner, outer, level in zip(names, names[1:], levels, strict=False):
            rows += [[title, f"{inner} {span(a, n)}", f"{outer} {span(b, n)}", str(n)] for a, b, n in level]
            rows.append([title, f"{inner} {NOBODY}", f"{outer} {ALL_OTHERS}", "-"])
    return svg.columns(rows)


def paint(names, maps, sentence, twin):
    """Draw one panel for each of the maps."""
    drawing = svg.Drawing("User namespaces and their IDs", sentence)
    y = drawing.top + 6
    for title, levels in maps.items():
        drawing.text(svg.MARGIN, y + 12, title, size=12, fill=svg.SOFT)
        panel(drawing, y + 24, names, [level[:MOST_BANDS] for level in levels])
        y += 24 + len(names) * TALL + (len(names) - 1) * APART + 22
    note = f"On a band stands its line of the map. Whoever has no place in a map is seen as {NOBODY}."
    cut = sum(max(0, len(level) - MOST_BANDS) for levels in maps.values() for level in levels)
    if cut:
        note = f"{cut} more ranges are in the text. {note}"
    for line in svg.wrap(note, svg.WIDTH - 2 * svg.MARGIN, size=11):
        drawing.text(svg.MARGIN, y + 4, line, size=11, fill=svg.SOFT)
        y += 15
    return drawing.picture(y + 6, twin)


def panel(drawing, top, names, levels):
    """Draw the rulers of one panel, the innermost on top, and the bands between them."""
    above, below = [[], *levels], [*levels, []]
    rulers = [layout(pieces(lower, 0) + pieces(upper, 1)) for upper, lower in zip(above, below, strict=True)]
    ys = [top + at * (TALL + APART) for at in range(len(names))]
    for at, level in enumerate(levels):
        bands(drawing, ys[at] + TALL, ys[at + 1], level, rulers[at], rulers[at + 1])
    for at, (name, y, places) in enumerate(zip(names, ys, rulers, strict=True)):
        fill, edge = (svg.HOST, svg.HOST_EDGE) if at == len(names) - 1 else (svg.INSIDE, svg.INSIDE_EDGE)
        drawing.text(svg.MARGIN, y + 21, name, bold=True, room=NAME - 12)
        for (first, end), (left, right) in places.items():
            drawing.box(left, y, right - left, TALL, fill, edge, radius=0)
            label(drawing, left, right, y, span(first, end - first))
        left = svg.WIDTH - svg.MARGIN - OTHERS
        drawing.box(left, y, OTHERS, TALL, "none", edge, dashed=True)
        label(drawing, left, left + OTHERS, y, ALL_OTHERS if at == len(names) - 1 else str(NOBODY))


def label(drawing, left, right, y, text):
    """Write on a box."""
    drawing.text((left + right) / 2, y + 21, text, size=12, anchor="middle", room=right - left - 6)


def pieces(level, side):
    """The ranges of a map on its inner (0) or outer (1) side, as (first, end)."""
    return [(entry[side], entry[side] + entry[2]) for entry in level]


def layout(ranges):
    """Where each piece between two ends lies on a ruler: {(first, end): (left, right)}; a gap in the IDs is a gap."""
    ends = sorted({end for found in ranges for end in found})
    cut = [(a, b) for a, b in zip(ends, ends[1:], strict=False) if any(f <= a and b <= e for f, e in ranges)]
    sizes = [max(40, svg.width(span(a, b - a), 12) + 14) for a, b in cut]
    gaps = [14 if at and cut[at - 1][1] != a else 0 for at, (a, _) in enumerate(cut)]
    room = svg.WIDTH - 2 * svg.MARGIN - NAME - OTHERS - 20 - sum(gaps)
    scale, x, places = room / (sum(sizes) or 1), svg.MARGIN + NAME, {}
    scale = min(scale, 2.5)
    for piece, size, gap in zip(cut, sizes, gaps, strict=True):
        places[piece] = (x + gap, x + gap + size * scale)
        x += gap + size * scale
    return places


def edges(places, first, end):
    """Left and right of a range that is one or several pieces."""
    found = [place for (a, b), place in places.items() if first <= a and b <= end]
    return found[0][0], found[-1][1]


def bands(drawing, top, bottom, level, inner, outer):
    """Join each range inside with its range outside, and write the line of the map on it."""
    middles = []
    for at, (first, out, count) in enumerate(level):
        a, b = edges(inner, first, first + count)
        c, d = edges(outer, out, out + count)
        band(drawing, [(a, top), (b, top), (d, bottom), (c, bottom)], list(svg.HATCHES)[at % len(svg.HATCHES)])
        middles.append(((a + b + c + d) / 4, f"{first} {out} {count}"))
    left = svg.WIDTH - svg.MARGIN - OTHERS
    for x in (left, left + OTHERS):
        drawing.line((x, top), (x, bottom), dashed=True)
    drawing.line((left + OTHERS / 2, bottom - 8), (left + OTHERS / 2, top + 8), head=True)
    for x, text, wide in spread(sorted(middles), svg.MARGIN + NAME, left - 20):
        drawing.box(x - wide / 2 - 5, (top + bottom) / 2 - 11, wide + 10, 22, svg.WHITE, None, radius=4)
        drawing.text(x, (top + bottom) / 2 + 4, text, size=12, mono=True, anchor="middle", room=wide)


def band(drawing, corners, hatch):
    """Draw a four-sided area filled with one of the patterns."""
    if hatch not in drawing.hatches:
        drawing.hatches.append(hatch)
    style = f' fill="url(#lab-{hatch})" stroke="{svg.INSIDE_EDGE}"'
    drawing.shapes.append((style, f'<path d="{svg.path(corners)}Z"', "/>"))


def spread(labels, left, right):
    """Give each label a place of its own: (middle, text, width), pushed apart where they would meet."""
    room = (right - left) / max(1, len(labels)) - 16
    placed, at = [], left
    for x, text in labels:
        wide = min(svg.width(text, 12, mono=True), room)
        x = max(x, at + wide / 2 + 8)
        placed.append((x, text, wide))
        at = x + wide / 2 + 8
    limit = right
    for n in range(len(placed) - 1, -1, -1):
        x, text, wide = placed[n]
        x = min(x, limit - wide / 2 - 8)
        placed[n], limit = (x, text, wide), x - wide / 2 - 8
    return placed
