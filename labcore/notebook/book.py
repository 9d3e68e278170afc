"""A lesson's notebook file: reading, writing, and finding its exercises.

One source: `notebooks/solutions/NN-name.ipynb`. Everything else is made from it. A cell says what it is by a tag:

    setup            runs first; everything an exercise may rely on is made here
    exercise         first line `# Exercise 1.2 · 2 lines`; the answer between the two SOLUTION markers
    hint             markdown, folded in <details><summary>
    check            calls check("1.2", answer), or keep(...); also tagged raises-exception
    live             a widget; runs, but its output is neither stored nor compared
    instructor-only  not in the learner's copy

Files are plain JSON as nbformat 4 writes it — nbformat(5), "The notebook file format".
"""

import copy
import json
import os
import re
from pathlib import Path

from ..errors import LabError

ROOT = Path(__file__).resolve().parents[2]
TAGS = {"setup", "exercise", "hint", "check", "live", "instructor-only", "raises-exception", "nbval-ignore-output"}
HEADING = re.compile(r"^#\s*exercise\s+(\d+\.\d+\w*)\b(?:\s*·\s*(\d+) lines?\s*$)?", re.IGNORECASE | re.MULTILINE)
CHECK_CALL = re.compile(r"""^\s*check\(\s*["'](\d+\.\d+\w*)["']""", re.MULTILINE)


def notebooks_dir():
    """Where the lessons are: $LABCORE_NOTEBOOKS, or notebooks/ of this checkout."""
    return Path(os.environ.get("LABCORE_NOTEBOOKS") or ROOT / "notebooks")


def solution_paths():
    """Every lesson's source, in teaching order."""
    return sorted(notebooks_dir().glob("solutions/[0-9][0-9]-*.ipynb"))


def find_lesson(word):
    """The source notebook of a lesson named `1`, `01` or `01-uts`."""
    number = word.partition("-")[0]
    for path in solution_paths():
        if number.isdigit() and int(path.name[:2]) == int(number):
            return path
    known = " ".join(path.stem for path in solution_paths()) or "none"
    raise LabError(f"lesson {word!r}: there is no such lesson", hint=f"there are: {known}")


def read(path):
    """A notebook as a dict: every source, text and datum one string, every cell with metadata."""
    path = Path(path)
    try:
        book = json.loads(path.read_text(encoding="utf-8-sig"))
        return _joined(book, path)
    except FileNotFoundError:
        raise LabError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise LabError(f"{path}: is a directory, not a notebook") from None
    except PermissionError:
        raise LabError(f"{path}: not readable by you") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        hint = "Jupyter keeps the last good version in .ipynb_checkpoints beside it"
        raise LabError(f"{path}: not a notebook, or a broken one", hint=hint) from None


def _joined(book, path):
    if book.get("nbformat") != 4:
        raise LabError(
            f"{path}: notebook format {book.get('nbformat')}: needs format 4", hint="save it in Jupyter again"
        )
    for cell in book["cells"]:
        cell["source"] = _one(cell["source"])
        cell["metadata"] = cell.get("metadata") or {}
        if cell["cell_type"] != "code":
            continue
        cell["outputs"] = cell.get("outputs") or []
        cell.setdefault("execution_count", None)
        for output in cell["outputs"]:
            if "text" in output:
                output["text"] = _one(output["text"])
            if "data" in output:
                output["data"] = {mime: _one(v) if _is_text(mime) else v for mime, v in output["data"].items()}
    book["metadata"] = book.get("metadata") or {}
    return book


def _one(text):
    return text if isinstance(text, str) else "".join(text)


def _is_text(mime):
    return not (mime == "application/json" or mime.endswith("+json"))


def dumps(book):
    """The bytes nbformat itself would write, so that saving in Jupyter changes nothing."""
    book = copy.deepcopy(book)
    for cell in book["cells"]:
        cell["source"] = cell["source"].splitlines(True)
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = output["text"].splitlines(True)
            for mime, value in output.get("data", {}).items():
                if isinstance(value, str) and _is_text(mime):
                    output["data"][mime] = value.splitlines(True)
    return json.dumps(book, indent=1, sort_keys=True, ensure_ascii=False, separators=(",", ": ")) + "\n"


def write(path, book):
    """Replace a notebook file in one move: a reader sees the old one or the new one."""
    path = Path(path).resolve()
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(dumps(book), encoding="utf-8")
        if path.exists():
            was = path.stat()
            fresh.chmod(was.st_mode & 0o777)
            if os.geteuid() == 0:
                os.chown(fresh, was.st_uid, was.st_gid)
        os.replace(fresh, path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise LabError(f"{path}: {error.strerror}") from None


def tags(cell):
    """The tags of a cell, as a set."""
    return set(cell["metadata"].get("tags") or ())


def is_code(cell):
    """Is this a code cell?"""
    return cell["cell_type"] == "code"


def heading(cell):
    """The exercise number in a code cell's first line of text, or None."""
    found = HEADING.match(cell["source"].lstrip()) if is_code(cell) else None
    return found and found[1]


def exercises(book):
    """{number: cell} of the exercise cells of a source notebook, in order."""
    return {heading(cell): cell for cell in book["cells"] if "exercise" in tags(cell) and heading(cell)}


def check_cells(book):
    """[(exercise, cell)] of the check cells; a keep(...) cell belongs to the exercise checked last before it."""
    found, number = [], None
    for cell in book["cells"]:
        if "check" in tags(cell):
            call = CHECK_CALL.search(cell["source"])
            number = call[1] if call else number
            found.append((number, cell))
    return found


def first_line(cell):
    """What a report calls a cell by."""
    return next((line.strip() for line in cell["source"].splitlines() if line.strip()), "(empty)")
