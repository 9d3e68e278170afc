"""Each lesson's source is sound, runs with its recorded outputs, and recording it again gives the same bytes."""

import re

import nbformat
import pytest
from nbval.plugin import get_sanitize_patterns

from labcore.notebook import book as books
from labcore.notebook import guard, record, running

SOURCES = {path.stem: path for path in books.solution_paths()}
PATTERNS = books.notebooks_dir() / "sanitize.cfg"


def test_there_are_lessons():
    assert "00-start-here" in SOURCES and "01-uts" in SOURCES


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_has_the_bytes_that_nbformat_writes(name):
    source = books.read(SOURCES[name])
    assert books.dumps(source) == nbformat.writes(nbformat.from_dict(source)) + "\n"


@pytest.mark.parametrize("name", SOURCES)
def test_the_source_is_sound(name):
    assert guard.faults(books.read(SOURCES[name])) == []


@pytest.mark.parametrize("name", SOURCES)
def test_the_core_fits_an_hour_and_30_code_cells(name):
    minutes, code = guard.core(books.read(SOURCES[name]))
    assert 0 < minutes <= 60 and code <= 30


@pytest.mark.parametrize("name", SOURCES)
def test_the_source_is_written_as_nbformat_writes_it(name):
    assert SOURCES[name].read_text(encoding="utf-8") == books.dumps(books.read(SOURCES[name]))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SOURCES)
def test_every_cell_gives_its_recorded_output_and_would_be_recorded_alike(name, tmp_path):
    book = books.read(SOURCES[name])
    events, said = running.run(book, tmp_path)
    assert [event["number"] for event in events if not event["ok"]] == [], said
    assert books.dumps(record.recorded(book, events)) == books.dumps(book)


def test_what_is_sanitised_stays_as_it_is_when_sanitised_again():
    patterns = get_sanitize_patterns(PATTERNS.read_text(encoding="utf-8"))
    samples = ["uts:[4026531838]", "cgroup:[1]"]
    once = [_sanitised(text, patterns) for text in samples]
    assert once != samples and [_sanitised(text, patterns) for text in once] == once


def test_every_sanitising_pattern_is_a_pair():
    text = PATTERNS.read_text(encoding="utf-8")
    assert len(get_sanitize_patterns(text)) == text.count("\nregex: ") == text.count("\nreplace: ")


def _sanitised(text, patterns):
    for pattern, replacement in patterns:
        text = re.sub(pattern, replacement, text)
    return text
