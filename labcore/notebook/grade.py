"""labcore check: runs a learner's notebook again from the top, and says which exercises are solved.

The learner's exercise cells and the cells they added run inside our own copy of the lesson; nbval compares our cells
with our references. The run happens in a directory of its own: nothing is written beside the learner's file.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from ..errors import LabError
from . import book as books
from . import guard, holes, running
from .merge import merge
from .verdict import lines, verdicts

EXAMPLES = """examples:
  labcore check 01                    the notebook 01-*.ipynb here, or the lab's own copy
  labcore check 01 ~/mine.ipynb       a file of any name
  labcore check 01 --json > 01.json   for labcore report

exit status: 0 all pass, 1 something does not, 2 usage
"""


def grade(lesson, file=None, on_cell=None):
    """Run a learner's notebook; returns (the report as a plain dict, nbval's own text)."""
    source = books.find_lesson(lesson)
    file = Path(file) if file else find_copy(source)
    reference, learner = books.read(source), books.read(file)
    guard.demand_sound(reference, source.name)
    demand_lesson(reference, learner, file, source.stem)
    merged, found, notes = merge(reference, learner)
    code = [cell for cell in merged["cells"] if books.is_code(cell)]
    tell = on_cell and (lambda number: on_cell(number, len(code)))
    with tempfile.TemporaryDirectory(prefix="lab-check-") as directory:
        events, said = running.run(merged, directory, on_cell=tell)
    report = verdicts(merged, events, found, notes)
    return {"lesson": source.stem, "file": str(file), **report}, said


def find_copy(source):
    """The learner's notebook of a lesson: here, in notebooks/ here, or in the lab's own directory."""
    for directory in (Path("."), Path("notebooks"), books.notebooks_dir()):
        there = [p for p in sorted(directory.glob(f"{source.name[:2]}-*.ipynb")) if not p.stem.endswith("-solution")]
        if there:
            return directory / source.name if directory / source.name in there else there[0]
    raise LabError(f"{source.name}: not found here", hint=f"name the file: labcore check {source.name[:2]} FILE")


def demand_lesson(reference, learner, file, name):
    """Raise if this is clearly the notebook of another lesson."""
    ours = set(books.exercises(reference))
    theirs = {m[1] for cell in learner["cells"] if books.is_code(cell) for m in books.HEADING.finditer(cell["source"])}
    texts = {cell["source"].strip() for cell in reference["cells"]} | {holes.hole(c["source"]).strip() for c in
             books.exercises(reference).values()}  # fmt: skip
    if ours & theirs or any(cell["source"].strip() in texts for cell in learner["cells"]):
        return
    ids = {cell.get("id") for cell in reference["cells"]}
    if not theirs and any(cell.get("id") in ids for cell in learner["cells"]):
        return
    other = f"it holds exercise {min(theirs)}" if theirs else "it holds none of its cells"
    raise LabError(f"{file}: not the notebook of {name}: {other}")


def show_progress(number, total):
    """One line on a terminal that says how far the run is."""
    if sys.stderr.isatty():
        print(f"\rcell {number} of {total}", end="\r\x1b[K" if number == total else "", file=sys.stderr, flush=True)


def main(arguments=None):
    """labcore check; returns the exit code."""
    words = argparse.ArgumentParser(prog="labcore check", description=__doc__.splitlines()[0], epilog=EXAMPLES,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    words.add_argument("lesson", metavar="NN", help="the lesson: 01")
    words.add_argument("file", metavar="FILE", nargs="?", help="a notebook of any name")
    words.add_argument("--json", action="store_true", help="print the report as JSON")
    words.add_argument("--verbose", action="store_true", help="print nbval's own output too")
    chosen = words.parse_args(arguments)
    try:
        report, said = grade(chosen.lesson, chosen.file, show_progress)
    except LabError as error:
        print(f"labcore: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("labcore: check: interrupted", file=sys.stderr)
        return 130
    if chosen.verbose:
        print(said, file=sys.stderr)
    print(json.dumps(report, indent=1) if chosen.json else "\n".join(lines(report)))
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
