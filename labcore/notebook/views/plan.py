"""A plan as a table: number, place, step, what it does, and how long it took — one message per arrow."""

from . import svg

PLACES = ("host", "inside")
LANE, TOP = 52, 40


def draw(steps, times=True, sentence=None):
    """Show the steps in order, in the lane of the place they run in; `times=False` for a picture that never varies."""
    rows = [as_row(item) for item in steps]
    times = times and any(row[3] is not None for row in rows)
    sentence = sentence or describe(rows, times)
    table = [["", "where", "step", "what it does", "µs"][: 5 if times else 4]]
    for at, (place, address, words, took) in enumerate(rows, 1):
        table.append([f"{at:2}", place, address, words] + ([spell(took)] if times else []))
    for most in (60, 45, 30, 20):
        picture = paint(rows, most, times, sentence, svg.columns(table))
        if len(picture.svg.encode()) <= svg.LIMIT_BYTES:
            break
    return picture


def as_row(item):
    """Take (place, address, explanation, µs), a step, or the (step, µs) that walk yields; give the first form."""
    if len(item) == 2:
        return *as_row(item[0])[:3], item[1]
    if len(item) == 4 and isinstance(item[2], str):
        return tuple(item)
    from labcore import step  # lazily: pictures of plain data need nothing of labcore

    return item[0], item[1], step.explain(item), None


def describe(rows, times):
    """Say in one sentence what there is to see."""
    count = {place: sum(row[0] == place for row in rows) for place in PLACES}
    if not rows:
        return "This plan has no steps."
    turns = sum(a[0] != b[0] for a, b in zip(rows, rows[1:], strict=False))
    text = f"{plural(len(rows), 'step')}, {count['host']} on the host and {count['inside']} inside"
    text += f"; the work changes place {plural(turns, 'time')}." if turns else "."
    if times:
        longest = max(rows, key=lambda row: row[3] or 0)
        text += f" {longest[1]} took longest."
    return text


def plural(count, noun):
    """Write a count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def spell(microseconds):
    """Write a time; a step without one has none."""
    return "" if microseconds is None else f"{microseconds:,.0f}".replace(",", " ")


def paint(rows, most, times, sentence, twin):
    """Draw two lanes, a block for each run of steps in one place, and a line of words per step."""
    drawing = svg.Drawing("A plan, step by step", sentence)
    shown, left = rows[:most], svg.MARGIN + 2 * LANE + 16
    names = min(245, max([svg.width(row[1], size=12, mono=True) for row in shown] + [60]))
    right = svg.WIDTH - svg.MARGIN - (120 if times else 0)
    words = left + names + 14
    lines = [svg.wrap(row[2], right - words, lines=3, size=11) for row in shown]
    tops = [drawing.top + TOP + 6]
    for some in lines:
        tops.append(tops[-1] + 11 + 13 * len(some))
    lanes(drawing, shown, tops)
    drawing.text(left, tops[0] - 18, "step", size=11, fill=svg.SOFT)
    drawing.text(words, tops[0] - 18, "what it does", size=11, fill=svg.SOFT)
    for row, y in zip(shown, tops, strict=False):
        drawing.text(left, y + 16, row[1], size=12, mono=True, room=names)
    for some, y in zip(lines, tops, strict=False):
        for at, line in enumerate(some):
            drawing.text(words, y + 16 + 13 * at, line, size=11, fill=svg.SOFT)
    if times:
        bars(drawing, shown, tops, right + 8)
    if len(rows) > len(shown):
        drawing.text(left, tops[-1] + 22, f"… and {len(rows) - len(shown)} more, in the text", size=11, fill=svg.SOFT)
    return drawing.picture(tops[-1] + (42 if len(rows) > len(shown) else 22), twin)


def bars(drawing, rows, tops, left):
    """Draw each time as a bar and a number, all on one scale."""
    drawing.text(svg.WIDTH - svg.MARGIN, tops[0] - 18, "microseconds", size=11, fill=svg.SOFT, anchor="end")
    longest = max([row[3] or 0 for row in rows] + [1])
    taken = [(row[3], y) for row, y in zip(rows, tops, strict=False) if row[3] is not None]
    for took, y in taken:
        drawing.box(left, y + 7, max(1, 58 * took / longest), 10, fill=svg.HOST_EDGE, edge=None, radius=1)
    for took, y in taken:
        drawing.text(svg.WIDTH - svg.MARGIN, y + 16, spell(took), size=11, anchor="end")


def lanes(drawing, rows, tops):
    """Draw the lanes and their blocks; an arrow leads to the next block."""
    top, bottom = tops[0] - 6, tops[-1] + 6
    for lane, place in enumerate(PLACES):
        x = svg.MARGIN + LANE * lane
        drawing.box(x, top, LANE, bottom - top, fill="#f1f2f1", edge=None, radius=0)
        drawing.text(x + LANE / 2, top - 12, place, size=12, bold=True, anchor="middle")
    drawing.line((svg.MARGIN + LANE, top), (svg.MARGIN + LANE, bottom), dashed=True)
    at = 0
    while at < len(rows):
        end = at
        while end < len(rows) and rows[end][0] == rows[at][0]:
            end += 1
        lane = int(rows[at][0] == "inside")
        x = svg.MARGIN + LANE * lane + 7
        paint_block(drawing, x, lane, at, tops[at : end + 1])
        if end < len(rows):
            turn(drawing, lane, tops[end])
        at = end


def paint_block(drawing, x, lane, first, tops):
    """Draw one run of steps with their numbers."""
    fill, edge = ((svg.HOST, svg.HOST_EDGE), (svg.INSIDE, svg.INSIDE_EDGE))[lane]
    drawing.box(x, tops[0] + 2, LANE - 14, tops[-1] - tops[0] - 4, fill=fill, edge=edge, radius=4, thick=1 + lane / 2)
    for at, y in enumerate(tops[:-1], first + 1):
        drawing.text(x + LANE / 2 - 7, y + 16, at, size=11, anchor="middle")


def turn(drawing, lane, y):
    """Draw the arrow from the end of one block to the beginning of the next, in the other lane."""
    here = svg.MARGIN + LANE * (lane + 0.5)
    there = svg.MARGIN + LANE * (1.5 - lane)
    side = 19 if lane == 0 else -19
    drawing.line((here + side, y - 10), (there, y - 10), (there, y + 1), edge=svg.INK, thick=1.3, head=True)
