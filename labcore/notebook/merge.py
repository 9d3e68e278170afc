"""Builds the notebook that is graded: our lesson and our references, the learner's exercises, their other cells.

nbval compares with the output saved in the file it runs. In a learner's file that output is the learner's, so a saved
wrong answer would pass. Therefore the base is the source notebook; from the learner's file come only the exercise cells
and the cells they added. It must not matter what an editor did to ids, metadata, order or outputs.
"""

import copy
import difflib

from . import book as books
from . import holes

ALIKE = 0.6  # from here on a cell counts as one of ours that was edited, not as a new one


def merge(reference, learner):
    """(notebook to run, {exercise: how it was found}, [notes]); a missing exercise keeps its hole."""
    base = copy.deepcopy(reference)
    base["cells"] = [cell for cell in base["cells"] if "instructor-only" not in books.tags(cell)]
    for cell in base["cells"]:
        cell["origin"] = "exercise" if "exercise" in books.tags(cell) else "lesson"
    theirs = [cell for cell in learner["cells"] if books.is_code(cell)]
    owner, notes = claim(base, theirs)
    found = {}
    for number, cell in books.exercises(base).items():
        mine = [t for t in theirs if owner.get(id(t)) is cell]
        found[number] = "found" if mine else "missing"
        if len(mine) > 1:
            notes.append(f"exercise {number}: there are {len(mine)} copies, the last one counts")
        _unrecorded(cell, _answer(base, mine[-1], number) if mine else holes.hole(cell["source"]))
    _insert_added(base, theirs, owner)
    base["metadata"] = reference["metadata"]
    return base, found, notes


def claim(base, theirs):
    """({id(their cell): our cell}, notes): which of ours each of their code cells is, if any."""
    ours = [cell for cell in base["cells"] if books.is_code(cell)]
    owner, notes = _claim_exercises(base, theirs)
    by_id = {cell["id"]: cell for cell in ours if cell["origin"] == "lesson"}
    by_text = {}
    for cell in ours:
        if cell["origin"] == "lesson":
            by_text.setdefault(_bare(cell), cell)
    for t in [t for t in theirs if id(t) not in owner and _bare(t)]:
        # text before id: an editor may have handed an old id to a new cell, never an old text
        part_of = (cell for cell in by_text.values() if _holds(cell, t))  # half of a cell that was split
        cell = by_text.get(_bare(t)) or by_id.get(t.get("id")) or next(part_of, None)
        if cell:
            owner[id(t)] = cell
    _claim_edited(by_text.values(), theirs, owner)
    return owner, notes


def _claim_edited(ours, theirs, owner):
    """Lesson cells that were edited and lost their id: the nearest in text."""
    claimed = {id(cell) for cell in owner.values()}
    free = [cell for cell in ours if id(cell) not in claimed]
    for t in theirs:
        if id(t) not in owner and free:
            near = max(free, key=lambda cell: _likeness(cell, t))
            if _likeness(near, t) >= ALIKE:
                owner[id(t)] = near


def _claim_exercises(base, theirs):
    """Exercise cells: by the first line, then by id, then by a heading further down."""
    owner, notes = {}, []
    for number, cell in books.exercises(base).items():
        named = [t for t in theirs if books.heading(t) == number]
        by_id = [t for t in theirs if t.get("id") == cell["id"] and books.heading(t) is None and _bare(t)]
        deeper = [t for t in theirs if books.heading(t) is None and _heading_line(t, number) is not None]
        if not named and (by_id or deeper):
            notes.append(f"exercise {number}: its first line is gone, found by {'its id' if by_id else 'its heading'}")
        for t in named or by_id or deeper:
            owner[id(t)] = cell
    return owner, notes


def _heading_line(cell, number):
    """Where in a cell the heading of an exercise begins, or None."""
    return next((m.start() for m in books.HEADING.finditer(cell["source"]) if m[1] == number), None)


def _answer(base, cell, number):
    """The text of an exercise cell, without a lesson cell of ours that was merged into its beginning."""
    start = _heading_line(cell, number) or 0
    above = {"source": cell["source"][:start]}
    lesson = any(_holds(ours, above) for ours in base["cells"] if books.is_code(ours) and ours["origin"] == "lesson")
    return cell["source"][start:] if lesson and _bare(above) else cell["source"]


def _holds(ours, theirs):
    """Does a cell of ours hold these very lines?"""
    return f"\n{_bare(theirs)}\n" in f"\n{_bare(ours)}\n"


def _bare(cell):
    return "\n".join(line.rstrip() for line in cell["source"].strip().splitlines())


def _likeness(ours, theirs):
    judge = difflib.SequenceMatcher(None, _bare(ours), _bare(theirs))
    return 0 if judge.real_quick_ratio() < ALIKE or judge.quick_ratio() < ALIKE else judge.ratio()


def _unrecorded(cell, source):
    """Make a cell run without being compared: no count, no output, and an error does not end the run."""
    cell["source"], cell["outputs"], cell["execution_count"] = source, [], None
    kept = set(cell["metadata"].get("tags", ())) - {"nbval-skip"}
    cell["metadata"]["tags"] = sorted(kept | {"raises-exception"})


def _insert_added(base, theirs, owner):
    """Put each of their own cells behind the cell that stood before it in their file."""
    last = None
    for position, t in enumerate(theirs):
        if id(t) in owner:
            last = owner[id(t)]
        elif _bare(t) and not books.CHECK_CALL.search(t["source"]):
            # a copied check call would only be asked twice; ours asks
            added = {"cell_type": "code", "id": f"added-{position}", "metadata": {}, "origin": "added"}
            _unrecorded(added, t["source"])
            base["cells"].insert(_after(base["cells"], last), added)
            last = added


def _after(cells, last):
    if last is not None:
        return next(i for i, cell in enumerate(cells) if cell is last) + 1
    first = [i for i, cell in enumerate(cells) if "setup" in books.tags(cell)]
    return first[-1] + 1 if first else 0
