"""Mount points below a directory, as one or more processes see them, and how they propagate — mount_namespaces(7)."""

from . import svg

TREE, GAP, ROW, LINE = 168, 46, 58, 16
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SYMBOL = {"shared": "⇄", "slave": "←", "private": "·", "unbindable": "×"}


def draw(columns, below, sentence=None):
    """Show who sees which mount, and which way news of mounts travels — mount_namespaces(7).

    Columns are (name, rows); a row has .number .point .fstype .options .shared .master .unbindable, and stands with
    whether it is covered: (row, covered).
    """
    columns = [(str(name), keyed(rows)) for name, rows in columns]
    keys = sorted({key for _, cells in columns for key in cells}, key=lambda key: (key[0].split("/"), key[1]))
    letters = name_groups(columns, keys)
    sentence = sentence or describe(columns, below)
    table = [["mount point", *(name for name, _ in columns)]]
    for key in keys:
        table.append([title(key), *("; ".join(words(cells.get(key), letters)) for _, cells in columns)])
    for most in (20, 12, 8):
        picture = paint(columns, keys, most, letters, below, sentence, svg.columns(table))
        if len(picture.svg.encode()) <= svg.LIMIT_BYTES:
            break
    return picture


def keyed(rows):
    """{(mount point, how many lie below it there): (row, covered)}."""
    found = {}
    for row, covered in rows:
        layer = sum(point == row.point for point, _ in found)
        found[row.point, layer] = row, covered
    return found


def title(key):
    """A mount point in words; a second mount on the same one lies on top."""
    return key[0] + ", on top" * bool(key[1])


def name_groups(columns, keys):
    """{peer group: letter}, in the order in which they meet the eye."""
    found = {}
    for key in keys:
        for _, cells in columns:
            row = cells[key][0] if key in cells else None
            for group in (row.shared, row.master) if row else ():
                if group and group not in found:
                    count = len(found)
                    found[group] = LETTERS[count % 26] + (str(count // 26) if count > 25 else "")
    return found


def words(cell, letters):
    """One mount in two or three short lines."""
    if cell is None:
        return ["not mounted here"]
    row, covered = cell
    first = f"{row.fstype} {'ro' if 'ro' in row.options.split(',') else 'rw'}"
    return [first, *ways(row, letters), *["(covered)"] * covered]


def ways(row, letters):
    """Its propagation, with the letters of its peer groups."""
    found = []
    if row.shared:
        found.append(f"{SYMBOL['shared']} shared {letters[row.shared]}")
    if row.master:
        found.append(f"{SYMBOL['slave']} slave of {letters[row.master]}")
    if not found:
        kind = "unbindable" if row.unbindable else "private"
        found.append(f"{SYMBOL[kind]} {kind}")
    return found


def relation(one, other):
    """How a mount of one process and a mount of another are connected: peers, master, slave, or None."""
    if one.shared and one.shared == other.shared:
        return "peers"
    if one.shared and one.shared == other.master:
        return "master"
    return "slave" if other.shared and other.shared == one.master else None


def describe(columns, below):
    """Say in one sentence what crosses between the first two processes."""
    if len(columns) < 2:
        count = sum(len(cells) for _, cells in columns)
        name = columns[0][0] if columns else "nobody"
        return f"{name} sees {count} mount{'s' * (count != 1)} at {below} and below."
    (one, ours), (other, theirs) = columns[:2]
    if ours and [row.number for row, _ in ours.values()] == [row.number for row, _ in theirs.values()]:
        return f"{one} and {other} are in one mount namespace: there is only one list of mounts."
    found = [relation(ours[key][0], theirs[key][0]) for key in ours if key in theirs]
    if found and set(found) == {"peers"}:
        return f"{one} and {other} are peers: what either mounts below {below} appears for both."
    for way, master, slave in (("master", one, other), ("slave", other, one)):
        if found and set(found) == {way}:
            return f"{slave} is a slave of {master}: mounts come in from {master}, none go back."
    if not any(found):
        return f"{one} and {other} share no propagation below {below}: mounts cross in neither direction."
    return f"Between {one} and {other} mounts cross only where a row has an arrow."


def paint(columns, keys, most, letters, below, sentence, twin):
    """Draw the tree on the left, a column of cells for each process, and arrows where mounts cross."""
    drawing = svg.Drawing(f"Mounts below {below}", sentence)
    step = min(320, (svg.WIDTH - 2 * svg.MARGIN - TREE + GAP) / max(1, len(columns)))
    wide, top, shown = step - GAP, drawing.top + 22, keys[:most]
    drawing.text(svg.MARGIN, drawing.top + 10, "mount point", size=11, fill=svg.SOFT)
    for at, (name, _) in enumerate(columns):
        drawing.text(svg.MARGIN + TREE + step * at + wide / 2, drawing.top + 10, name, bold=True, anchor="middle",
                     room=wide)  # fmt: skip
    places, y = {}, top
    for key in shown:
        cells = [cells.get(key) for _, cells in columns]
        tall = ROW + LINE * max(0, *(len(words(cell, letters)) - 2 for cell in cells))
        branch(drawing, key, places, y + ROW / 2 - 2)
        for at, cell in enumerate(cells):
            box(drawing, svg.MARGIN + TREE + step * at, y, wide, tall - 10, cell, letters)
            if at and cell and cells[at - 1]:
                arrow(drawing, svg.MARGIN + TREE + step * at - GAP, y + ROW / 2 - 5, cells[at - 1][0], cell[0])
        y += tall
    note = "⇄\u00a0shared: peers with the same letter tell each other. ←\u00a0slave of A: hears of A's mounts, tells "
    note += "nobody. ·\u00a0private, ×\u00a0unbindable: neither. (covered): something lies on top; hidden, not gone."
    if len(keys) > len(shown):
        note = f"{len(keys) - len(shown)} more mount points are in the text. " + note
    for line in svg.wrap(note, svg.WIDTH - 2 * svg.MARGIN, size=11):
        y += 15
        drawing.text(svg.MARGIN, y, line, size=11, fill=svg.SOFT)
    return drawing.picture(y + 14, twin)


def branch(drawing, key, places, y):
    """Draw one mount point on the tree, below the nearest other one that holds it."""
    shown, above = key[0], [point for point in places if key[0].startswith(point.rstrip("/") + "/") and point != key[0]]
    x = svg.MARGIN + 16 * min(len(above), 6)
    if above:
        parent = max(above, key=len)
        left, high = places[parent]
        drawing.line((left + 6, high + 9), (left + 6, y - 4), (x - 2, y - 4), edge=svg.SOFT)
        shown = key[0][len(parent.rstrip("/")) + 1 :]
    places.setdefault(key[0], (x, y))
    drawing.text(x + 2, y, shown, size=12, mono=True, bold=not above, room=svg.MARGIN + TREE - x - 12)
    if key[1]:
        drawing.text(x + 2, y + 15, "on top", size=11, fill=svg.SOFT)


def box(drawing, x, y, wide, tall, cell, letters):
    """Draw one mount: a strip with the letter of its peer group, then its words."""
    if cell is None:
        drawing.box(x, y, wide, tall, fill="none", dashed=True)
        drawing.text(x + wide / 2, y + 28, "not mounted here", size=12, fill=svg.SOFT, anchor="middle", room=wide - 12)
        return
    row, covered = cell
    drawing.box(x, y, wide, tall, edge=svg.HOST_EDGE, dashed=covered)
    letter = letters.get(row.shared) or letters.get(row.master)
    if row.shared:
        drawing.hatch(x + 4, y + 4, 30, tall - 8, list(svg.HATCHES)[list(letters).index(row.shared) % 6])
        drawing.box(x + 9, y + tall / 2 - 10, 20, 20, edge=None, radius=10)
    elif row.master:
        drawing.box(x + 4, y + 4, 30, tall - 8, fill=svg.HOST, edge=svg.HOST_EDGE, dashed=True)
    if letter:
        drawing.text(x + 19, y + tall / 2 + 4, letter, size=12, bold=bool(row.shared), anchor="middle", room=28)
    for at, line in enumerate(words(cell, letters)):
        drawing.text(x + 42, y + 20 + LINE * at, line, size=12, fill=svg.SOFT if covered else svg.INK, room=wide - 48)


def arrow(drawing, x, y, left, right):
    """Draw between two neighbours which way mounts travel."""
    way, ends = relation(left, right), ((x + 5, y), (x + GAP - 5, y))
    if left.number == right.number or way is None:
        return
    if way == "slave":
        ends = ends[::-1]
    drawing.line(*ends, edge=svg.INSIDE_EDGE, thick=2, head=True)
    if way == "peers":
        drawing.head(ends[1], ends[0], svg.INSIDE_EDGE)
