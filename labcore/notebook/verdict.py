"""What a graded run says: a verdict for each exercise, and the lesson cells that came out otherwise.

Verdicts: ok, not yet (with the check's diagnosis), missing, not run (the run ended before its check), not checked (the
machine's fault).
"""

import re
from pathlib import Path

from . import book as books
from . import running

ROW = re.compile(r"^  (observed|at|likely|look at) +(.*)$", re.MULTILINE)
SLUG = re.compile(r"^\S+ not yet +\[(\S+)\]", re.MULTILINE)


def verdicts(merged, events, found, notes):
    """The report of a run: one verdict for each exercise, and the lesson cells that differ."""
    code = [cell for cell in merged["cells"] if books.is_code(cell)]
    seen = {id(cell): event for cell, event in zip(code, events, strict=False)}
    stopped = next((cell for cell in code if not _ran(seen.get(id(cell)))), None)
    notes = list(notes)
    if stopped is not None:
        notes.append(f"the run ended early, in the cell {books.first_line(stopped)!r}")
    cells = books.exercises(merged)
    checks = {n: cell for n, cell in books.check_cells(merged) if books.CHECK_CALL.search(cell["source"])}
    rows = [_row(n, how, seen.get(id(cells[n])), seen.get(id(checks[n]))) for n, how in found.items()]
    ours = [cell for cell in code if cell["origin"] != "added"]
    lesson = [_difference(number, cell, seen.get(id(cell))) for number, cell in enumerate(ours, 1)]
    lesson = [difference for difference in lesson if difference]
    for cell in code:
        if cell["origin"] == "added" and (error := _error(seen.get(id(cell)))):
            notes.append(f"your own cell {books.first_line(cell)!r} raised {error['ename']}")
    ok = all(row["verdict"] == "ok" for row in rows) and not lesson and stopped is None
    return {"ok": ok, "exercises": rows, "lesson_cells": lesson, "notes": notes}


def _ran(event):
    return event is not None and (event["ran"] or event["ok"])


def _error(event):
    return next((out for out in (event or {}).get("outputs", ()) if out["output_type"] == "error"), None)


def _row(number, how, answered, checked):
    """One exercise: its verdict, and a diagnosis if it is not solved."""
    row = {"exercise": number, "verdict": "not yet", "slug": "", "observed": "", "at": "", "likely": "", "look_at": ""}
    if how == "missing":
        return row | {"verdict": "missing"}
    if any(running.KERNEL_ENDED in (e or {}).get("message", "") for e in (answered, checked)):
        return row | {"slug": "kernel-ended", "observed": "the notebook's own Python ended while this ran"}
    if not _ran(checked):
        return row | {"verdict": "not run", "observed": "the run ended before its check"}
    slow = next((e for e in (answered, checked) if (err := _error(e)) and err["ename"] == "KeyboardInterrupt"), None)
    if slow or "Timeout" in checked["message"]:
        return row | {"slug": "timeout", "observed": f"it ran for {running.CELL_TIMEOUT_S} s and was stopped"}
    error = _error(checked)
    if checked["ok"] and not error:
        return row | {"verdict": "ok"}
    return row | _diagnosis(answered, error)


def _diagnosis(answered, error):
    """What stands in the check's error; or, if the exercise cell itself failed, in that cell's."""
    if error and error["ename"] == "NotYet":
        rows = {name.replace(" ", "_"): text for name, text in ROW.findall(error["evalue"])}
        return {"slug": SLUG.search(error["evalue"])[1], **rows}
    if error and error["ename"] in ("NotChecked", "HostError"):
        return {"verdict": "not checked", "observed": error["evalue"]}
    own = _error(answered)
    if own or error:
        raised = own or error
        whose = "the exercise cell" if own else "the check cell"
        text = f"{whose} raised {raised['ename']}: {raised['evalue']}".replace("\n", " ")
        return {"slug": "raised", "observed": text, "at": _line(raised)}
    return {"slug": "other-output", "observed": "the check printed something else than usual"}


def _line(error):
    """The line a traceback of IPython points at, in the learner's cell."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error["traceback"]))
    found = re.findall(r"^-+> *(\d+) (.*)$", text, re.MULTILINE)
    return f"line {found[-1][0]}: {found[-1][1].strip()}" if found else ""


def _difference(number, cell, event):
    """A lesson cell whose output is not our reference, or None."""
    if cell["origin"] == "exercise" or "check" in books.tags(cell) or not _ran(event) or event["ok"]:
        return None
    error = _error(event)
    if error and "raises-exception" not in books.tags(cell):
        why = f"it raised {error['ename']}: {error['evalue']}".replace("\n", " ")
    else:
        why = _first_change(_text(cell["outputs"]), _text(event["outputs"])) or event["message"]
    return {"cell": number, "first_line": books.first_line(cell), "why": why}


def _text(outputs):
    parts = [o.get("text") or o.get("evalue") or o.get("data", {}).get("text/plain", "") for o in outputs]
    return "\n".join(part.rstrip("\n") for part in parts).splitlines()


def _first_change(wanted, got):
    for number in range(max(len(wanted), len(got))):
        pair = [lines[number] if number < len(lines) else "(nothing)" for lines in (wanted, got)]
        if pair[0] != pair[1]:
            return f"expected {pair[0]!r}, got {pair[1]!r}"
    return ""


def lines(report):
    """The report as a short list a learner can read."""
    rows = report["exercises"]
    place = "" if Path(report["file"]).stem == report["lesson"] else f" in {report['file']}"
    yield f"{report['lesson']}{place}: {sum(r['verdict'] == 'ok' for r in rows)} of {len(rows)} exercises ok"
    for row in rows:
        head = f"  {row['exercise']:<5} {row['verdict']}"
        yield f"{head:<41}[{row['slug']}]" if row["slug"] else head
        if row["verdict"] == "missing":
            yield f"        put it back: labcore restore {report['lesson'][:2]} {row['exercise']} {report['file']}"
        for name in ("observed", "at", "likely", "look_at"):
            for first, text in enumerate(row[name].splitlines()):
                yield f"        {'' if first else name.replace('_', ' '):<9} {text.strip()}"
    for cell in report["lesson_cells"]:
        yield f"  lesson cell {cell['cell']} differs: {cell['first_line']}"
        yield f"        {cell['why']}"
    for note in report["notes"]:
        yield f"  note: {note}"
