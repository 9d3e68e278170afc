"""A function travels with what it names, and nothing travels by accident."""

import errno
import functools
import linecache
import os
import socket

import pytest

from labcore import syscalls
from labcore.notebook.source import CannotShip, pieces, self_contained, typed_at


def cell(text, **names):
    """Names of a cell that was run, as in a notebook."""
    file = f"<cell {abs(hash(text))}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    names = {"__name__": "__main__", **names}
    exec(compile(text, file, "exec"), names)
    return names


def travel(function, name=None):
    """What arrives: the function, compiled elsewhere with only the names of labcore.syscalls about it."""
    names = {n: v for n, v in vars(syscalls).items() if not n.startswith("_")}
    exec(compile(self_contained(function, name), "elsewhere", "exec"), names)
    return names[name or function.__name__]


def test_a_function_arrives_with_helpers_and_constants():
    text = "BASE = 10\nTABLE = {'a': (1, b'x', None)}\n"
    text += "def g(n):\n    return n + BASE\ndef f(n, *, k=BASE):\n    return g(n) + k, TABLE"
    assert travel(cell(text)["f"])(1) == (21, {"a": (1, b"x", None)})


def test_open_travels_although_ipython_has_wrapped_it(tmp_path):
    (tmp_path / "a").write_text("lamp")
    wrapper = functools.wraps(open)(lambda *args, **named: open(*args, **named))
    f = cell("def f(path):\n    with open(path) as file:\n        return file.read()", open=wrapper)["f"]
    assert "IPython" not in self_contained(f) and travel(f)(tmp_path / "a") == "lamp"


def test_functions_that_name_each_other_arrive():
    text = "def even(n):\n    return n == 0 or odd(n - 1)\ndef odd(n):\n    return n != 0 and even(n - 1)"
    assert travel(cell(text)["even"])(6) is True


def test_a_recursive_function_arrives_once():
    text = self_contained(cell("def f(n):\n    return n and f(n - 1)")["f"])
    assert text.count("def f") == 1


def test_names_used_only_in_inner_code_are_found():
    text = "K = 3\ndef f(n):\n    return [x * K for x in range(n)], (lambda: K)()"
    assert travel(cell(text)["f"])(2) == ([0, 3], 3)


def test_comments_and_lines_stay_as_they_were_typed():
    text = "def f(n):\n    # twice\n    return 2 * n"
    assert self_contained(cell("x = 1\n\n" + text)["f"]) == text + "\n"


def test_a_function_arrives_under_the_name_of_a_step():
    assert travel(cell("def rename(name):\n    return name")["rename"], "set_hostname")("a") == "a"


def test_two_things_of_one_name_are_refused():
    names = cell("def set_hostname(n):\n    return n\ndef rename(name):\n    return set_hostname(name)")
    with pytest.raises(CannotShip, match="another thing set_hostname"):
        self_contained(names["rename"], "set_hostname")


def test_system_calls_need_no_shipping():
    names = cell(
        "def f():\n    return unshare, CLONE_NEWUTS", unshare=syscalls.unshare, CLONE_NEWUTS=syscalls.CLONE_NEWUTS
    )
    assert self_contained(names["f"]).startswith("def f") and travel(names["f"])()[0] is syscalls.unshare


def test_the_notebooks_guarded_system_call_needs_no_shipping():
    def unshare(flags):
        raise AssertionError("this would move the notebook itself")

    unshare.__module__ = "labcore.notebook"
    assert travel(cell("def f():\n    return unshare", unshare=unshare)["f"])() is syscalls.unshare


def test_a_learners_own_function_of_a_system_calls_name_is_theirs():
    assert travel(cell("def unshare(n):\n    return n\ndef f():\n    return unshare(7)")["f"])() == 7


def test_a_constant_with_another_value_than_the_kernels_travels():
    assert travel(cell("CLONE_NEWUTS = 1\ndef f():\n    return CLONE_NEWUTS")["f"])() == 1


def test_modules_that_are_loaded_everywhere_travel():
    names = cell("def f():\n    return os.getpid(), err.EPERM", os=os, err=errno)
    assert travel(names["f"])() == (os.getpid(), 1)


def test_pieces_know_where_they_were_typed():
    part = pieces(cell("\n\ndef f():\n    return 1")["f"])[-1]
    assert part.line == 3 and part.file.startswith("<cell") and part.name == "f"


REFUSED = {
    "a process": ("def f():\n    return alice", {"alice": object()}, "f names alice, an object"),
    "a module": ("def f():\n    return socket", {"socket": socket}, "f names socket, the module socket"),
    "a class": ("class C: pass\ndef f():\n    return C", {}, "f names C, a class"),
    "a helper's process": (
        "def g():\n    return alice\ndef f():\n    return g()",
        {"alice": object()},
        "g names alice",
    ),
    "a list of them": ("def f():\n    return them", {"them": [object()]}, "f names them, a list"),
    "infinity": ("def f():\n    return big", {"big": float("inf")}, "f names big"),
    "labcore's own": ("def f():\n    return mine", {"mine": self_contained}, "f names mine, a function of labcore"),
    "an alias": ("def g(): pass\nh = g\ndef f():\n    return h()", {}, "another name of g"),
    "an unknown name": ("def f():\n    return nought", {}, "nought, which is not defined"),
    "a global": ("N = 1\ndef f():\n    global N\n    N = 2", {}, "changes the global N"),
    "an import": ("def f():\n    import socket", {}, "f imports socket"),
    "an inner class": ("def f():\n    class C: pass", {}, "defines a class"),
    "a closure": (
        "def make():\n    k = 1\n    def f():\n        return k\n    return f\nf = make()",
        {},
        "f uses k of",
    ),
    "a lambda": ("f = lambda: 1", {}, "not written as a plain def"),
    "a decorated": ("import functools\n@functools.cache\ndef f():\n    return 1", {}, "decorated"),
    "a built-in": ("f = len", {}, "only a plain function"),
    "a value": ("f = 7", {}, "only a plain function"),
    "a notebook line": ("def f():\n    get_ipython().system('ls')", {"get_ipython": object()}, "the notebook itself"),
    "an annotation": ("P = object()\ndef f(x: P):\n    return x", {}, "P, an object"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_travel_is_refused_by_name(name):
    text, names, said = REFUSED[name]
    with pytest.raises(CannotShip, match=said):
        self_contained(cell(text, **names)["f"])


def test_a_function_without_source_is_refused():
    names = {}
    exec("def f():\n    return 1", names)
    with pytest.raises(CannotShip, match="source is not known"):
        self_contained(names["f"])


def test_a_line_that_travelled_is_found_in_its_cell():
    names = cell("K = 1\n\ndef g(n):\n    return n + K\n\n\n\ndef f(n):\n    # so\n    return g(n)")
    text = self_contained(names["f"]).splitlines()
    for line, typed in (("    return n + K", 4), ("    return g(n)", 10)):
        assert typed_at(names["f"], text.index(line) + 1) == typed
