"""The lessons in JupyterLab, in a real Chromium: each runs, its pictures are drawn, and a stepper walks a real plan."""

import glob

import pytest
from playwright.sync_api import expect

from labcore import state
from labcore.notebook import book as books
from tests.browser import notebook

LESSONS = {path.stem: path for path in books.solution_paths()}
pytestmark = pytest.mark.timeout(180)  # about 20 s each on a quiet machine; waiting for other test runs counts, too


def test_a_solved_lesson_runs_and_its_stepper_walks_a_plan(lab):
    page, server = lab
    others, lesson = built("stepped"), books.read(LESSONS["01-uts"])
    notebook.open_notebook(page, server, "solutions/01-uts.ipynb", len(code_cells(lesson)))
    cells = notebook.run_all(page)
    every_cell_ran(cells, lesson)
    assert [cell["text"] for cell in cells if notebook.ERROR in cell["kinds"]] == []
    for exercise, cell in checks(cells, lesson).items():
        assert f"{exercise} ok" in cell["text"]
    every_picture_is_drawn(page, lesson)
    walk(notebook.Stepper(page), others)
    assert page.faults == []


def test_switches_run_a_container_with_a_function_of_ones_own(lab):
    page, server = lab
    lesson = books.read(LESSONS["07-rootfs"])
    notebook.open_notebook(page, server, "solutions/07-rootfs.ipynb", len(code_cells(lesson)))
    notebook.run_all(page)
    switches = page.locator(".jp-Notebook .lab-switches")
    said, run = switches.locator(".lab-switches-said"), switches.locator(".lab-switches-run")
    run.click()
    expect(said).to_contain_text("yours: none")
    expect(said).to_contain_text("switched")
    switches.locator("button", has_text="yours").click()
    run.click()
    expect(said).to_contain_text("yours: rootfs.pivot")
    expect(said).to_contain_text("/bin /dev /etc")
    assert page.faults == []


@pytest.mark.parametrize("name", LESSONS)
def test_the_learners_copy_runs_on_past_checks_that_do_not_pass_yet(lab, name):
    page, server = lab
    lesson = books.read(LESSONS[name])
    notebook.open_notebook(page, server, f"{name}.ipynb", len(code_cells(lesson)))
    cells = notebook.run_all(page)
    every_cell_ran(cells, lesson)
    wrong = [now["text"] for now, cell in zip(cells, code_cells(lesson), strict=True)
             if notebook.ERROR in now["kinds"] and "raises-exception" not in books.tags(cell)]  # fmt: skip
    assert wrong == []
    for exercise, cell in checks(cells, lesson).items():
        assert f"{exercise} not yet" in cell["text"] and "Traceback" not in cell["text"]
    every_picture_is_drawn(page, lesson)
    assert page.faults == []


def code_cells(book):
    """Those that both copies have."""
    return [cell for cell in book["cells"] if books.is_code(cell) and "instructor-only" not in books.tags(cell)]


def every_cell_ran(cells, book):
    """In order, each once."""
    assert [cell["prompt"] for cell in cells] == [f"[{number}]:" for number in range(1, len(code_cells(book)) + 1)]


def checks(cells, book):
    """{exercise: its check cell on the page}."""
    at = {id(cell): now for cell, now in zip(code_cells(book), cells, strict=True)}
    found = {n: at[id(cell)] for n, cell in books.check_cells(book) if books.CHECK_CALL.search(cell["source"])}
    assert found
    return found


def every_picture_is_drawn(page, book):
    """As many as are recorded; with a size, whole, and none as its words only."""
    outputs = [out for cell in book["cells"] for out in cell.get("outputs", ())]
    recorded = [out for out in outputs if "image/svg+xml" in out.get("data", {})]
    drawn = notebook.pictures(page)
    assert len(drawn) == len(recorded)
    for picture in drawn:
        assert picture["natural"] > 0 and picture["width"] > 0 and picture["height"] > 0 and picture["over"] <= 0
    assert "untrusted" not in page.locator(".jp-Notebook").inner_text().lower()


def walk(stepper, others):
    """Step by step until the container has its name, then to the end; Reset and End take everything down."""
    expect(stepper.status).to_contain_text("Press Step")
    assert stepper.sides("host name") == ("host", "–")
    count, said = 0, ""
    while "uts.set_hostname" not in said:
        assert "receipts" not in "".join(stepper.sides("host name")) and count < 200
        count += 1
        said = stepper.step(count)
    expect(stepper.at).to_contain_text("receipts")
    assert stepper.sides("host name") == ("host", "receipts ◂ changed")
    assert built("stepped") - others
    stepper.press("run")
    expect(stepper.status).to_contain_text("Done: ")
    stepper.press("reset")
    expect(stepper.status).to_contain_text("Press Step")
    assert built("stepped") - others == set()
    stepper.step(1)
    assert built("stepped") - others
    stepper.press("end")
    expect(stepper.status).to_contain_text("everything was taken down")
    assert stepper.sides("host name") == ()
    assert built("stepped") - others == set()


def built(name):
    """State directories and cgroups of the containers of this name, in all labs of this machine."""
    tops = [f"{state.root_path()}/.lab-*", "/sys/fs/cgroup/labcore/lab-*", "/sys/fs/cgroup/*/labcore/lab-*"]
    return {path for top in tops for path in glob.glob(f"{top}/{name}")}
