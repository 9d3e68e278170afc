"""Every exercise: its solution passes, its hole fails, and each known mistake gets the diagnosis with its name.

A wrong answer is the source of an exercise cell: NN-name/EX-slug.py, first line `# expect: SLUG`. It runs after the
lesson's setup cells, and straight through the lesson's own check cell, all in this process.
"""

import ast
import atexit
import re
from pathlib import Path

import pytest

from labcore.notebook import book as books
from labcore.notebook import checking, checks, holes

HERE = Path(__file__).parent
OWN_SLUGS = {"untouched", "raised", "cannot-travel"}  # what check() itself can say about any answer
LESSONS = {path.stem: books.read(path) for path in books.solution_paths()}
EXERCISES = [(lesson, number) for lesson, book in LESSONS.items() for number in books.exercises(book)]
WRONG = sorted(HERE.glob("[0-9][0-9]-*/*.py"))
ODD = {
    "None": "None",
    "a number": "7",
    "a text": "'x'",
    "a list": "[]",
    "a class": "object",
    "too many": "lambda a, b, c, d: 0",
}


def number_of(path):
    return path.name.partition("-")[0]


def expected(path):
    found = re.match(r"# expect: ([a-z0-9-]+)\n", path.read_text(encoding="utf-8"))
    return found and found[1]


def slugs_in(file):
    """Every slug a check file can say: the first argument of each NotYet(...)."""
    calls = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return {call.args[0].value for call in calls if getattr(call.func, "id", "") == "NotYet"}


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A notebook's Python without the notebook: cells run here, magics and all."""
    home = tmp_path_factory.mktemp("ipython")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(home))
        patch.chdir(home)
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
        yield shell
        shell.atexit_operations()
        atexit.unregister(shell.atexit_operations)
        InteractiveShell.clear_instance()


@pytest.fixture(scope="module")
def names(shell):
    """{lesson: the names its setup cells make}; the setup of a lesson runs once."""
    known, fresh = {}, dict(shell.user_ns)

    def prepared(lesson):
        if lesson not in known:
            shell.user_ns.clear()
            shell.user_ns.update(fresh)
            for cell in LESSONS[lesson]["cells"]:
                if "setup" in books.tags(cell):
                    shell.run_cell(cell["source"]).raise_error()
            known[lesson] = dict(shell.user_ns)
        shell.user_ns.clear()
        shell.user_ns.update(known[lesson])

    return prepared


@pytest.fixture
def ask(shell, names):
    """Run an exercise cell and its check cell; returns what the check raised, or None."""

    def asked(lesson, number, source):
        names(lesson)
        shell.run_cell(source)
        calls = {n: c for n, c in books.check_cells(LESSONS[lesson]) if books.CHECK_CALL.search(c["source"])}
        return shell.run_cell(calls[number]["source"]).error_in_exec

    return asked


@pytest.mark.parametrize("lesson, number", EXERCISES)
def test_the_solution_passes(ask, lesson, number):
    assert ask(lesson, number, books.exercises(LESSONS[lesson])[number]["source"]) is None


@pytest.mark.parametrize("lesson, number", EXERCISES)
def test_the_untouched_hole_fails(ask, lesson, number):
    error = ask(lesson, number, holes.hole(books.exercises(LESSONS[lesson])[number]["source"]))
    assert isinstance(error, checking.NotYet), repr(error)


@pytest.mark.parametrize("path", WRONG, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_known_mistake_gets_its_diagnosis(ask, path):
    error = ask(path.parent.name, number_of(path), path.read_text(encoding="utf-8"))
    assert isinstance(error, checking.NotYet), repr(error)
    assert error.slug == expected(path), str(error)


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("lesson, number", EXERCISES)
def test_an_answer_of_another_kind_is_the_learners_mistake_not_the_checks(ask, lesson, number, what):
    """A check that breaks on an odd answer would call itself broken."""
    call = next(
        c for n, c in books.check_cells(LESSONS[lesson]) if n == number and books.CHECK_CALL.search(c["source"])
    )
    answer = ast.parse(call["source"]).body[-1].value.args[1:]
    if not answer or not isinstance(answer[0], ast.Name):
        return  # this check takes its answer from the kernel
    error = ask(lesson, number, f"{answer[0].id} = {ODD[what]}")
    assert isinstance(error, checking.NotYet), repr(error)


@pytest.mark.parametrize("lesson, number", EXERCISES)
def test_an_exercise_has_two_wrong_answers_at_least(lesson, number):
    assert len([path for path in WRONG if path.parent.name == lesson and number_of(path) == number]) >= 2


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_diagnosis_is_reached_by_a_wrong_answer(lesson):
    files = [Path(directory, f"nb{lesson[:2]}.py") for directory in checks.__path__]
    said = set().union(*(slugs_in(file) for file in files if file.exists())) - OWN_SLUGS
    assert said - {expected(path) for path in WRONG if path.parent.name == lesson} == set()


@pytest.mark.parametrize("path", WRONG, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_wrong_answer_belongs_to_an_exercise_and_is_named_after_its_slug(path):
    assert (path.parent.name, number_of(path)) in EXERCISES
    assert expected(path) and path.stem.startswith(f"{number_of(path)}-{expected(path)}")
