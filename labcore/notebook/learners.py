"""Makes the learner's copies, notebooks/NN-name.ipynb, from notebooks/solutions/.

python -m labcore.notebook.learners            write every copy that is out of date
python -m labcore.notebook.learners --check    write nothing; exit 1 if one is out of date
"""

import argparse
import sys

from ..errors import LabError
from . import book as books
from . import holes


def main(arguments=None):
    """Make the learner's copies; returns the exit code."""
    words = argparse.ArgumentParser(prog="python -m labcore.notebook.learners", description=__doc__,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    words.add_argument("--check", action="store_true", help="write nothing; exit 1 if a copy is out of date")
    only_look = words.parse_args(arguments).check
    stale = [path for path in books.solution_paths() if refresh(path, only_look)]
    return 1 if stale and only_look else 0


def refresh(source, only_look=False):
    """Bring one learner's copy up to date; True if it was not."""
    target = books.notebooks_dir() / source.name
    wanted = books.dumps(holes.learner_copy(books.read(source)))
    there = target.read_text(encoding="utf-8") if target.exists() else None
    if there == wanted:
        return False
    if not only_look:
        keep_work(target)
        target.write_text(wanted, encoding="utf-8")
    print(f"{target.name}: {'out of date' if only_look else 'written'}")
    return True


def keep_work(target):
    """Somebody has worked in this copy (it holds outputs): put it aside, never over an older one."""
    try:
        book = books.read(target)
    except LabError:
        book = None
    if target.exists() and (book is None or any(cell.get("execution_count") for cell in book["cells"])):
        aside = spare_name(target)
        target.rename(aside)
        print(f"{target.name}: holds somebody's work, kept as {aside.name}")


def spare_name(path):
    """`path`.bak, or .bak2, .bak3: the first that is free."""
    numbers = ["", *range(2, 1000)]
    return next(p for p in (path.with_name(f"{path.name}.bak{n}") for n in numbers) if not p.exists())


if __name__ == "__main__":
    sys.exit(main())
