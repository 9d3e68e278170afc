"""The root file system as a process sees it, and what of the host's tree it still reaches — proc(5), mountinfo."""

from . import svg

PANELS, ROWS, ROW = 4, 7, 22
TREE, FACTS = 392, 246  # widths of the two halves
HEADS = {
    "host": "its / is the host's",
    "chroot": "its / is a directory of the host's tree",
    "own": "its / is the root of its mount namespace",
}


def draw(processes, sentence=None):
    """Show, for each process, the mounts below its `/` and the ways that lead out of it — chroot(2), pivot_root(2)."""
    sentence = sentence or describe(processes)
    drawing = svg.Drawing("The root file system of processes", sentence)
    top = drawing.top + 6
    for facts in processes[:PANELS]:
        top = panel(drawing, top, facts) + 14
    note = "Arrow: a way out. Bar: closed. From the host: a file system that the host has, too. New: hatched."
    if len(processes) > PANELS:
        note = f"{len(processes) - PANELS} more processes are in the text. " + note
    for line in svg.wrap(note, svg.WIDTH - 2 * svg.MARGIN, size=11):
        drawing.text(svg.MARGIN, top + 8, line, size=11, fill=svg.SOFT)
        top += 15
    return drawing.picture(top + 12, "\n\n".join(words(facts) for facts in processes) or "nobody")


def describe(processes):
    """Say in one sentence whose `/` is what."""
    said = []
    for facts in processes[:PANELS]:
        name, ways = svg.shorten(facts["name"], 120), sum(way for _, _, way in reach(facts))
        if facts["kind"] == "host":
            said.append(f"{name} has the host's /")
        elif facts["kind"] == "chroot":
            said.append(f"{name} has a directory for /, with the host's tree around it")
        else:
            said.append(f"{name} has a tree of its own, and {'a way' if ways else 'nothing'} leads back")
    return "; ".join(said) + "." if said else "There is no process to show."


def tree(facts):
    """The rows of the tree: (path, what is there, mode)."""
    rows = [tuple(row) for row in facts["mounts"]]
    if facts["kind"] == "host":
        return [("/", "from the host, with all below", ""), *rows]
    if not any(where == "/" for where, *_ in rows):
        rows.insert(0, ("/", "from the host, no mount", ""))
    return rows


def reach(facts):
    """What could lead out: (what, how it is, does it)."""
    if facts["kind"] == "host":
        return [("host's /", "is its own /", False)]
    chroot, old = facts["kind"] == "chroot", facts["old"]
    count = facts["open"]
    return [
        ("host's /", "around it" if chroot else f"mounted {old}" if old else "not mounted", chroot or bool(old)),
        ("working dir.", "outside" if facts["cwd"] else "inside", facts["cwd"]),
        ("open dirs.", f"{count} outside" if count else "none outside", count > 0),
        ("/proc", {"host": "host's processes", "own": "own processes"}.get(facts["proc"], "not mounted"),
         facts["proc"] == "host"),
    ]  # fmt: skip


def words(facts):
    """One process as plain text."""
    rows = [(path, what, mode) for path, what, mode in tree(facts)]
    ways = [(what, how, "a way out" if way else "") for what, how, way in reach(facts)]
    return f"{svg.clean(facts['name'])}: {HEADS[facts['kind']]}\n" + svg.columns([*rows, *ways])


def panel(drawing, top, facts):
    """Draw one process; give where it ends."""
    left, rows, ways = svg.MARGIN, tree(facts), reach(facts)
    more = len(rows) - ROWS
    rows = rows[:ROWS] + ([("…", f"{more} more in the text", "")] if more > 0 else [])
    drawing.text(left + 2, top + 14, facts["name"], size=15, bold=True, room=190)
    drawing.text(svg.WIDTH - svg.MARGIN, top + 14, HEADS[facts["kind"]], fill=svg.SOFT, anchor="end", room=440)
    y = top + 24
    around = facts["kind"] != "own"
    inner = ROW * len(rows) + 12
    tall = max(inner + (34 if facts["kind"] == "chroot" else 0), ROW * len(ways) + 12)
    if facts["kind"] == "chroot":
        drawing.box(left, y, TREE, tall, fill=svg.HOST, edge=svg.HOST_EDGE)
        drawing.text(left + 12, y + 18, "the host's tree", size=12, bold=True)
        drawing.text(left + 122, y + 18, facts["path"] + " becomes /", size=12, mono=True, room=TREE - 134)
        box = (left + 12, y + 28, TREE - 24, inner)
    else:
        box = (left, y, TREE, inner)
    drawing.box(*box, fill=svg.HOST if facts["kind"] == "host" else svg.WHITE,
                edge=svg.HOST_EDGE if around else svg.INSIDE_EDGE, thick=1 if around else 2.5,
                dashed=facts["kind"] == "chroot")  # fmt: skip
    branches(drawing, box[0] + 10, box[1] + 6, box[2] - 20, rows)
    reachable(drawing, left + TREE + 22, y, ways)
    return y + tall


def branches(drawing, x, y, wide, rows):
    """Draw the mounts, one a line: a mark (hatched when new), where, what, and whether it can be written."""
    for path, what, mode in rows:
        if what.startswith("new "):
            drawing.hatch(x, y + 4, 14, 14, "rising", radius=2)
        else:
            drawing.box(x, y + 4, 14, 14, fill=svg.HOST, edge=svg.HOST_EDGE, radius=2)
        drawing.text(x + 24, y + 15, path, size=12, mono=True, bold=True, room=wide * 0.4 - 24)
        drawing.text(x + wide * 0.4 + 4, y + 15, what, size=12, room=wide * 0.6 - 36)
        drawing.text(x + wide, y + 15, mode, size=12, mono=True, anchor="end", room=24)
        y += ROW


def reachable(drawing, x, y, ways):
    """Draw what could lead out: a filled arrow where it does, a bar where it does not."""
    for what, how, way in ways:
        if way:
            drawing.line((x, y + 11), (x + 18, y + 11), edge=svg.INK, thick=2.5, head=True)
        else:
            drawing.line((x + 9, y + 4), (x + 9, y + 18), edge=svg.LINE, thick=4)
        drawing.text(x + 28, y + 15, what, size=12, fill=svg.SOFT, room=82)
        drawing.text(x + 114, y + 15, how, size=12, bold=way, room=FACTS - 112)
        y += ROW
