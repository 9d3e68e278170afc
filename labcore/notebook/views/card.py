"""One process on a card: what it has of its own, and what it still shares — proc(5), namespaces(7)."""

from . import svg
from .namespaces import listed

LABELS = {
    "pids": "PID", "hostname": "host name", "root": "root", "cgroup": "cgroup", "uid": "user ID",
    "capabilities": "capabilities",
}
APART = ("name", "state", "namespaces")
OWN, HOSTS, UNKNOWN = "own", "host's", "?"
ROW = 25


def draw(facts, sentence=None):
    """Show what one process is and sees; facts that are missing are left out — proc(5)."""
    name = str(facts.get("name", "process"))
    kinds = {kind: whose(value) for kind, value in facts.get("namespaces", {}).items()}
    sentence = sentence or describe(name, kinds)
    rows = [(label, words(key, facts[key])) for key, label in LABELS.items() if facts.get(key) is not None]
    rows += [(str(key), str(value)) for key, value in facts.items() if key not in LABELS and key not in APART]
    state = str(facts.get("state") or "")
    twin = [["process", f"{name}, {state}" if state else name], *map(list, rows)]
    twin += [[f"{kind} namespace", value] for kind, value in kinds.items()]
    return paint(name, state, rows, kinds, sentence, svg.columns(twin))


def whose(value):
    """Say whose a namespace is: own, the host's, shared with a name, or unknown."""
    return UNKNOWN if value is None else HOSTS if value in ("host", "host's", "= host") else str(value)


def words(key, value):
    """Write a fact as one line of text."""
    if key == "pids":
        return " · ".join(sorted((pid(place, number) for place, number in value), key=lambda text: text[0] == "a"))
    if key != "capabilities":
        return str(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        names = sorted(str(name).lower().removeprefix("cap_") for name in value)
        return f"{len(names)}: {', '.join(names)}" if names else "none"
    return "none" if value == 0 else str(value)


def pid(place, number):
    """Write a PID seen from a place; on the host it is another number every time, so it is not drawn."""
    return "a number that varies, on the host" if place == "host" else f"{number} {place}"


def describe(name, kinds):
    """Say in one sentence what is the process's own."""
    own = [kind for kind, value in kinds.items() if value not in (HOSTS, UNKNOWN)]
    if not kinds:
        return f"What the kernel says about {name}."
    if not own:
        return f"{name} shares every namespace with the host: an ordinary process."
    if len(own) == len(kinds):
        return f"{name} has left every namespace of the host."
    return f"{name} has left the host's {listed(own, kinds)}; the rest is shared."


def paint(name, state, rows, kinds, sentence, twin):
    """Draw the card: a name, a row of namespaces, a list of facts."""
    drawing = svg.Drawing(f"Process card: {name}", sentence)
    left, inner = svg.MARGIN, svg.WIDTH - 2 * svg.MARGIN
    top = drawing.top
    lines = [(label, svg.wrap(text, inner - 150, lines=3, mono=True, size=12)) for label, text in rows]
    count = sum(len(some) for _, some in lines)
    height = 50 + (72 if kinds else 0) + ROW * len(lines) + 17 * (count - len(lines)) + 8
    drawing.box(left, top, inner, height)
    drawing.line((left, top + 38), (left + inner, top + 38))
    drawing.text(left + 16, top + 25, name, size=15, bold=True, room=inner - 180)
    drawing.text(left + inner - 16, top + 24, state, fill=svg.SOFT, anchor="end", room=140)
    y = top + 50
    if kinds:
        badges(drawing, left + 16, y, inner - 32, kinds)
        y += 72
    for label, some in lines:
        drawing.text(left + 16, y + 17, label, size=12, fill=svg.SOFT, room=112)
        for line in some:
            drawing.text(left + 134, y + 17, line, size=12, mono=True)
            y += 17
        y += ROW - 17
    return drawing.picture(top + height + svg.MARGIN, twin)


def badges(drawing, left, top, inner, kinds):
    """Draw each namespace: hatched when it is not the host's."""
    step = inner / len(kinds)
    for at, (kind, value) in enumerate(kinds.items()):
        box, middle = (left + step * at + 3, top + 2, step - 6, 34), left + step * (at + 0.5)
        if value == UNKNOWN:
            drawing.box(*box, fill="none", dashed=True)
        elif value == HOSTS:
            drawing.box(*box, fill=svg.HOST, edge=svg.HOST_EDGE)
        else:
            drawing.hatch(*box, "rising")
            drawing.box(middle - step / 2 + 9, top + 9, step - 18, 20, edge=None, radius=10)
        plain = value in (HOSTS, UNKNOWN)
        drawing.text(middle, top + 24, kind, bold=not plain, size=12, mono=True, anchor="middle", room=step - 12)
        note = value if not plain else HOSTS if value == HOSTS else "unknown"
        drawing.text(middle, top + 52, note, size=11, bold=not plain, fill=svg.SOFT, anchor="middle", room=step - 4)


