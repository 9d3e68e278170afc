"""A function's source, together with the functions and plain constants it names, as one text that stands alone.

The text is compiled elsewhere (in an actor, or by the runtime's helper), where the public names of labcore.syscalls are
about it: those need no shipping. What cannot travel (a living process, a class, another module) is refused by name.
"""

import ast
import builtins
import dis
import importlib
import inspect
import linecache
import textwrap
from typing import NamedTuple

from ..errors import LabError

PLAIN = (int, str, bytes, float, bool, type(None), type(...))
ROWS = (tuple, list, dict, set, frozenset)
MODULES = ("os", "sys", "errno")  # already loaded wherever the text is compiled: no import there reads a file


class CannotShip(LabError):
    """A name in a function stands for something that cannot travel to another process."""


class Piece(NamedTuple):
    """One function or constant: its text, and the file and line it stands in (0 for a constant)."""

    name: str
    text: str
    file: str = ""
    line: int = 0


def self_contained(function, name=None):
    """One text that defines `function` and all it names; under `name` too, if that is another."""
    parts = pieces(function)
    text = "\n\n".join(part.text.strip("\n") for part in parts if not part.line)
    text += "\n\n\n" * bool(text) + "\n\n\n".join(part.text.strip("\n") for part in parts if part.line)
    if name and name != function.__name__:
        if any(part.name == name for part in parts):
            raise CannotShip(f"{function.__name__}: also names another thing {name}", hint="give that one another name")
        text += f"\n\n\n{name} = {function.__name__}"
    return text.strip("\n") + "\n"


def typed_at(function, number):
    """The line of a notebook cell in which line `number` of the text of self_contained(function) was typed."""
    whole = self_contained(function)
    for part in pieces(function):
        text = part.text.strip("\n")
        first = whole[: whole.index(text)].count("\n") + 1
        if part.line and first <= number < first + len(text.splitlines()):
            return part.line + number - first
    return number


def pieces(function):
    """The pieces of a function, what is used before what uses it, the function itself last."""
    found = {}
    _collect(function, getattr(function, "__name__", "the answer"), found, [])
    return list(found.values())


def _collect(function, name, found, above):
    text = _text(function, name)
    found_above = [*above, name]
    for used in sorted(_names(function, name, text)):
        if used not in found and used not in found_above:
            _collect_name(used, function.__globals__, name, found, found_above)
    found[name] = Piece(name, text, function.__code__.co_filename, function.__code__.co_firstlineno)


def _collect_name(used, names, user, found, above):
    if used not in names:
        if not hasattr(builtins, used) and not _given(used):
            raise CannotShip(f"{user} names {used}, which is not defined anywhere")
        return
    value = names[used]
    if _given(used, value) or _stands_for_builtin(used, value):
        return
    if inspect.isfunction(value) and not (value.__module__ or "").startswith("labcore."):
        if value.__name__ != used:
            raise CannotShip(f"{user} names {used}, another name of {value.__name__}", hint=f"write {value.__name__}")
        _collect(value, used, found, above)
    elif inspect.ismodule(value) and value.__name__ in MODULES:
        found[used] = Piece(used, f"import {value.__name__}" + (f" as {used}" if used != value.__name__ else ""))
    elif _is_plain(value):
        found[used] = Piece(used, f"{used} = {value!r}")
    else:
        raise CannotShip(
            f"{user} names {used}, {_kind(used, value)}: it cannot travel to another process", hint=_advice(value)
        )


def _given(name, value=None):
    """Is this a public name of labcore.syscalls, or the notebook's guarded twin of one?"""
    calls = importlib.import_module("labcore.syscalls")
    if name.startswith("_") or not hasattr(calls, name):
        return False
    there = getattr(calls, name)
    ours = (getattr(value, "__module__", None) or "").startswith("labcore.")
    return value is None or value is there or ours or (_is_plain(value) and value == there)


def _stands_for_builtin(name, value):
    """IPython puts a wrapper of its own in place of open(); where the text runs there is the real one."""
    return hasattr(builtins, name) and getattr(value, "__wrapped__", None) is getattr(builtins, name)


def _is_plain(value):
    if type(value) is dict:
        return all(_is_plain(part) for pair in value.items() for part in pair)
    if type(value) is float:
        return abs(value) < float("inf")  # inf and nan have no literal
    return type(value) in PLAIN or type(value) in ROWS and all(_is_plain(part) for part in value)


def _kind(name, value):
    if name == "get_ipython":
        return "the notebook itself (a ! or % line)"
    if inspect.ismodule(value):
        return f"the module {value.__name__}"
    if inspect.isclass(value):
        return "a class"
    if inspect.isfunction(value):
        return "a function of labcore's own"
    return _a(type(value))


def _a(kind):
    return f"{'an' if kind.__name__[0] in 'aeiou' else 'a'} {kind.__name__}"


def _advice(value):
    if inspect.ismodule(value):
        return "use the calls of labcore.syscalls, or os"
    return "pass it as a parameter, or name only functions and plain constants"


def _text(function, name):
    """The source of one plain function, as it was typed."""
    if not inspect.isfunction(function) or hasattr(function, "__wrapped__"):
        kind = "decorated" if hasattr(function, "__wrapped__") else _a(type(function))
        raise CannotShip(f"{name} is {kind}: only a plain function can travel")
    if function.__code__.co_freevars:
        raise CannotShip(f"{name} uses {', '.join(function.__code__.co_freevars)} of the function around it",
                         hint="define it at the left margin, and pass what it needs")  # fmt: skip
    linecache.checkcache(function.__code__.co_filename)
    try:
        text = textwrap.dedent(inspect.getsource(function))
        tree = ast.parse(text).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        raise CannotShip(f"{name}: its source is not known", hint="write it with def, in a cell of its own") from None
    if not isinstance(tree, ast.FunctionDef) or tree.decorator_list or tree.name != name:
        raise CannotShip(f"{name} is not written as a plain def: only that can travel", hint=f"write def {name}(...):")
    return text


def _names(function, name, text):
    """The global names a function uses: in its body, its defaults and its annotations."""
    tree = ast.parse(text).body[0]
    outside = [tree.returns, *ast.walk(tree.args)]
    used = {n.id for part in outside if part for n in ast.walk(part) if isinstance(n, ast.Name)}
    for instruction in _instructions(function.__code__):
        if instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            raise CannotShip(f"{name} changes the global {instruction.argval}: that would change nothing elsewhere")
        if instruction.opname == "LOAD_GLOBAL":
            used.add(instruction.argval)
        if instruction.opname == "IMPORT_NAME" and instruction.argval not in MODULES:
            raise CannotShip(f"{name} imports {instruction.argval}: where it runs nothing may be loaded",
                             hint=f"without loading anything there are: {' '.join(MODULES)}")  # fmt: skip
        if instruction.opname == "LOAD_BUILD_CLASS":
            raise CannotShip(f"{name} defines a class: only functions and plain constants can travel")
    return used


def _instructions(code):
    yield from dis.get_instructions(code)
    for inner in code.co_consts:
        if inspect.iscode(inner):
            yield from _instructions(inner)
