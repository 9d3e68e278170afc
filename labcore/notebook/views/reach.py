"""Who reaches what: objects down, processes across — ipc_namespaces(7)."""

from . import svg

ROW, LEFT = 34, 210


def draw(names, rows, sentence=None):
    """Show which of these processes reach which object; rows are (what, [yes or no for each process])."""
    names, rows = [str(name) for name in names], [(str(what), list(reached)) for what, reached in rows]
    sentence = sentence or describe(names, rows)
    table = [["object", *names]] + [[what, *("yes" if yes else "-" for yes in reached)] for what, reached in rows]
    for most in (24, 16, 8):
        picture = paint(names, rows[:most], sentence, len(rows), svg.columns(table))
        if len(picture.svg.encode()) <= svg.LIMIT_BYTES:
            break
    return picture


def describe(names, rows):
    """Say in one sentence what all of them reach."""
    if not rows:
        return "There is nothing here that any of these processes could reach."
    common = [what for what, reached in rows if all(reached)]
    if len(common) == len(rows):
        return "Every process here reaches everything."
    rest = f"the other {len(rows) - len(common)} are for some of them only"
    if not common:
        return "Every object here is for some of the processes only."
    return f"Every process here reaches {' and '.join(common[:2]) if len(common) < 3 else len(common)}; {rest}."


def paint(names, rows, sentence, count, twin):
    """Draw the grid: a filled field with a word says yes, an empty one no."""
    drawing = svg.Drawing("Who reaches what", sentence)
    left = svg.MARGIN + LEFT
    step = min(90, (svg.WIDTH - svg.MARGIN - left) / max(1, len(names)))
    top = drawing.top + 28
    for at, name in enumerate(names):
        drawing.text(left + step * (at + 0.5), top - 12, name, bold=True, anchor="middle", room=step - 6)
    for at, (what, reached) in enumerate(rows):
        y = top + ROW * at
        drawing.line((svg.MARGIN, y), (left + step * len(names), y))
        drawing.text(svg.MARGIN + 4, y + ROW / 2 + 5, what, mono=True, room=LEFT - 14)
        runs(drawing, left, y, step, reached)
    bottom = top + ROW * len(rows) + 6
    note = "A row is one object. yes: the process finds it by its key, path or name."
    if count > len(rows):
        note = f"{count - len(rows)} more are in the text. " + note
    for line in svg.wrap(note, svg.WIDTH - 2 * svg.MARGIN, size=11):
        drawing.text(svg.MARGIN, bottom + 16, line, size=11, fill=svg.SOFT)
        bottom += 15
    return drawing.picture(bottom + 16, twin)


def runs(drawing, left, y, step, reached):
    """Draw one row: neighbours who reach the object stand in one box."""
    at = 0
    while at < len(reached):
        end = at + 1
        while end < len(reached) and reached[end] == reached[at]:
            end += 1
        if reached[at]:
            drawing.box(left + step * at + 4, y + 5, step * (end - at) - 8, ROW - 10, svg.INSIDE, svg.INSIDE_EDGE)
        at = end
    for at, yes in enumerate(reached):
        drawing.text(left + step * (at + 0.5), y + ROW / 2 + 5, "yes" if yes else "–", bold=yes,
                     fill=svg.INK if yes else svg.SOFT, anchor="middle")  # fmt: skip
