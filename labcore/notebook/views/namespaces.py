"""Who shares what: processes down, kinds of namespace across — namespaces(7)."""

from . import svg

# What a learner notices of each kind, in as few letters as fit under its name.
NOTICED = {
    "uts": "host name", "ipc": "queues", "pid": "numbers", "net": "network", "mnt": "mounts", "user": "IDs",
    "cgroup": "cgroups", "time": "clocks",
}
ROW, HEAD = 44, 46
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def draw(rows, kinds=None, host="host", sentence=None):
    """Show which processes share which namespace, without a number that varies — namespaces(7)."""
    rows = [(str(name), links) for name, links in rows]
    kinds = list(kinds or (rows[0][1] if rows else ()))
    marks = {kind: symbols(rows, kind, host) for kind in kinds}
    sentence = sentence or describe(rows, kinds, marks, host)
    table = [["process", *kinds]] + [[name, *(marks[kind][at] for kind in kinds)] for at, (name, _) in enumerate(rows)]
    for most in (16, 12, 8):
        picture = paint(rows[:most], kinds, marks, host, sentence, len(rows), svg.columns(table))
        if len(picture.svg.encode()) <= svg.LIMIT_BYTES:
            break
    return picture


def symbols(rows, kind, host):
    """Give each process a name for its namespace: host, or a letter in order of appearance; ? if unknown."""
    theirs = next((links.get(kind) for name, links in rows if name == host), None)
    names = {} if theirs is None else {theirs: host}
    out = []
    for _, links in rows:
        link = links.get(kind)
        if link is not None and link not in names:
            count = len(names) - (theirs is not None)
            names[link] = LETTERS[count % 26] + (str(count // 26) if count > 25 else "")
        out.append("?" if link is None else names[link])
    return out


def describe(rows, kinds, marks, host):
    """Say in one sentence who differs from the host in what."""
    others = [(at, name) for at, (name, _) in enumerate(rows) if name != host]
    if len(others) == len(rows):
        return "In a column, the same letter is the same namespace."
    differ = {name: [kind for kind in kinds if marks[kind][at] not in (host, "?")] for at, name in others}
    apart = {name: found for name, found in differ.items() if found}
    if not apart:
        return f"Every process here is in the same namespaces as the {host}: nothing is contained."
    if len(apart) > 3:
        return f"{len(apart)} processes have left namespaces of the {host}; same letter, same one."
    parts = [f"{name} has left the {host}'s {listed(found, kinds)}" for name, found in apart.items()]
    parts += [f"{name} has left none" for name, found in differ.items() if not found][:2]
    return "; ".join(parts) + "."


def listed(found, kinds):
    """Join the kinds as a sentence does."""
    if len(found) == len(kinds) and len(kinds) > 2:
        return "namespaces, all of them"
    words = found[0] if len(found) == 1 else ", ".join(found[:-1]) + " and " + found[-1]
    return words + (" namespace" if len(found) == 1 else " namespaces")


def paint(rows, kinds, marks, host, sentence, count, twin):
    """Draw the grid; neighbours in one namespace grow together into one box."""
    drawing = svg.Drawing("Processes and their namespaces", sentence)
    left = svg.MARGIN + 108
    step = min(90, (svg.WIDTH - svg.MARGIN - left) / max(1, len(kinds)))
    top = drawing.top + 8 + HEAD
    for at, kind in enumerate(kinds):
        middle = left + step * (at + 0.5)
        drawing.text(middle, top - 26, kind, mono=True, bold=True, anchor="middle", room=step - 4)
        drawing.text(middle, top - 10, NOTICED.get(kind, ""), size=11, fill=svg.SOFT, anchor="middle", room=step - 4)
    for at, (name, _) in enumerate(rows):
        y = top + ROW * at
        drawing.line((svg.MARGIN, y), (left + step * len(kinds), y))
        drawing.text(svg.MARGIN + 4, y + ROW / 2 + 5, name, bold=True, room=left - svg.MARGIN - 12)
    for at, kind in enumerate(kinds):
        column(drawing, left + step * at, top, step, marks[kind][: len(rows)], host)
    bottom = top + ROW * len(rows) + 6
    note = "Same letter and pattern in one column: the same namespace. Letters begin again in each column."
    if count > len(rows):
        note = f"{count - len(rows)} more processes are in the text. " + note
    for line in svg.wrap(note, svg.WIDTH - 2 * svg.MARGIN, size=11):
        drawing.text(svg.MARGIN, bottom + 16, line, size=11, fill=svg.SOFT)
        bottom += 15
    return drawing.picture(bottom + 16, twin)


def column(drawing, x, top, step, marks, host):
    """Draw one kind: a box for each run of neighbours in one namespace, and its name on each row."""
    at, hatches = 0, list(svg.HATCHES)
    while at < len(marks):
        end = at
        while end < len(marks) and marks[end] == marks[at]:
            end += 1
        box = (x + 5, top + ROW * at + 6, step - 10, ROW * (end - at) - 12)
        if marks[at] == "?":
            drawing.box(*box, fill="none", dashed=True)
        elif marks[at] == host:
            drawing.box(*box, fill=svg.HOST, edge=svg.HOST_EDGE)
        else:
            drawing.hatch(*box, hatches[LETTERS.index(marks[at][0]) % len(hatches)])
        at = end
    rows = [(mark, top + ROW * (at + 0.5)) for at, mark in enumerate(marks)]
    letters = [(mark, y) for mark, y in rows if mark not in (host, "?")]
    for _, y in letters:  # a plain disc, so that the pattern does not cross the letter
        drawing.box(x + step / 2 - 15, y - 11, 30, 22, edge=None, radius=11)
    for mark, y in letters:
        drawing.text(x + step / 2, y + 5, mark, bold=True, anchor="middle")
    for mark, y in rows:
        if mark in (host, "?"):
            drawing.text(x + step / 2, y + 5, mark, fill=svg.SOFT, anchor="middle", room=step - 14)
