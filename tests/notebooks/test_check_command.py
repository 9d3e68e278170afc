"""labcore check, from a learner's file to the report, with a real kernel. Lesson 98 is a sample that only tests use."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labcore.notebook import book as books
from labcore.notebook import grade, holes, record, running

DATA = Path(__file__).parents[1] / "unit" / "data"
RIGHT = {
    "ex-1": "# Exercise 98.1 · 1 line\nanswer = os.sysconf('SC_PAGE_SIZE')",
    "ex-2": "# Exercise 98.2 · 2 lines\ndef double(number):\n    print('looking')\n    return twice(number)",
}
HELPER = "def twice(n):\n    return 2 * n"


@pytest.fixture(autouse=True)
def lessons(tmp_path, monkeypatch):
    monkeypatch.setenv("LABCORE_NOTEBOOKS", str(tmp_path / "lab"))
    monkeypatch.setenv("SAMPLE_CHECKS", str(DATA / "checks"))
    monkeypatch.setattr(running, "CELL_TIMEOUT_S", 5)
    shutil.copytree(DATA, tmp_path / "lab")
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "lab"


@pytest.fixture
def source(lessons):
    return lessons / "solutions" / "98-sample.ipynb"


@pytest.fixture
def mine(source):
    """A learner's notebook with two right answers, one of which needs a helper cell."""
    book = holes.learner_copy(books.read(source))
    for cell in book["cells"]:
        cell["source"] = RIGHT.get(cell["id"], cell["source"])
    where = [cell["id"] for cell in book["cells"]].index("ex-2")
    book["cells"].insert(where, new_cell(HELPER, "helper"))
    return book


def new_cell(source, name):
    return {"cell_type": "code", "id": name, "metadata": {}, "source": source, "outputs": [], "execution_count": 1}


def checked(book):
    """{exercise: verdict or slug} and the whole report, for a notebook saved under a name of its own."""
    books.write("my work.ipynb", book)
    before = Path("my work.ipynb").read_bytes()
    report, _ = grade.grade("98", "my work.ipynb")
    assert os.listdir() == ["my work.ipynb"] and Path("my work.ipynb").read_bytes() == before
    return {row["exercise"]: row["slug"] or row["verdict"] for row in report["exercises"]}, report


def put(book, name, source):
    next(cell for cell in book["cells"] if cell["id"] == name)["source"] = source


def test_right_answers_with_a_helper_cell_pass(mine):
    verdicts, report = checked(mine)
    assert verdicts == {"98.1": "ok", "98.2": "ok"} and report["ok"], report


def test_the_untouched_copy_fails_every_exercise(source):
    verdicts, report = checked(holes.learner_copy(books.read(source)))
    assert verdicts == {"98.1": "untouched", "98.2": "untouched"} and report["lesson_cells"] == [] and not report["ok"]


def test_a_saved_wrong_answer_does_not_pass(mine):
    put(mine, "ex-2", RIGHT["ex-2"].replace("twice(number)", "number + 2"))
    put(mine, "check-2", "print('98.2 ok')")
    for cell in mine["cells"]:
        if cell["id"] == "check-2":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "98.2 ok\n"}]
            cell["execution_count"] = 9
    verdicts, report = checked(mine)
    row = report["exercises"][1]
    assert verdicts == {"98.1": "ok", "98.2": "added-two"} and row["look_at"] == "By hand, step 1"


def test_a_deleted_exercise_is_missing_and_the_other_counts(mine):
    mine["cells"] = [cell for cell in mine["cells"] if cell["id"] not in ("ex-1", "check-1")]
    assert checked(mine)[0] == {"98.1": "missing", "98.2": "ok"}


def test_a_file_saved_by_another_editor_passes(mine):
    """VS Code: format 4.4 without ids, other metadata, counts in any order, one string for each source."""
    for number, cell in enumerate(mine["cells"]):
        del cell["id"]
        cell["metadata"] = {"vscode": {"languageId": "python"}}
        if books.is_code(cell):
            cell["execution_count"] = 40 - number
    book = {"cells": mine["cells"], "nbformat": 4, "nbformat_minor": 2,
            "metadata": {"kernelspec": {"name": "my-own", "display_name": ".venv"}, "orig_nbformat": 4}}  # fmt: skip
    books.write("mine.ipynb", book)
    Path("mine.ipynb").write_text("\ufeff" + json.dumps(book))
    assert grade.grade("98", "mine.ipynb")[0]["ok"]


def test_an_exercise_that_was_moved_and_copied_counts_once(mine):
    cells = {cell["id"]: cell for cell in mine["cells"]}
    mine["cells"].remove(cells["ex-2"])
    mine["cells"].insert(1, {**cells["ex-2"], "id": "old", "source": RIGHT["ex-2"].replace("twice", "abs")})
    mine["cells"].append(cells["ex-2"])
    verdicts, report = checked(mine)
    assert verdicts["98.2"] == "ok" and "2 copies" in report["notes"][0]


def test_a_typing_error_is_told_with_its_line(mine):
    put(mine, "ex-1", "# Exercise 98.1 · 1 line\nanswer = os.sysconff('SC_PAGE_SIZE')")
    verdicts, report = checked(mine)
    assert verdicts == {"98.1": "raised", "98.2": "ok"}
    assert report["exercises"][0]["at"] == "line 2: answer = os.sysconff('SC_PAGE_SIZE')"


def test_an_answer_that_ends_its_own_kernel_blames_nobody_else(mine):
    put(mine, "ex-2", RIGHT["ex-2"].replace("print('looking')", "os._exit(3)"))
    verdicts, report = checked(mine)
    assert verdicts == {"98.1": "ok", "98.2": "kernel-ended"} and "ended early" in report["notes"][0]
    assert report["lesson_cells"] == []


def test_an_endless_answer_is_stopped_and_the_rest_still_counts(mine):
    put(mine, "ex-1", "# Exercise 98.1 · 1 line\nwhile True: pass")
    verdicts, report = checked(mine)
    assert verdicts == {"98.1": "timeout", "98.2": "ok"} and report["lesson_cells"] == []


def test_a_lesson_cell_that_a_learner_broke_is_named(mine):
    mine["cells"].insert(2, new_cell("os.sep = '!'", "spoiler"))
    _, report = checked(mine)
    assert report["lesson_cells"][0]["first_line"] == 'print("this is pid", os.getpid())' and not report["ok"]


def test_the_command_says_the_same_in_words_and_in_json(mine, capsys):
    put(mine, "ex-2", RIGHT["ex-2"].replace("twice(number)", "number + 2"))
    books.write("98-of-ada.ipynb", mine)
    assert grade.main(["98"]) == 1
    out = capsys.readouterr().out
    assert (
        "98-sample in 98-of-ada.ipynb: 1 of 2 exercises ok" in out
        and "[added-two]" in out
        and "nbval" not in out.lower()
    )
    assert grade.main(["98", "98-of-ada.ipynb", "--json", "--verbose"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["exercises"][1]["slug"] == "added-two" and "passed" in said.err


def test_a_stripped_reference_is_refused(mine, source, capsys):
    books.write(source, {**holes.learner_copy(books.read(source)), "metadata": {}})
    books.write("mine.ipynb", mine)
    assert grade.main(["98", "mine.ipynb"]) == 1
    assert "not a sound reference" in capsys.readouterr().err


def test_recording_a_stripped_source_twice_gives_the_same_bytes(source):
    recorded = source.read_bytes()
    book = books.read(source)
    for cell in book["cells"]:
        cell["metadata"] = {**cell["metadata"], "editor": "noise"}
        if books.is_code(cell):
            cell["outputs"], cell["execution_count"] = [], None
    books.write(source, {**book, "metadata": {"language_info": {"version": "3.9.1"}}})
    assert record.record(source, lambda line: None) is True
    assert source.read_bytes() == recorded
    assert record.record(source, lambda line: None) is False


def test_what_fails_is_not_recorded(source, capsys):
    book = books.read(source)
    put(book, "ex-2", "# Exercise 98.2 · 1 line\n### BEGIN SOLUTION\ndouble = abs\n### END SOLUTION")
    books.write(source, book)
    assert record.main(["98"]) == 1 and "check did not pass" in capsys.readouterr().err
    put(book, "last", "1 / 0")
    books.write(source, book)
    before = source.read_bytes()
    assert record.main(["98"]) == 1 and "'1 / 0' failed" in capsys.readouterr().err
    assert source.read_bytes() == before


def test_pytest_itself_records_with_the_plugin(source):
    """What DESIGN promises: a pytest plugin with --record, beside nbval's own options."""
    recorded = source.read_bytes()
    flags = [
        "-p",
        "labcore.notebook.record",
        "-p",
        "no:cacheprovider",
        "--nbval",
        "--nbval-current-env",
        "--noconftest",
    ]
    sanitize = f"--nbval-sanitize-with={source.parents[1] / 'sanitize.cfg'}"
    root = {"PYTHONPATH": str(books.ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    for flag in (["--record"], []):
        done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir=/", *flags, sanitize,
                               *flag, source], env={**os.environ, **root}, capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert source.read_bytes() == recorded
