"""Records the references that nbval compares with: nbval writes them itself.

As a pytest plugin (`-p labcore.notebook.record`) it adds to nbval:

    --record             do not compare: nbval's own outputs, sanitised, become the notebook's references
    --cell-events FILE   one JSON line for each cell as it ends: what was observed, how it compared

and always drops PYTEST_CURRENT_TEST around the kernel's start, since a kernel that sees it loses subprocess output.

    python -m labcore.notebook.record           record every lesson again
    python -m labcore.notebook.record 01        record one lesson
"""

import argparse
import copy
import json
import os
import queue
import sys
import tempfile
import time

import pytest

from ..errors import LabError
from . import book as books
from . import guard
from .running import KERNEL_ENDED, run

# jsonschema, which nbval loads, compiles a grammar for addresses in other letters if it can: a whole second for nothing
sys.modules.setdefault("rfc3987_syntax", None)

EVENTS = pytest.StashKey()
KEPT_METADATA = {"tags", "deletable", "editable", "jupyter", "slideshow", "labcore"}


def pytest_addoption(parser):
    """Our options beside nbval's."""
    group = parser.getgroup("labcore", "recording notebooks")
    group.addoption("--record", action="store_true", help="make what nbval sees the notebook's references")
    group.addoption("--cell-events", metavar="FILE", help="append one JSON line for each cell as it ends")


def pytest_configure(config):
    """Start kernels without pytest's mark in their environment, and notice when one ends."""
    from nbval import kernel

    start = kernel.start_new_kernel

    def start_unmarked(**words):
        return start(env={k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}, **words)

    await_reply = kernel.RunningKernel.await_reply

    def await_living_reply(self, msg_id, timeout=60):
        deadline = time.monotonic() + timeout
        while True:
            try:
                return await_reply(self, msg_id, timeout=min(1, timeout))
            except queue.Empty:
                if not self.is_alive():  # nbval would wait for the whole timeout
                    raise RuntimeError(KERNEL_ENDED) from None
                if time.monotonic() > deadline:
                    raise

    kernel.start_new_kernel, kernel.RunningKernel.await_reply = start_unmarked, await_living_reply
    config.add_cleanup(lambda: setattr(kernel, "start_new_kernel", start))
    config.add_cleanup(lambda: setattr(kernel.RunningKernel, "await_reply", await_reply))


def pytest_collection_modifyitems(config, items):
    """While recording there is nothing to compare with."""
    for item in items if config.option.record else ():
        if hasattr(item, "test_outputs"):
            item.options["check"] = False
            item.cell.outputs = []


def pytest_runtest_makereport(item, call):
    """After each cell: append what happened to the events."""
    if call.when == "call" and hasattr(item, "test_outputs"):
        seen = event(item, call)
        item.config.stash.setdefault(EVENTS, []).append(seen)
        if item.config.option.cell_events:
            with open(item.config.option.cell_events, "a", encoding="utf-8") as file:
                file.write(json.dumps(seen) + "\n")


def pytest_sessionfinish(session, exitstatus):
    """With --record: write the notebooks back, unless a cell failed."""
    if session.config.option.record and exitstatus == 0:
        for path in {item.path for item in session.items if hasattr(item, "test_outputs")}:
            seen = [e for e in session.config.stash.get(EVENTS, []) if e["file"] == str(path)]
            books.write(path, recorded(books.read(path), seen))


def event(item, call):
    """One cell's outcome, as plain data."""
    error = call.excinfo and call.excinfo.value
    outputs = item.sanitize_outputs(item.test_outputs or [])
    for output in outputs:
        if "traceback" in output:
            output["traceback"] = [item.sanitize(line) for line in output["traceback"]]
    return {
        "file": str(item.path),
        "number": item.cell_num,
        "ok": error is None or type(error).__name__ == "Skipped",
        "ran": item.test_outputs is not None,
        "message": str(error or ""),
        "detail": getattr(error, "inner_traceback", None) or "",
        "outputs": outputs,
    }


def recorded(book, events):
    """A notebook with these events as its references: counts 1..n, normal metadata, nothing that varies."""
    book = copy.deepcopy(book)
    code = [cell for cell in book["cells"] if books.is_code(cell)]
    count = 0
    for cell, seen in zip(code, events, strict=True):
        live = "live" in books.tags(cell) or not seen["ran"]
        count += not live
        cell["execution_count"] = None if live else count
        kept = cell["outputs"] if "nbval-ignore-output" in books.tags(cell) else []  # an example; clear it to renew it
        cell["outputs"] = [] if live else [_reference(output, count) for output in kept or seen["outputs"]]
    for cell in book["cells"]:
        cell["metadata"] = {k: v for k, v in cell["metadata"].items() if k in KEPT_METADATA}
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    ours = {k: v for k, v in book["metadata"].items() if k == "labcore"}
    book["metadata"] = {"kernelspec": python, "language_info": {"name": "python"}, **ours}
    book["nbformat"], book["nbformat_minor"] = 4, 5
    return book


def _reference(output, count):
    if output["output_type"] == "execute_result":
        return {**output, "execution_count": count}
    if output["output_type"] == "error":
        shown = "\n".join(output["traceback"])
        if "\x1b[" in shown or "Traceback" in shown or 'File "' in shown:
            # Python's own traceback: colours, paths and line numbers of this machine
            shown = f"{output['ename']}: {output['evalue']}"
        return {**output, "traceback": shown.splitlines()}
    return output


def record(source, tell=print):
    """Record one source notebook again; True if its file changed."""
    book = books.read(source)
    with tempfile.TemporaryDirectory(prefix="lab-record-") as directory:
        events, said = run(book, directory, "--record")
    failed = [e for e in events if not e["ok"]]
    code = [cell for cell in book["cells"] if books.is_code(cell)]
    if failed or len(events) != len(code):
        tell(said)
        where = books.first_line(code[failed[0]["number"]]) if failed else "its last cells"
        raise LabError(f"{source.name}: not recorded: {where!r} failed")
    fresh = recorded(book, events)
    guard.demand_sound(fresh, source.name)
    changed = books.dumps(fresh) != source.read_text(encoding="utf-8")
    if changed:
        books.write(source, fresh)
    tell(f"{source.name}: {'recorded' if changed else 'unchanged'}")
    return changed


def main(arguments=None):
    """Record lessons again; returns the exit code."""
    words = argparse.ArgumentParser(prog="python -m labcore.notebook.record", description=__doc__,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    words.add_argument("lesson", nargs="*", help="01 or 01-uts; all of them if left out")
    chosen = words.parse_args(arguments).lesson
    try:
        for source in [books.find_lesson(word) for word in chosen] or books.solution_paths():
            record(source)
    except LabError as error:
        print(f"labcore: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
