"""restore, solutions and report: what a learner or a teacher asks for, without a kernel."""

import json
import shutil
from pathlib import Path

import pytest

from labcore.notebook import book as books
from labcore.notebook import holes, report, restore, solutions


@pytest.fixture
def lessons(tmp_path, monkeypatch):
    monkeypatch.setenv("LABCORE_NOTEBOOKS", str(tmp_path / "lab"))
    shutil.copytree(Path(__file__).parent / "data", tmp_path / "lab")
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "lab"


@pytest.fixture
def mine(lessons):
    book = holes.learner_copy(books.read(lessons / "solutions" / "98-sample.ipynb"))
    books.write("mine.ipynb", book)
    return book


def names(book):
    return [cell.get("id") for cell in book["cells"]]


def change(mine, *gone, **sources):
    mine["cells"] = [cell for cell in mine["cells"] if cell["id"] not in gone]
    for cell in mine["cells"]:
        cell["source"] = sources.get(cell["id"].replace("-", "_"), cell["source"])
    books.write("mine.ipynb", mine)


def test_a_deleted_exercise_comes_back_in_its_place(mine, capsys):
    whole = names(mine)
    change(mine, "ex-2", "check-2", look_1="my own lines")
    before = Path("mine.ipynb").read_bytes()
    assert restore.main(["98", "98.2", "mine.ipynb"]) == 0 and "98.2 is back" in capsys.readouterr().out
    back = books.read("mine.ipynb")
    assert names(back) == whole and Path("mine.ipynb.bak").read_bytes() == before
    assert next(c for c in back["cells"] if c["id"] == "look-1")["source"] == "my own lines"


def test_a_ruined_exercise_gets_its_hole_again(mine):
    whole = books.read("mine.ipynb")
    change(mine, ex_2="# Exercise 98.2 · 2 lines\nrubbish(", check_2="rubbish")
    assert restore.main(["98", "98.2", "mine.ipynb"]) == 0
    assert books.read("mine.ipynb") == whole


def test_restoring_twice_keeps_both_copies(mine):
    assert restore.main(["98", "98.1", "mine.ipynb"]) == restore.main(["98", "98.1", "mine.ipynb"]) == 0
    assert sorted(p.name for p in Path(".").iterdir()) == ["mine.ipynb", "mine.ipynb.bak", "mine.ipynb.bak2"]


def test_a_notebook_without_ids_gets_none(mine):
    whole = [cell["source"] for cell in mine["cells"]]
    change(mine, "ex-2")
    for cell in mine["cells"]:
        del cell["id"]
    books.write("mine.ipynb", {**mine, "nbformat_minor": 4})
    assert restore.main(["98", "98.2", "mine.ipynb"]) == 0
    back = books.read("mine.ipynb")
    assert [cell["source"] for cell in back["cells"]] == whole and set(names(back)) == {None}


def test_a_taken_id_is_not_given_twice(mine):
    change(mine, "ex-2")
    mine["cells"].append({"cell_type": "markdown", "id": "x", "metadata": {}, "source": "text"})
    mine["cells"][-1]["id"] = mine["cells"][3]["id"]
    books.write("mine.ipynb", mine)
    restore.main(["98", "98.2", "mine.ipynb"])
    assert len(set(names(books.read("mine.ipynb")))) == len(names(books.read("mine.ipynb")))


@pytest.mark.parametrize("words, said", [
    (["98", "98.9", "mine.ipynb"], "exercise 98.9: not in 98-sample"),
    (["97", "98.2", "mine.ipynb"], "there is no such lesson"),
    (["98", "98.2", "nowhere.ipynb"], "nowhere.ipynb: no such file"),
])  # fmt: skip
def test_what_cannot_be_restored_is_told_and_nothing_is_left(mine, capsys, words, said):
    assert restore.main(words) == 1 and said in capsys.readouterr().err
    assert [p.name for p in Path(".").iterdir()] == ["mine.ipynb"]


def test_a_broken_notebook_is_left_as_it_is(mine, capsys):
    Path("mine.ipynb").write_text("{")
    assert restore.main(["98", "98.2", "mine.ipynb"]) == 1 and "broken" in capsys.readouterr().err
    assert Path("mine.ipynb").read_text() == "{" and len(list(Path(".").iterdir())) == 1


def test_a_solution_is_written_once(lessons, capsys):
    assert solutions.main(["98"]) == 0
    Path("98-sample-solution.ipynb").write_text("mine")
    assert solutions.main(["98"]) == 1 and "already there" in capsys.readouterr().err
    assert Path("98-sample-solution.ipynb").read_text() == "mine"
    assert solutions.main(["98", "--force"]) == 0
    assert books.read("98-sample-solution.ipynb") == books.read(lessons / "solutions" / "98-sample.ipynb")


def test_one_answer_is_printed(lessons, capsys):
    assert solutions.main(["98", "--exercise", "98.2"]) == 0
    out = capsys.readouterr().out
    assert "result = 2 * number" in out and "SOLUTION" not in out


def test_a_class_is_told_at_a_glance(lessons, capsys):
    for learner, slug in (("ada", ""), ("bob", "added-two"), ("eve", "added-two")):
        one = {"exercise": "98.1", "verdict": "ok", "slug": ""}
        two = {"exercise": "98.2", "verdict": "not yet" if slug else "ok", "slug": slug}
        Path(learner).mkdir()
        Path(learner, "98.json").write_text(json.dumps({"lesson": "98-sample", "exercises": [one, two]}))
    Path("eve", "other.json").write_text("[1]")
    assert report.main(["."]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "learner     98.1     98.2",
        "ada           ok       ok",
        "bob           ok        -",
        "eve           ok        -",
        "ok             3        1",
        "   2 × 98.2 added-two",
    ]
    assert report.main([".", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["slugs"] == {"98.2 added-two": 2}


def test_a_notebook_that_cannot_be_read_does_not_end_the_report(lessons, capsys):
    Path("ada.ipynb").write_text("{")
    assert report.main(["."]) == 1 and "not read: ada.ipynb: " in capsys.readouterr().out


def test_a_notebook_of_any_name_is_known_by_its_cells(mine):
    assert report.lesson_of(mine) == "98-sample"


def test_no_directory_is_told(lessons, capsys):
    assert report.main(["nowhere"]) == 1 and "nowhere: not a directory" in capsys.readouterr().err
