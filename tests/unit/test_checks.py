"""The lessons keep their rules, and the pages for teachers know every diagnosis."""

import ast
import re

import pytest

from labcore.notebook import book as books
from labcore.notebook import holes, machine
from labcore.notebook.process import CommandFailed

LESSONS = {path.stem: books.read(path) for path in books.solution_paths()}
CHECKS = sorted((books.ROOT / "labcore/notebook/checks").glob("nb*.py"))
TEACHING = (books.ROOT / "docs/teaching.md").read_text("utf-8")
GLOSSARY = (books.ROOT / "docs/glossary.md").read_text("utf-8")


def code(lesson):
    return [cell for cell in LESSONS[lesson]["cells"] if books.is_code(cell)]


def prose(lesson):
    return "\n\n".join(cell["source"] for cell in LESSONS[lesson]["cells"] if not books.is_code(cell))


def diagnoses(file):
    """(slug, look_at) of each NotYet(...) in a check file; look_at where it is written out."""
    for call in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "NotYet":
            texts = [arg.value if isinstance(arg, ast.Constant) else "" for arg in call.args]
            yield texts[0], texts[3] if len(texts) > 3 else ""


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_runs_nothing_with_an_exclamation_mark(lesson):
    lines = [line for cell in code(lesson) for line in cell["source"].splitlines()]
    assert [line for line in lines if line.lstrip().startswith(("!", "%%bash", "%%sh"))] == []


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_code_cell_has_ten_lines_at_most_and_fits_the_page(lesson):
    sources = [holes.solution_text(cell["source"]) for cell in code(lesson)]
    assert [text for text in sources if len(text.splitlines()) > 10] == []
    assert [line for text in sources for line in text.splitlines() if len(line) > 88] == []


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_numbered_section_says_how_long_it_takes(lesson):
    headings = re.findall(r"^## (?:\d+|Further.*?) · .*$", prose(lesson), re.MULTILINE)
    assert headings and [heading for heading in headings if not re.search(r" · \d+ min$", heading)] == []


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_opens_with_what_it_uses_borrows_and_gives(lesson):
    assert "| uses | borrows | gives |" in LESSONS[lesson]["cells"][0]["source"]


@pytest.mark.parametrize("file", CHECKS, ids=lambda file: file.stem)
def test_where_to_look_exists_in_the_lesson(file):
    lesson = next(name for name in LESSONS if name[:2] == file.stem[2:])
    steps = set(re.findall(r"^### Step (\d+)", prose(lesson), re.MULTILINE))
    sections = set(re.findall(r"^## (\d+)", prose(lesson), re.MULTILINE))
    for _, look_at in diagnoses(file):
        found = re.match(r"By hand, steps? ([\d and]+)", look_at)
        assert not found or set(re.findall(r"\d+", found[1])) <= steps, look_at
        found = re.match(r"section (\d+)", look_at)
        assert not found or found[1] in sections, look_at


@pytest.mark.parametrize("file", CHECKS, ids=lambda file: file.stem)
def test_teachers_have_a_question_for_every_diagnosis(file):
    assert [slug for slug, _ in diagnoses(file) if f"`{slug}`" not in TEACHING] == []


def test_the_glossary_is_in_alphabetical_order():
    words = [word.strip("/").lower() for word in re.findall(r"^\| \*\*(.+?)\*\* \|", GLOSSARY, re.MULTILINE)]
    assert len(words) > 40 and words == sorted(words)


def test_a_command_on_the_machine_prints_or_returns_what_it_says(capsys):
    machine.sh("echo one; echo two >&2; exit 3")
    assert capsys.readouterr().out == "one\ntwo\n(exit status 3)\n"
    assert machine.out("echo one; echo two >&2") == "one\n"
    with pytest.raises(CommandFailed, match="exit status 4"):
        machine.out("exit 4")


def test_the_machine_finds_the_labs_own_command():
    assert machine.out("command -v labcore").startswith(str(books.ROOT))
