"""Notebook files: read, written, and turned into a learner's copy."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from labcore.errors import LabError
from labcore.notebook import book as books
from labcore.notebook import guard, holes, learners


@pytest.fixture
def sample_lessons(tmp_path, monkeypatch):
    monkeypatch.setenv("LABCORE_NOTEBOOKS", str(tmp_path / "lessons"))
    return shutil.copytree(Path(__file__).parent / "data", tmp_path / "lessons")


@pytest.fixture
def sample(sample_lessons):
    return books.read(sample_lessons / "solutions" / "98-sample.ipynb")


def test_reading_what_was_written_changes_nothing(sample, tmp_path):
    books.write(tmp_path / "a.ipynb", sample)
    assert books.read(tmp_path / "a.ipynb") == sample


def test_writing_keeps_the_mode_and_leaves_no_other_file(sample, tmp_path):
    target = tmp_path / "a.ipynb"
    target.write_text("{}")
    target.chmod(0o640)
    books.write(target, sample)
    assert target.stat().st_mode & 0o777 == 0o640 and sorted(os.listdir(tmp_path)) == ["a.ipynb", "lessons"]


BROKEN = ["", "{", "[]", "null", '{"nbformat": 3}', '{"nbformat": 4}', '{"nbformat": 4, "cells": [1]}']
BROKEN += ['{"nbformat": 4, "cells": [{"source": 7, "cell_type": "code"}]}', "[" * 9999]


@pytest.mark.parametrize("text", BROKEN)
def test_a_file_that_is_no_notebook_is_named(tmp_path, text):
    (tmp_path / "a.ipynb").write_text(text)
    with pytest.raises(LabError, match="a.ipynb: "):
        books.read(tmp_path / "a.ipynb")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(LabError, match="no such file"):
        books.read(tmp_path / "a.ipynb")


@pytest.mark.parametrize("word", ["98", "98-sample", "098"])
def test_a_lesson_is_found_by_its_number(sample_lessons, word):
    assert books.find_lesson(word).name == "98-sample.ipynb"


@pytest.mark.parametrize("word", ["99", "", "x", "../98"])
def test_an_unknown_lesson_lists_the_known_ones(sample_lessons, word):
    with pytest.raises(LabError, match="98-sample"):
        books.find_lesson(word)


def test_a_function_keeps_its_head_and_gets_dots():
    head = '# Exercise 1.2 · 2 lines\ndef f(x):\n    """Doc."""\n'
    source = head + "    ### BEGIN SOLUTION\n    y = x\n    return y\n    ### END SOLUTION"
    assert holes.hole(source) == head + "    ..."
    assert holes.answer_size(source) == 2


def test_a_value_gets_dots_under_its_name():
    assert holes.hole("### BEGIN SOLUTION\nflag = 1\nother = 2\n### END SOLUTION") == "flag = ...\nother = ..."


def test_actions_get_one_line_of_dots():
    source = "a = 1\n### BEGIN SOLUTION\nx = 1\nprint(x)\n\n# why\n### END SOLUTION\nprint(a)"
    assert holes.hole(source) == "a = 1\n...\nprint(a)" and holes.answer_size(source) == 2


@pytest.mark.parametrize(
    "source", ["### BEGIN SOLUTION\nx", "### END SOLUTION", "### BEGIN SOLUTION\n### BEGIN SOLUTION"]
)
def test_markers_that_do_not_pair_up_are_refused(source):
    with pytest.raises(LabError, match="pair up|without"):
        holes.hole(source)


def test_the_learners_copy_has_the_same_ids_and_no_answers(sample):
    copy = holes.learner_copy(sample)
    text = books.dumps(copy)
    assert [c["id"] for c in copy["cells"]] == [c["id"] for c in sample["cells"] if c["id"] != "teacher"]
    assert "SOLUTION" not in text and "98.1 ok" not in text and "SC_PAGE_SIZE" not in text
    assert all(c["outputs"] == [] and c["execution_count"] is None for c in copy["cells"] if books.is_code(c))


def test_exercise_check_and_setup_cells_are_protected(sample):
    meta = {c["id"]: c["metadata"] for c in holes.learner_copy(sample)["cells"]}
    assert meta["ex-1"]["deletable"] is False and "editable" not in meta["ex-1"]
    for name in ("check-1", "setup"):
        assert meta[name]["deletable"] is False and meta[name]["editable"] is False
    assert "deletable" not in meta["look-1"]


def test_making_the_copies_again_changes_nothing(sample_lessons, capsys):
    assert learners.main([]) == 0 and "written" in capsys.readouterr().out
    assert learners.main(["--check"]) == 0 and capsys.readouterr().out == ""


def test_a_copy_somebody_worked_in_is_put_aside(sample_lessons, capsys):
    learners.main([])
    target = sample_lessons / "98-sample.ipynb"
    book = json.loads(target.read_text())
    book["cells"][1]["execution_count"] = 7
    target.write_text(json.dumps(book))
    assert learners.main(["--check"]) == 1
    assert learners.main([]) == 0 and json.loads((sample_lessons / "98-sample.ipynb.bak").read_text()) == book


def test_the_sample_is_sound(sample):
    assert guard.faults(sample) == [] and guard.core(sample) == (10, 10)


def spoil(sample, name, **changes):
    cell = next(c for c in sample["cells"] if c["id"] == name)
    cell["metadata"] = cell["metadata"] | changes.pop("metadata", {})
    cell.update(changes)


ERROR = [{"output_type": "error", "ename": "NotYet", "evalue": "98.1 not yet", "traceback": []}]
SPOILT = {
    "failed check": ("check-1", {"outputs": ERROR}, "did not pass"),
    "silent check": ("check-1", {"outputs": []}, "not '98.1 ok'"),
    "stripped cell": ("look-1", {"outputs": [], "execution_count": None}, "never run"),
    "odd counts": ("look-1", {"execution_count": 9}, "counts"),
    "failed lesson": ("look-1", {"outputs": ERROR}, "ended in an error"),
    "wrong size": (
        "ex-1",
        {"source": "# Exercise 98.1 · 2 lines\n### BEGIN SOLUTION\nanswer = 1\n### END SOLUTION"},
        "says 2",
    ),
    "no solution": ("ex-1", {"source": "# Exercise 98.1 · 1 line\nanswer = 1"}, "no solution"),
    "no heading": ("ex-1", {"source": "answer = 1"}, "begins with"),
    "twice": (
        "ex-2",
        {"source": "# Exercise 98.1 · 1 line\n### BEGIN SOLUTION\na = 1\n### END SOLUTION"},
        "exactly one",
    ),
    "id of another": ("ex-1", {"id": "look-1"}, "id of its own"),
    "no id": ("look-1", {"id": ""}, "id of its own"),
    "unknown tag": ("look-1", {"metadata": {"tags": ["exercice"]}}, "unknown tags"),
    "fatal check": ("check-1", {"metadata": {"tags": ["check"]}}, "raises-exception"),
    "open hint": ("hint-1", {"source": "use sysconf"}, "folded"),
    "ignored": ("look-1", {"source": "# NBVAL_IGNORE_OUTPUT\nprint(1)"}, "because"),
    "stored live": ("meter", {"execution_count": 9}, "live cell"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_an_unsound_source_is_refused(sample, name):
    cell, changes, said = SPOILT[name]
    spoil(sample, cell, **changes)
    assert any(re.search(said, fault) for fault in guard.faults(sample)), guard.faults(sample)
    with pytest.raises(LabError, match="not a sound reference"):
        guard.demand_sound(sample, "98-sample.ipynb")
