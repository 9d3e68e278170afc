"""The drawing base of every view: text that is known to fit, boxes, arrows, an opaque ground — SVG 1.1."""

from itertools import groupby

INK, SOFT, LINE = "#1f2a33", "#55626d", "#aeb8c0"
GROUND, HOST, INSIDE, WHITE = "#fbfbf9", "#e4eaef", "#fae6c3", "#ffffff"
HOST_EDGE, INSIDE_EDGE = "#4a6378", "#a45f0c"

WIDTH, MARGIN = 700, 20
SHOWN = 660  # a page of JupyterLab at 1,100 pixels, its file list open, has room for so many
LIMIT_BYTES = 30_000
MONO = 0.61

# Widths in hundredths of the font size, rounded up from DejaVu Sans, the widest of the usual sans-serif fonts:
# what fits here fits everywhere.
ADVANCES = {
    30: "'IJijl", 35: " \u00a0,./:;\\|·’", 40: "()-[]ft", 45: "!r", 50: "\"*_`–", 55: "?csz“”", 60: "FLkvxy•",
    65: "$0123456789EPSTYabdeghnopqu{}µ", 70: "ABCKRVXZ", 75: "NU", 80: "&DGHOQ", 85: "#+<=>^w~→←×≤≥", 90: "M",
    100: "%@Wm—…",
}
ADVANCE = {char: hundredths / 100 for hundredths, chars in ADVANCES.items() for char in chars}

# Each pattern differs in form, not only in colour, so that a picture survives a grey printer.
HATCHES = {
    "rising": '<path d="M-2 2l4-4M0 8l8-8M6 10l4-4"/>',
    "dots": '<path d="M2 2h2v2h-2zM6 6h2v2h-2z"/>',
    "upright": '<path d="M2 0v8M6 0v8"/>',
    "falling": '<path d="M-2 6l4 4M0 0l8 8M6-2l4 4"/>',
    "level": '<path d="M0 2h8M0 6h8"/>',
    "grid": '<path d="M4 0v8M0 4h8"/>',
}


def clean(value):
    """Give one line that XML 1.0 can hold: a character that is not seen becomes a replacement character."""
    text = " ".join(str(value).splitlines()).replace("\t", " ")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\u00a0" else "\ufffd" for char in text)


def escape(value):
    """Write text so that it means itself inside XML."""
    return clean(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def width(text, size=13, bold=False, mono=False):
    """Tell how many pixels a text takes at most."""
    ems = sum(MONO if mono and " " <= char <= "~" else ADVANCE.get(char, 1.05) for char in clean(text))
    return ems * size * (1.14 if bold and not mono else 1)


def shorten(text, room, **font):
    """Cut a text to the room there is, and show the cut."""
    text = clean(text)
    if width(text, **font) <= room:
        return text
    while text and width(text + "…", **font) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text, room, lines=99, **font):
    """Break a text at spaces into lines that fit; the last line allowed is shortened. A dash keeps its word."""
    out, words = [""], [word for word in str(text).replace("— ", "—\u00a0").split(" ") if word]
    for at, word in enumerate(words):
        longer = f"{out[-1]} {word}".strip()
        if width(longer, **font) <= room or not out[-1]:
            out[-1] = longer
        elif len(out) == lines:
            out[-1] += " " + " ".join(words[at:])
            break
        else:
            out.append(word)
    return [shorten(line, room, **font) for line in out]


def number(value):
    """Write a coordinate in as few characters as it needs."""
    return f"{round(value, 1):g}"


def path(points):
    """Write straight lines through points as path data."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def grouped(shapes):
    """Write shapes as lines of SVG; neighbours of one style say it once, which keeps a long table small."""
    out = []
    for style, run in groupby(shapes, key=lambda shape: shape[0]):
        run = list(run)
        if len(run) < 3:
            out += [start + style + end for _, start, end in run]
        else:
            out += [f"<g{style}>", *(start + end for _, start, end in run), "</g>"]
    return out


class Picture:
    """A finished picture: for the browser an SVG, for everyone else the same facts in words."""

    def __init__(self, title, sentence, svg, twin):
        self.title, self.sentence, self.svg = title, sentence, svg
        self.text = f"{clean(sentence)}\n\n{twin}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"image/svg+xml": self.svg, "text/plain": self.text}

    def __str__(self):
        return self.text

    __repr__ = __str__

    def save(self, path):
        """Write the SVG to a file."""
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(self.svg)


class Drawing:
    """Shapes collected in order; `picture` puts them on an opaque ground."""

    def __init__(self, title, sentence, width=WIDTH):
        self.title, self.sentence, self.width = title, sentence, width
        self.shapes, self.hatches = [], []
        self.top = 32
        for line in wrap(sentence, width - 2 * MARGIN, size=14, bold=True):
            self.text(MARGIN, self.top, line, size=14, bold=True)
            self.top += 20

    def text(self, x, y, text, size=13, bold=False, mono=False, fill=INK, anchor="start", room=None):
        """Write one line; with `room` it is shortened to that many pixels."""
        if room is not None:
            text = shorten(text, room, size=size, bold=bold, mono=mono)
        style = f' font-size="{number(size)}"' if size != 13 else ""
        style += ' font-weight="bold"' if bold else ""
        style += ' font-family="monospace"' if mono else ""
        style += f' fill="{fill}"' if fill != INK else ""
        style += f' text-anchor="{anchor}"' if anchor != "start" else ""
        self.shapes.append((style, f'<text x="{number(x)}" y="{number(y)}"', f">{escape(text)}</text>"))

    def box(self, x, y, width, height, fill=WHITE, edge=LINE, radius=5, dashed=False, thick=1):
        """Draw a rectangle; an edge of None leaves only the ground of it."""
        line = f' stroke="{edge}"' if edge else ""
        line += f' stroke-width="{number(thick)}"' if edge and thick != 1 else ""
        line += ' stroke-dasharray="5 4"' if dashed else ""
        corner = f' rx="{number(radius)}"' if radius else ""
        size = f'width="{number(width)}" height="{number(height)}"'
        self.shapes.append((f' fill="{fill}"{line}', f'<rect x="{number(x)}" y="{number(y)}" {size}{corner}', "/>"))

    def hatch(self, x, y, width, height, name, radius=5):
        """Draw a rectangle filled with one of the HATCHES."""
        if name not in self.hatches:
            self.hatches.append(name)
        self.box(x, y, width, height, f"url(#lab-{name})", INSIDE_EDGE, radius, thick=1.5)

    def line(self, *points, edge=LINE, thick=1, dashed=False, head=False):
        """Draw straight lines through the points; `head` puts an arrow on the end."""
        style = f' stroke-width="{number(thick)}"' if thick != 1 else ""
        style += ' stroke-dasharray="5 4"' if dashed else ""
        self.shapes.append((f' fill="none" stroke="{edge}"{style}', f'<path d="{path(points)}"', "/>"))
        if head:
            self.head(points[-2], points[-1], edge)

    def head(self, start, end, fill):
        """Draw the point of an arrow."""
        (x0, y0), (x, y) = start, end
        length = ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5 or 1
        dx, dy = (x - x0) / length, (y - y0) / length
        back = x - 8 * dx, y - 8 * dy
        corners = (x + dx, y + dy), (back[0] - 4 * dy, back[1] + 4 * dx), (back[0] + 4 * dy, back[1] - 4 * dx)
        self.shapes.append((f' fill="{fill}"', f'<path d="{path(corners)}Z"', "/>"))

    def picture(self, height, twin):
        """Close the drawing at this height."""
        size = f'width="{self.width}" height="{number(height)}"'
        shown = SHOWN / WIDTH
        smaller = f'width="{number(self.width * shown)}" height="{number(height * shown)}"'
        patterns = "".join(
            f'<pattern id="lab-{name}" width="8" height="8" patternUnits="userSpaceOnUse">'
            f'<rect width="8" height="8" fill="{INSIDE}"/><g stroke="#d79a45" fill="none">{HATCHES[name]}</g></pattern>'
            for name in self.hatches
        )
        head = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {smaller} viewBox="0 0 {self.width} {number(height)}" role="img"'
            f' font-family="sans-serif" font-size="13" fill="{INK}">',
            f"<title>{escape(self.title)}</title>",
            f"<desc>{escape(self.sentence)}</desc>",
            f"<defs>{patterns}</defs>" if patterns else "",
            f'<rect {size} fill="{GROUND}"/>',
            f'<rect x=".5" y=".5" width="{self.width - 1}" height="{number(height - 1)}" fill="none" stroke="{LINE}"/>',
        ]
        svg = "\n".join([part for part in head if part] + grouped(self.shapes) + ["</svg>"]) + "\n"
        return Picture(self.title, self.sentence, svg, twin)


def columns(rows):
    """Line rows of words up in columns of plain text."""
    rows = [[clean(cell) for cell in row] for row in rows]
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
