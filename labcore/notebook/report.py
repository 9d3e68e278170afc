"""labcore report: a class at a glance: learner by exercise, and the commonest mistakes.

DIR holds a directory, or a file, for each learner. Results of `labcore check --json` are read as they are; a notebook
without a result is run. That runs the learner's code: do it on a machine you can throw away.
"""

import argparse
import collections
import json
import sys
from pathlib import Path

from ..errors import LabError
from . import book as books
from .grade import grade

EXAMPLES = """examples:
  labcore report handed-in/           handed-in/ada/01-uts.ipynb, handed-in/bob.ipynb, handed-in/eve/01.json, ...
  labcore report handed-in/ --json > class.json
"""
SIGNS = {"ok": "ok", "not yet": "-", "missing": "missing", "not run": "not run", "not checked": "?"}


def collect(directory, tell=None):
    """[{learner, file, and the report of a check or an error}] for everything handed in."""
    directory = Path(directory)
    if not directory.is_dir():
        raise LabError(f"{directory}: not a directory")
    files = sorted(p for p in directory.rglob("*") if p.suffix in (".json", ".ipynb") and not _hidden(p, directory))
    results, done = [], set()
    for file in (f for f in files if f.suffix == ".json"):
        report = _result(file)
        if report:
            results.append({**report, "learner": learner_of(file, directory), "file": str(file)})
            done.add((results[-1]["learner"], report["lesson"]))
    books_there = [file for file in files if file.suffix == ".ipynb"]
    for number, file in enumerate(books_there, 1):
        if tell:
            tell(number, len(books_there), file)
        results.append({"learner": learner_of(file, directory), "file": str(file), **_checked(file, directory, done)})
    return [result for result in results if not result.get("known")]


def _hidden(path, directory):
    return any(part.startswith(".") for part in path.relative_to(directory).parts)


def learner_of(file, directory):
    """The first directory below DIR names the learner; a file right in DIR its own name."""
    parts = file.relative_to(directory).parts
    return parts[0] if len(parts) > 1 else file.stem


def _result(file):
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
        return report if report["lesson"] and all(r["exercise"] and r["verdict"] for r in report["exercises"]) else None
    except (ValueError, KeyError, TypeError, OSError):
        return None


def _checked(file, directory, done):
    """The report of running one notebook; an error instead of a report must not end the others."""
    try:
        lesson = lesson_of(books.read(file))
        if (learner_of(file, directory), lesson) in done:
            return {"known": True}
        return {**grade(lesson, file)[0], "file": str(file)}
    except LabError as error:
        return {"error": error.args[0], "exercises": []}


def lesson_of(book):
    """Which lesson a notebook of any name is: the one with most of its cells."""
    texts = collections.Counter(cell["source"].strip() for cell in book["cells"])
    best, name = 0, None
    for path in books.solution_paths():
        common = sum(texts[cell["source"].strip()] > 0 for cell in books.read(path)["cells"])
        best, name = max((best, name), (common, path.stem), key=lambda pair: pair[0])
    if not name:
        raise LabError("not a notebook of this lab")
    return name


def summary(results):
    """The table and the slugs of a class, as plain data."""
    table, slugs = {}, collections.Counter()
    for result in results:
        row = table.setdefault(result["learner"], {})
        for exercise in result["exercises"]:
            row[exercise["exercise"]] = exercise["verdict"]
            if exercise["verdict"] != "ok" and exercise.get("slug"):
                slugs[f"{exercise['exercise']} {exercise['slug']}"] += 1
    errors = [f"{result['file']}: {result['error']}" for result in results if result.get("error")]
    return {"learners": table, "slugs": dict(slugs.most_common()), "errors": errors}


def lines(told):
    """The summary as text."""
    exercises = sorted({e for row in told["learners"].values() for e in row}, key=_order)
    width = max([7, *map(len, told["learners"])])
    yield f"{'learner':<{width}} " + " ".join(f"{e:>8}" for e in exercises)
    for learner, row in sorted(told["learners"].items()):
        yield f"{learner:<{width}} " + " ".join(f"{SIGNS.get(row.get(e), ''):>8}" for e in exercises)
    solved = [sum(row.get(e) == "ok" for row in told["learners"].values()) for e in exercises]
    yield f"{'ok':<{width}} " + " ".join(f"{count:>8}" for count in solved)
    for slug, count in told["slugs"].items():
        yield f"{count:>4} × {slug}"
    yield from (f"not read: {error}" for error in told["errors"])


def _order(exercise):
    head, _, tail = exercise.partition(".")
    digits = "".join(c for c in tail if c.isdigit())
    return int(head) if head.isdigit() else 0, int(digits or 0), tail


def main(arguments=None):
    """labcore report; returns the exit code."""
    words = argparse.ArgumentParser(prog="labcore report", description=__doc__, epilog=EXAMPLES,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    words.add_argument("directory", metavar="DIR", help="what was handed in")
    words.add_argument("--json", action="store_true", help="print the table as JSON")
    chosen = words.parse_args(arguments)

    def tell(number, total, file):
        print(f"{number} of {total}: {file}", file=sys.stderr, flush=True)

    try:
        told = summary(collect(chosen.directory, tell))
    except LabError as error:
        print(f"labcore: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("labcore: report: interrupted", file=sys.stderr)
        return 130
    print(json.dumps(told, indent=1) if chosen.json else "\n".join(lines(told)))
    return 1 if told["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
