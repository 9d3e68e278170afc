"""Each test gets a JupyterLab and a browser of its own, both gone afterwards, with a fresh copy of the lesson."""

import pathlib
import tempfile

import pytest

from labcore.notebook import book as books
from labcore.notebook import holes
from tests.browser import chromium, jupyter


@pytest.fixture
def lab(leaves_no_trace, tmp_path):
    """A page, and the server it belongs to, on copies of the lessons: nobody's own work is opened or changed."""
    chromium.path()
    notebooks = tmp_path / "notebooks"
    (notebooks / "solutions").mkdir(parents=True)
    for source in books.solution_paths():
        lesson = books.read(source)
        books.write(notebooks / "solutions" / source.name, lesson)
        books.write(notebooks / source.name, holes.learner_copy(lesson))
    with tempfile.TemporaryDirectory(prefix="browser-") as name:
        directory = pathlib.Path(name)
        with jupyter.serve(directory, notebooks) as server, chromium.browse(directory / "b", server.address) as page:
            yield page, server


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """A test that fails says where a picture of its notebook is."""
    given = pyfuncitem.funcargs
    if "lab" not in given:
        return (yield)
    with chromium.picture_on_failure(given["lab"][0], given["tmp_path"] / "failed.png"):
        return (yield)
