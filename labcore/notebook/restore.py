"""labcore restore: puts an exercise that was deleted or ruined back into a learner's notebook.

Its exercise cell comes back with its hole, and its check cell as it was. The notebook as it stood is kept beside it.
"""

import argparse
import shutil
import sys
from pathlib import Path

from ..errors import LabError
from . import book as books
from . import holes
from .grade import demand_lesson, find_copy
from .learners import spare_name

EXAMPLES = """examples:
  labcore restore 01 1.2              in the notebook 01-*.ipynb here
  labcore restore 01 1.2 ~/mine.ipynb

Close the notebook in the browser first, or reload it from disk afterwards.
"""


def restore(lesson, exercise, file=None):
    """Put one exercise and its check back; returns (the file, the path of the copy of what stood there)."""
    source = books.find_lesson(lesson)
    ours = holes.learner_copy(books.read(source))["cells"]
    numbers = list(books.exercises({"cells": ours}))
    if exercise not in numbers:
        raise LabError(f"exercise {exercise}: not in {source.stem}", hint=f"there are: {' '.join(numbers) or 'none'}")
    file = Path(file) if file else find_copy(source)
    theirs = books.read(file)
    demand_lesson(books.read(source), theirs, file, source.stem)
    kept = _keep_copy(file)
    put_back(ours, theirs, exercise)
    books.write(file, theirs)
    return file, kept


def put_back(ours, theirs, exercise):
    """Replace the exercise's cells in a learner's notebook, or insert them where the lesson has them."""
    exercise_cell = books.exercises({"cells": ours})[exercise]
    checks = [
        c for n, c in books.check_cells({"cells": ours}) if n == exercise and books.CHECK_CALL.search(c["source"])
    ]
    for wanted in [exercise_cell, *checks]:
        there = [i for i, cell in enumerate(theirs["cells"]) if _same(cell, wanted, exercise)]
        if there:
            theirs["cells"][there[-1]] = wanted
        else:
            theirs["cells"].insert(_place(ours, theirs["cells"], wanted), wanted)
    _make_ids_fit(theirs)


def _same(cell, wanted, exercise):
    """Is a learner's cell this cell of ours, whatever has become of it?"""
    if not books.is_code(cell):
        return cell.get("id") == wanted["id"]
    if "exercise" in books.tags(wanted):
        return books.heading(cell) == exercise or (cell.get("id") == wanted["id"] and not books.heading(cell))
    call = books.CHECK_CALL.search(cell["source"])
    only_check = call and call[1] == exercise and not books.heading(cell)
    return bool(only_check) or (cell.get("id") == wanted["id"] and not books.heading(cell))


def _place(ours, theirs, wanted):
    """Behind the nearest cell before it in the lesson that the learner still has."""
    before = ours[: next(i for i, cell in enumerate(ours) if cell is wanted)]
    for cell in reversed(before):
        for position in reversed(range(len(theirs))):
            there = theirs[position]
            if there is cell or there.get("id") == cell["id"] or there["source"].strip() == cell["source"].strip():
                return position + 1
            if books.heading(cell) and books.heading(there) == books.heading(cell):
                return position + 1
    return 0


def _make_ids_fit(book):
    """Ids belong to format 4.5: an older file gets none, a newer one no id twice."""
    seen = set()
    for number, cell in enumerate(book["cells"]):
        if book.get("nbformat_minor", 0) < 5:
            cell.pop("id", None)
        elif cell.get("id") in seen or not cell.get("id"):
            cell["id"] = f"{cell.get('id') or 'cell'}-{number}"
        seen.add(cell.get("id"))


def _keep_copy(file):
    aside = spare_name(Path(file).resolve())
    try:
        shutil.copy2(file, aside)
    except OSError as error:
        raise LabError(f"{aside}: {error.strerror}") from None
    return aside


def main(arguments=None):
    """labcore restore; returns the exit code."""
    words = argparse.ArgumentParser(prog="labcore restore", description=__doc__.splitlines()[0], epilog=EXAMPLES,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    words.add_argument("lesson", metavar="NN", help="the lesson: 01")
    words.add_argument("exercise", metavar="EX", help="the exercise: 1.2")
    words.add_argument("file", metavar="FILE", nargs="?", help="a notebook of any name")
    chosen = words.parse_args(arguments)
    try:
        file, kept = restore(chosen.lesson, chosen.exercise, chosen.file)
    except LabError as error:
        print(f"labcore: {error}", file=sys.stderr)
        return error.exit_code
    print(f"exercise {chosen.exercise} is back in {file}; as it was: {kept.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
