"""labcore solutions: hands out the solution of a lesson, or of one exercise.

Learners' homes hold no solutions: this copies one out of the lab, and never over a file that is there.
"""

import argparse
import sys
from pathlib import Path

from ..errors import LabError
from . import book as books
from . import holes

EXAMPLES = """examples:
  labcore solutions 01                  writes 01-uts-solution.ipynb here
  labcore solutions 01 /tmp/one.ipynb   ... or there
  labcore solutions 01 --exercise 1.2   prints the answer to one exercise
"""


def hand_out(lesson, path=None, force=False):
    """Write a lesson with its answers to a file of its own; returns the path."""
    source = books.find_lesson(lesson)
    path = Path(path or f"{source.stem}-solution.ipynb")
    if path.is_dir():
        path /= f"{source.stem}-solution.ipynb"
    if path.resolve() == source.resolve():
        raise LabError(f"{path}: is the lab's own source")
    text = books.dumps(books.read(source))
    try:
        with open(path, "w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise LabError(f"{path}: already there", hint="name another path, or use --force") from None
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}") from None
    return path


def answer(lesson, exercise):
    """The exercise cell with its answer, as text."""
    cells = books.exercises(books.read(books.find_lesson(lesson)))
    if exercise not in cells:
        raise LabError(
            f"exercise {exercise}: there is no such exercise", hint=f"there are: {' '.join(cells) or 'none'}"
        )
    return holes.solution_text(cells[exercise]["source"])


def main(arguments=None):
    """labcore solutions; returns the exit code."""
    words = argparse.ArgumentParser(prog="labcore solutions", description=__doc__.splitlines()[0], epilog=EXAMPLES,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    words.add_argument("lesson", metavar="NN", help="the lesson: 01")
    words.add_argument("path", metavar="PATH", nargs="?", help="where to write it")
    words.add_argument("--exercise", metavar="EX", help="print the answer to this one instead")
    words.add_argument("--force", action="store_true", help="replace a file that is there")
    chosen = words.parse_args(arguments)
    try:
        if chosen.exercise:
            print(answer(chosen.lesson, chosen.exercise))
        else:
            print(f"written: {hand_out(chosen.lesson, chosen.path, chosen.force)}")
    except LabError as error:
        print(f"labcore: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
