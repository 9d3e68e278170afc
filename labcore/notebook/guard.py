"""What makes a source notebook unfit: refused before it is graded against, committed or handed out.

nbval compares a cell only with an output that was recorded. A stripped notebook, a cell never run, or a check that
failed while recording would let every answer pass, or none. `faults(book)` lists such things, one line each.
"""

import re

from ..errors import LabError
from . import book as books
from . import holes

CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
MINUTES = re.compile(r"·\s*(\d+) min\b")
CORE_END = re.compile(r"you can stop here", re.IGNORECASE)


def demand_sound(book, name):
    """Raise unless the references of this notebook can be trusted."""
    wrong = faults(book)
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise LabError(f"{name}: not a sound reference: {wrong[0]}{more}", hint="record it again: make record")


def faults(book):
    """Everything wrong with a source notebook, as sentences."""
    return [*_shape(book), *_references(book), *_exercises(book)]


def _shape(book):
    ids = [cell.get("id", "") for cell in book["cells"]]
    for cell, name in zip(book["cells"], ids, strict=True):
        where = f"cell {books.first_line(cell)!r}"
        if not CELL_ID.match(name) or ids.count(name) > 1:
            yield f"{where}: needs an id of its own, not {name!r}"
        unknown = books.tags(cell) - books.TAGS
        if unknown:
            yield f"{where}: unknown tags: {' '.join(sorted(unknown))}"
        if "hint" in books.tags(cell) and "<summary>" not in cell["source"]:
            yield f"{where}: a hint is folded: <details><summary>"
        if books.is_code(cell) and _ignored(cell) and not re.search(r"^# because\b", cell["source"], re.MULTILINE):
            yield f"{where}: an ignored output needs a line '# because ...'"


def _ignored(cell):
    return "nbval-ignore-output" in books.tags(cell) or "NBVAL_IGNORE_OUTPUT" in cell["source"]


def _references(book):
    cells = [cell for cell in book["cells"] if books.is_code(cell)]
    for cell in cells:
        where = f"cell {books.first_line(cell)!r}"
        if "live" in books.tags(cell):
            if cell["outputs"] or cell["execution_count"] is not None:
                yield f"{where}: a live cell is stored without output and count"
        elif cell["execution_count"] is None:
            yield f"{where}: was never run"
        failed = [out for out in cell["outputs"] if out["output_type"] == "error"]
        if failed and "check" in books.tags(cell):
            yield f"{where}: its check did not pass"
        elif failed and "raises-exception" not in books.tags(cell):
            yield f"{where}: ended in an error"
    counts = [cell["execution_count"] for cell in cells if cell["execution_count"] is not None]
    if counts != list(range(1, len(counts) + 1)):
        yield "execution counts are not 1, 2, 3, ..."
    if cells and not any(cell["outputs"] for cell in cells):
        yield "the outputs are gone"
    for exercise, cell in books.check_cells(book):
        if books.CHECK_CALL.search(cell["source"]) and not _passed(exercise, cell):
            yield f"check {exercise}: its recorded output is not '{exercise} ok'"


def _passed(exercise, cell):
    return "".join(out.get("text", "") for out in cell["outputs"]) == f"{exercise} ok\n"


def _exercises(book):
    checked = {number: cell for number, cell in books.check_cells(book) if books.CHECK_CALL.search(cell["source"])}
    seen = []
    for cell in book["cells"]:
        if "check" in books.tags(cell) and "raises-exception" not in books.tags(cell):
            yield f"cell {books.first_line(cell)!r}: a check cell also needs the tag raises-exception"
        if "exercise" not in books.tags(cell):
            continue
        number = books.heading(cell)
        if not number:
            yield f"cell {books.first_line(cell)!r}: an exercise begins with '# Exercise 1.2 · 2 lines'"
            continue
        seen.append(number)
        yield from _exercise(number, cell, checked)
    for number in sorted({n for n in seen if seen.count(n) > 1} | (set(checked) - set(seen))):
        yield f"exercise {number}: needs exactly one exercise cell"


def _exercise(number, cell, checked):
    stated, size = books.HEADING.match(cell["source"])[2], holes.answer_size(cell["source"])
    if not size:
        yield f"exercise {number}: has no solution between {holes.BEGIN} and {holes.END}"
    if stated != str(size):
        yield f"exercise {number}: says {stated} lines, its solution has {size}"
    if number not in checked:
        yield f"exercise {number}: has no check cell"


def core(book):
    """(planned minutes, code cells) of the part before the heading *you can stop here*."""
    minutes = code = 0
    for cell in book["cells"]:
        if books.is_code(cell):
            code += 1
            continue
        if CORE_END.search(cell["source"]):
            break
        minutes += sum(
            int(m) for line in cell["source"].splitlines() if line.startswith("#") for m in MINUTES.findall(line)
        )
    return minutes, code
