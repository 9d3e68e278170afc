"""The learner's copies are what learners.py makes of the sources: no more, no less, no output."""

import pytest

from labcore.notebook import book as books
from labcore.notebook import grade, holes, learners

SOURCES = {path.stem: path for path in books.solution_paths()}


def test_making_the_copies_again_changes_nothing(capsys):
    assert learners.main(["--check"]) == 0, capsys.readouterr().out


def test_there_is_no_copy_without_a_source():
    copies = {path.stem for path in books.notebooks_dir().glob("[0-9][0-9]-*.ipynb")}
    assert copies == set(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_a_copy_has_no_answer_no_output_and_no_count(name):
    copy = books.read(books.notebooks_dir() / f"{name}.ipynb")
    assert "SOLUTION" not in books.dumps(copy)
    for cell in filter(books.is_code, copy["cells"]):
        assert cell["outputs"] == [] and cell["execution_count"] is None
    for number, cell in books.exercises(copy).items():
        assert any(line.strip().endswith("...") for line in cell["source"].splitlines()), number


@pytest.mark.parametrize("name", SOURCES)
def test_a_copy_has_the_cells_of_its_source(name):
    source, copy = books.read(SOURCES[name]), books.read(books.notebooks_dir() / f"{name}.ipynb")
    shown = [cell["id"] for cell in source["cells"] if "instructor-only" not in books.tags(cell)]
    assert [cell["id"] for cell in copy["cells"]] == shown


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SOURCES)
def test_an_untouched_copy_fails_every_exercise_and_nothing_else(name):
    report, said = grade.grade(name, books.notebooks_dir() / f"{name}.ipynb")
    assert {row["verdict"] for row in report["exercises"]} <= {"not yet"}, said
    assert report["lesson_cells"] == [] and report["notes"] == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SOURCES)
def test_a_solved_copy_passes(name, tmp_path):
    book = books.read(SOURCES[name])
    solved = holes.learner_copy(book)
    answers = {n: holes.solution_text(cell["source"]) for n, cell in books.exercises(book).items()}
    for number, cell in books.exercises(solved).items():
        cell["source"] = answers[number]
    books.write(tmp_path / "solved.ipynb", solved)
    report, said = grade.grade(name, tmp_path / "solved.ipynb")
    assert report["ok"], f"{report}\n{said}"
