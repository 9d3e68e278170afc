"""Whatever an editor or a learner does to a notebook, the exercises are found and the base stays ours."""

import copy
import shutil
from pathlib import Path

import pytest

from labcore.errors import LabError
from labcore.notebook import book as books
from labcore.notebook import grade, holes, merge

SOURCE = Path(__file__).parent / "data" / "solutions" / "98-sample.ipynb"
MINE = "# Exercise 98.2 · 2 lines\ndef double(number):\n    return number + number"


@pytest.fixture
def ours():
    return books.read(SOURCE)


@pytest.fixture
def theirs(ours):
    book = holes.learner_copy(ours)
    at(book, "ex-2")["source"] = MINE
    return book


def at(book, name):
    return next(cell for cell in book["cells"] if cell.get("id") == name)


def position(book, name):
    return book["cells"].index(at(book, name))


def code(source, name="new"):
    return {"cell_type": "code", "id": name, "metadata": {}, "source": source, "outputs": [], "execution_count": 3}


def merged(ours, theirs):
    """What would run: exercise 98.2's source, how it was found, the added sources, the notes; the base is checked."""
    book, found, notes = merge.merge(ours, theirs)
    kept = [cell for cell in book["cells"] if cell["origin"] != "added"]
    assert [c["id"] for c in kept] == [c["id"] for c in ours["cells"] if c["id"] != "teacher"]
    for cell in kept:
        if cell["origin"] == "lesson" and books.is_code(cell):
            assert cell["source"] == at(ours, cell["id"])["source"]
            assert cell["outputs"] == at(ours, cell["id"])["outputs"]
        elif books.is_code(cell):
            assert cell["outputs"] == [] and cell["execution_count"] is None
    added = [cell for cell in book["cells"] if cell["origin"] == "added"]
    assert all(cell["execution_count"] is None and cell["outputs"] == [] for cell in added)
    return at(book, "ex-2")["source"], found["98.2"], [cell["source"] for cell in added], notes


def strip_ids(book):
    book["nbformat_minor"] = 4
    for cell in book["cells"]:
        cell.pop("id", None)


def test_an_answer_takes_the_place_of_ours(ours, theirs):
    assert merged(ours, theirs) == (MINE, "found", [], [])


def test_saved_outputs_of_the_learner_count_for_nothing(ours, theirs):
    at(theirs, "check-2")["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "98.2 ok\n"}]
    at(theirs, "look-1")["outputs"] = []
    at(theirs, "ex-2")["execution_count"] = 5
    assert merged(ours, theirs) == (MINE, "found", [], [])


def test_an_edited_check_cell_counts_for_nothing(ours, theirs):
    at(theirs, "check-2")["source"] = 'print("98.2 ok")'
    assert merged(ours, theirs) == (MINE, "found", [], [])


def test_a_notebook_without_ids_is_understood(ours, theirs):
    strip_ids(theirs)
    assert merged(ours, theirs) == (MINE, "found", [], [])


def test_a_notebook_with_new_ids_and_no_tags_is_understood(ours, theirs):
    for number, cell in enumerate(theirs["cells"]):
        cell["id"], cell["metadata"] = f"vscode-{number}", {"vscode": {"languageId": "python"}}
    assert merged(ours, theirs) == (MINE, "found", [], [])


def test_of_two_copies_the_last_wins(ours, theirs):
    theirs["cells"].append(code(MINE.replace("number + number", "2 * number")))
    source, how, added, notes = merged(ours, theirs)
    assert (
        "2 * number" in source and added == [] and notes == ["exercise 98.2: there are 2 copies, the last one counts"]
    )


def test_an_exercise_that_was_moved_is_found(ours, theirs):
    theirs["cells"].insert(2, theirs["cells"].pop(position(theirs, "ex-2")))
    assert merged(ours, theirs) == (MINE, "found", [], [])


def test_a_deleted_exercise_is_missing_and_its_hole_runs(ours, theirs):
    theirs["cells"].remove(at(theirs, "ex-2"))
    source, how, _, _ = merged(ours, theirs)
    assert how == "missing" and source.endswith("...")


@pytest.mark.parametrize(
    "change", [{"source": ""}, {"source": "  \n"}, {"cell_type": "markdown"}, {"cell_type": "raw"}]
)
def test_an_exercise_emptied_or_made_text_is_missing(ours, theirs, change):
    at(theirs, "ex-2").update(change)
    assert merged(ours, theirs)[1] == "missing"


def test_an_exercise_without_its_first_line_is_found_by_id(ours, theirs):
    at(theirs, "ex-2")["source"] = MINE.split("\n", 1)[1]
    source, how, added, notes = merged(ours, theirs)
    assert source == MINE.split("\n", 1)[1] and how == "found" and "found by its id" in notes[0]


def test_lines_above_the_first_line_are_kept_even_without_ids(ours, theirs):
    at(theirs, "ex-2")["source"] = "import math\n" + MINE
    strip_ids(theirs)
    source, how, _, notes = merged(ours, theirs)
    assert source == "import math\n" + MINE and "found by its heading" in notes[0]


def test_a_lesson_cell_merged_into_an_exercise_does_not_run_twice(ours, theirs):
    hand = at(theirs, "refusal")
    at(theirs, "ex-2")["source"] = hand["source"] + "\n\n" + MINE
    theirs["cells"].remove(hand)
    strip_ids(theirs)
    assert merged(ours, theirs)[0] == MINE


def test_a_check_merged_into_its_exercise_is_understood(ours, theirs):
    at(theirs, "ex-2")["source"] = MINE + '\n\ncheck("98.2", double)'
    theirs["cells"].remove(at(theirs, "check-2"))
    assert merged(ours, theirs)[0].startswith(MINE)


@pytest.mark.parametrize("ids", [True, False])
def test_the_rest_of_a_split_exercise_runs_behind_it(ours, theirs, ids):
    theirs["cells"].insert(position(theirs, "ex-2") + 1, code("def helper():\n    return 2"))
    if not ids:
        strip_ids(theirs)
    book, _, _ = merge.merge(ours, theirs)
    names = [cell["id"] for cell in book["cells"]]
    new = next(i for i, cell in enumerate(book["cells"]) if cell["origin"] == "added")
    assert new == names.index("ex-2") + 1 and book["cells"][new]["source"] == "def helper():\n    return 2"


@pytest.mark.parametrize("ids", [True, False])
def test_a_split_lesson_cell_runs_once(ours, theirs, ids):
    cell = at(theirs, "look-1")
    first, second = cell["source"].split("\n", 1)
    cell["source"] = first
    theirs["cells"].insert(position(theirs, "look-1") + 1, code(second))
    if not ids:
        strip_ids(theirs)
    assert merged(ours, theirs)[2] == []


@pytest.mark.parametrize("ids", [True, False])
def test_an_edited_lesson_cell_is_ours_again(ours, theirs, ids):
    at(theirs, "hand-1")["source"] = at(theirs, "hand-1")["source"].replace("/nowhere", "/elsewhere")
    if not ids:
        strip_ids(theirs)
    assert merged(ours, theirs)[2] == []


def test_helper_cells_run_where_they_stood(ours, theirs):
    theirs["cells"].insert(0, code("first = 1", "a"))
    theirs["cells"].insert(position(theirs, "ex-2"), code("before = 2", "b"))
    theirs["cells"].insert(position(theirs, "ex-2"), code("also_before = 3", "c"))
    theirs["cells"].append(code("last = 4", "d"))
    book, _, _ = merge.merge(ours, theirs)
    sources = [cell["source"] for cell in book["cells"] if books.is_code(cell)]
    assert sources.index("first = 1") == 1 and sources[0] == at(ours, "setup")["source"]
    assert sources.index("before = 2") + 2 == sources.index("also_before = 3") + 1 == sources.index(MINE)
    assert sources[-1] == "last = 4"


def test_a_copied_check_is_not_asked_twice(ours, theirs):
    theirs["cells"].append(code('check("98.2",  double)'))
    assert merged(ours, theirs)[2] == []


def test_the_lab_files_are_not_changed_by_merging(ours, theirs):
    before = copy.deepcopy((ours, theirs))
    merge.merge(ours, theirs)
    assert (ours, theirs) == before


def test_the_notebook_of_another_lesson_is_named(ours):
    other = {"cells": [code("# Exercise 97.1 · 2 lines\n...")], "metadata": {}}
    with pytest.raises(LabError, match="not the notebook of 98-sample: it holds exercise 97.1"):
        grade.demand_lesson(ours, other, "mine.ipynb", "98-sample")
    with pytest.raises(LabError, match="none of its cells"):
        grade.demand_lesson(ours, {"cells": [code("1")]}, "mine.ipynb", "98-sample")


def test_the_learners_notebook_is_found_here_first(tmp_path, monkeypatch):
    monkeypatch.setenv("LABCORE_NOTEBOOKS", str(tmp_path / "lab"))
    monkeypatch.chdir(shutil.copytree(SOURCE.parent, tmp_path / "here"))
    assert grade.find_copy(SOURCE) == Path("98-sample.ipynb")
    Path("98-sample.ipynb").rename("98-of-ada.ipynb")
    assert grade.find_copy(SOURCE) == Path("98-of-ada.ipynb")
    Path("98-of-ada.ipynb").unlink()
    with pytest.raises(LabError, match="not found here"):
        grade.find_copy(SOURCE)
