"""Facts for views.root: the mounts that make up a process's `/`, and what of the host's tree is still in reach."""

import ast
import importlib
import inspect
import marshal

from .. import syscalls
from .process import Process

SURVEY = inspect.getsource(importlib.import_module("labcore.notebook.rooted"))
CODE = marshal.dumps(compile(SURVEY, "<survey>", "exec")).decode("latin-1")


def facts(process):
    """What views.root draws of one process; nothing in it varies from run to run."""
    seen = survey(process)
    hosts = set(seen["hosts"])
    devices = {device for _, _, device, _, _ in hosts}
    base = next(((of, device) for where, of, device, _, _ in seen["hosts"] if where == "/"), None)
    rows, old = [], None
    for where, of, device, kind, mode in seen["mounts"]:
        at_home = (where, of, device, kind, mode) in hosts
        if (of, device) == base and not seen["host"]:
            old = "on its /" if where == "/" else f"at {where}"
        elif not at_home:
            rows.append((where, "from the host" if device in devices else f"new {kind}", mode))
    return {
        "name": process.name, "kind": kind_of(seen, old), "path": seen["path"], "mounts": rows, "old": old,
        "cwd": seen["cwd"], "open": seen["open"], "proc": proc_of(seen, rows),
    }  # fmt: skip


def kind_of(seen, old):
    """`host`: nothing changed; `chroot`: a directory below its mount namespace's root; `own`: that root itself."""
    if seen["host"]:
        return "host"
    return "chroot" if seen["changed"] and old is None else "own"


def proc_of(seen, rows):
    """Whose processes /proc shows: the host's, its own, or None where no /proc is mounted."""
    if seen["host"]:
        return "host"
    origin = next((origin for where, origin, _ in reversed(rows) if where == "/proc"), None)
    return origin and ("host" if origin == "from the host" else "own")


def survey(process):
    """Sent for by two whom nobody sees: one goes to the root of that mount namespace, the other looks — setns(2)."""
    scout, eye = Process(".scout"), Process(".surveyor")
    try:
        scout.call(syscalls.setns, process, syscalls.CLONE_NEWNS)
        words = {"code": CODE, "name": "survey", "args": f"({process.pid},{scout.pid})"}
        return ast.literal_eval(eye._ask("call", words)[0]["value"])
    finally:
        scout.end()
        eye.end()
