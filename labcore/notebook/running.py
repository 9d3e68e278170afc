"""Runs one notebook under nbval, in a directory of its own, and reports each cell as it ends."""

import copy
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from ..errors import LabError
from . import book as books

CELL_TIMEOUT_S = 60
KERNEL_ENDED = "the kernel ended"


def run(book, directory, *flags, on_cell=None):
    """Run a notebook under nbval in `directory`; returns (its events, nbval's text)."""
    target = Path(directory, "notebooks", "lesson.ipynb")  # nbval starts the kernel in this directory
    target.parent.mkdir()
    plain = copy.deepcopy(book)
    for cell in plain["cells"]:
        cell.pop("origin", None)
    books.write(target, plain)
    events = Path(directory, ".events")
    events.touch()
    with open(Path(directory, ".nbval"), "w+", encoding="utf-8") as text:
        child = subprocess.Popen(
            _command(target, events, flags),
            cwd=directory,
            env=_environment(directory),
            stdin=subprocess.DEVNULL,
            stdout=text,
            stderr=text,
            start_new_session=True,  # Ctrl-C reaches pytest once, from _end, and not in its clearing up
        )
        try:
            _follow(child, events, on_cell)
        finally:
            _end(child)
        text.seek(0)
        said = text.read()
    seen = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    if not seen and any(books.is_code(cell) for cell in book["cells"]):
        raise LabError("nbval did not run", hint=said.strip().splitlines()[-1] if said.strip() else None)
    return seen, said


def _command(target, events, flags):
    settings = target.parents[1] / "pytest.ini"
    settings.write_text("[pytest]\n")  # nothing of the caller's settings or conftest may leak in
    patterns = books.notebooks_dir() / "sanitize.cfg"
    sanitize = [f"--nbval-sanitize-with={patterns}"] if patterns.exists() else []
    return [sys.executable, "-m", "pytest", "-c", str(settings), "--rootdir", str(target.parent), "--noconftest",
            "-p", "labcore.notebook.record", "-p", "no:cacheprovider", "--color=no", "-q", "--nbval",
            "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT_S}", f"--cell-events={events}",
            *sanitize, *flags, str(target)]  # fmt: skip


def _environment(directory):
    """The caller's, without pytest's marks, IPython start-up files, or files written in the home directory."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    paths = [str(books.ROOT), *filter(None, [ours.get("PYTHONPATH")])]
    homes = {"IPYTHONDIR": f"{directory}/.ipython", "JUPYTER_RUNTIME_DIR": f"{directory}/.jupyter"}
    return ours | homes | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}


def _end(child):
    """As Ctrl-C would: pytest then ends its kernel, and the kernel its actors."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _follow(child, events, on_cell):
    """Tell `on_cell` of each cell as it ends, until the child is done."""
    told, done = 0, False
    while not done:
        try:
            child.wait(0.2)
            done = True
        except subprocess.TimeoutExpired:
            pass
        ended = events.read_text(encoding="utf-8").count("\n")
        for number in range(told, ended if on_cell else 0):
            on_cell(number + 1)
        told = ended
