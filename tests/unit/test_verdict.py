"""What a run says is told in a short list; nobody is blamed for a machine or for a cell before theirs."""

import copy
from pathlib import Path

import pytest

from labcore.notebook import book as books
from labcore.notebook import guard, merge, verdict
from labcore.notebook.checking import NotYet

SOURCE = Path(__file__).parent / "data" / "solutions" / "98-sample.ipynb"


@pytest.fixture
def run():
    """(merged notebook, events of a run in which all went well)."""
    ours = books.read(SOURCE)
    book, _, _ = merge.merge(ours, copy.deepcopy(ours))
    events = [{"ok": True, "ran": True, "message": "", "detail": "", "outputs": copy.deepcopy(c["outputs"])}
              for c in book["cells"] if books.is_code(c)]  # fmt: skip
    return book, events


def event(run, name):
    code = [cell["id"] for cell in run[0]["cells"] if books.is_code(cell)]
    return run[1][code.index(name)]


def error(name, value, traceback=()):
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": list(traceback)}


def told(run, found=None, notes=()):
    return verdict.verdicts(*run, found or {"98.1": "found", "98.2": "found"}, notes)


def fail(run, name, *outputs, message="Cell outputs differ"):
    event(run, name).update(ok=False, message=message, outputs=list(outputs))


def row(run, number="98.2"):
    return next(r for r in told(run)["exercises"] if r["exercise"] == number)


def test_all_well_is_ok(run):
    report = told(run)
    assert report["ok"] and [r["verdict"] for r in report["exercises"]] == ["ok", "ok"]


def test_a_diagnosis_is_told(run):
    no = NotYet("added-two", "3 became 5", "2 was added", "By hand, step 1")
    no.exercise = "98.2"
    fail(run, "check-2", error("NotYet", str(no)))
    report = told(run)
    assert not report["ok"] and row(run)["slug"] == "added-two"
    assert list(verdict.lines({"lesson": "98-sample", "file": "f", **report})) == [
        "98-sample in f: 1 of 2 exercises ok",
        "  98.1  ok",
        "  98.2  not yet                          [added-two]",
        "        observed  3 became 5",
        "        likely    2 was added",
        "        look at   By hand, step 1",
    ]


def test_a_check_that_matched_nothing_is_not_a_pass(run):
    fail(run, "check-2")
    assert row(run)["slug"] == "other-output"


def test_an_error_in_the_exercise_cell_is_told_with_its_line(run):
    event(run, "ex-2")["outputs"] = [
        error("NameError", "name 'x' is not defined", ["\x1b[0;32m----> 3\x1b[0m x", "4 y"])
    ]
    fail(run, "check-2", error("NameError", "name 'double' is not defined"))
    assert row(run)["slug"] == "raised" and row(run)["at"] == "line 3: x"
    assert row(run)["observed"] == "the exercise cell raised NameError: name 'x' is not defined"


def test_a_machines_fault_is_not_the_learners(run):
    fail(run, "check-2", error("NotChecked", "98.2 not checked: no user namespaces"))
    assert row(run)["verdict"] == "not checked"


def test_an_endless_answer_is_told(run):
    fail(run, "check-2", error("KeyboardInterrupt", ""), message="Timeout of 60 seconds exceeded executing cell")
    assert row(run)["slug"] == "timeout"


def test_a_missing_exercise_says_how_to_get_it_back(run):
    report = told(run, {"98.1": "found", "98.2": "missing"})
    text = "\n".join(verdict.lines({"lesson": "98-sample", "file": "my.ipynb", **report}))
    assert not report["ok"] and "98.2  missing" in text and "labcore restore 98 98.2 my.ipynb" in text


def test_a_run_that_ended_early_blames_no_later_cell(run):
    book, events = run
    code = [cell["id"] for cell in book["cells"] if books.is_code(cell)]
    for late in events[code.index("check-1") + 1 :]:
        late.update(ok=False, ran=False, message="Kernel dead on test start", outputs=[])
    report = told(run)
    assert row(run)["verdict"] == "not run" and report["lesson_cells"] == [] and not report["ok"]
    assert "the run ended early" in report["notes"][0]


def test_a_lesson_cell_that_differs_is_named_with_its_first_difference(run):
    fail(run, "look-1", {"output_type": "stream", "name": "stdout", "text": "this is pid X\n"})
    report = told(run)
    why = "expected 'this is pid N', got 'this is pid X'"
    assert report["lesson_cells"] == [{"cell": 2, "first_line": 'print("this is pid", os.getpid())', "why": why}]
    assert not report["ok"]


def test_a_lesson_cell_that_raised_is_named(run):
    fail(run, "last", error("OSError", "no\nspace"), message="Cell execution caused an exception")
    assert told(run)["lesson_cells"][0]["why"] == "it raised OSError: no space"


def test_an_error_in_a_cell_of_their_own_is_only_a_note(run):
    book, events = run
    book["cells"].append(
        {"cell_type": "code", "id": "a", "metadata": {}, "source": "1/0", "origin": "added", "outputs": []}
    )
    events.append({"ok": True, "ran": True, "message": "", "outputs": [error("ZeroDivisionError", "division by zero")]})
    report = told(run)
    assert report["ok"] and report["notes"] == ["your own cell '1/0' raised ZeroDivisionError"]


def test_a_stripped_reference_is_never_graded_against(run):
    book = books.read(SOURCE)
    for cell in book["cells"]:
        if books.is_code(cell):
            cell["outputs"], cell["execution_count"] = [], None
    assert guard.faults(book)
