"""What travels between the notebook and an actor: functions and values there, values and errors back."""

import ast
import builtins
import inspect
import linecache
import signal
import sys

from .. import errors


class CommandFailed(errors.LabError):
    """A command ended with another exit status than 0."""


def show(data):
    """Print what an actor printed."""
    sys.stdout.write(data.decode("utf-8", "replace"))
    sys.stdout.flush()


def builtin_name(function):
    """`labcore.syscalls.unshare` or `os.getpid` for what is there anyway, None for what must be shipped."""
    name, module = getattr(function, "__name__", ""), getattr(function, "__module__", "") or ""
    if module in ("posix", "os"):
        return f"os.{name}"
    if inspect.isfunction(function) and module.startswith("labcore.") and not module.startswith("labcore.notebook."):
        return f"{module}.{name}"
    return getattr(function, "actual", None)  # a guarded system call


def arguments(args):
    """Values as text that the actor evaluates; a Process becomes a descriptor of it."""
    fds, words = [], []
    for value in args:
        if hasattr(value, "pidfd"):
            if value.pidfd is None:
                raise errors.LabError(f"{value.name} has ended", "make it again, as it was made before")
            words.append(f"__fd__[{len(fds)}]")
            fds.append(value.pidfd)
        else:
            text = repr(value)
            try:
                ast.literal_eval(text)
            except (ValueError, SyntaxError):
                raise errors.LabError(f"{text[:40]}: cannot travel to another process",
                                      "give numbers, text, lists of them, or a Process") from None  # fmt: skip
            words.append(text)
    return f"({''.join(f'{w},' for w in words)})", fds


def revive(e, name, text):
    """The error that happened in an actor, raised here without a traceback of ours."""
    kind = getattr(builtins, e["type"], None)
    if e["text"] == "FIRST_CHILD":
        words = f"{name}: the next child would be PID 1 of the new PID namespace, and a command ends at once"
        return errors.LabError(words, f'make a child that stays: box = {name}.fork("box"), then box.sh(...)')
    if e["errno"] is not None:
        error = OSError(e["errno"], e["text"], e["file"]) if e.get("file") else OSError(e["errno"], e["text"])
    elif e["type"] == "KeyboardInterrupt":
        error = KeyboardInterrupt()
    elif isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, UnicodeError):
        error = kind(e["text"])
    else:
        error = errors.LabError(f"{e['type']}: {e['text']}")
    lines = [f"{type(error).__name__}: {error}".removesuffix(": ")]
    if e.get("place"):
        file, number = e["place"]
        lines_there = text.splitlines() or linecache.getlines(file)
        line = (lines_there[number - 1 : number] or [""])[0].strip()
        error.learner = number, line
        lines.append(f"  in {name}, line {number}: {line}")
    error._render_traceback_ = lambda: lines
    return error


def ending(code):
    """An exit code in words."""
    if code >= 0:
        return f"exit status {code}"
    return f"killed by signal {-code}, {signal.Signals(-code).name}"


def sources(mine):
    """{address: source} for functions that take the place of steps."""
    if not mine:
        return None
    from . import source

    return {a: f if isinstance(f, str) else source.self_contained(f, a.rpartition(".")[2]) for a, f in mine.items()}


def checked(answer):
    """The answer, unless it is an error."""
    e = answer.get("error")
    if e is None:
        return answer
    kind = getattr(errors, e["type"], errors.LabError)
    simple = isinstance(kind, type) and kind not in (errors.StepFailed, errors.Interrupted, errors.CannotExecute)
    error = (kind if simple else errors.LabError)(e["text"], e["hint"])
    error.errno, error.step = e.get("errno"), e.get("step")
    raise error


def spell(code):
    """An exit status in words; above 128 a signal, as shells have it."""
    return ending(128 - code if 128 < code <= 192 else code)
