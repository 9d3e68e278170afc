"""check() says what is wrong, whose fault it is, and remembers what passed; keep() believes only that."""

import linecache
import subprocess
import sys
from pathlib import Path

import pytest

import labcore.notebook.checks as checks
from labcore.errors import LabError
from labcore.notebook import checking, source, verdict
from labcore.notebook.checking import NotChecked, NotYet, check, keep


@pytest.fixture(autouse=True)
def sample_checks(monkeypatch):
    monkeypatch.setattr(checks, "__path__", [*checks.__path__, str(Path(__file__).parent / "data" / "checks")])
    monkeypatch.setattr(checking, "PASSED", {})
    monkeypatch.setattr("labcore.notebook.mine.PASSED", checking.PASSED)


def cell(text):
    """Run text as a notebook cell and return its names."""
    name = f"<cell {abs(hash(text))}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    names = {"__name__": "__main__"}
    exec(compile(text, name, "exec"), names)
    return names


def diagnosis(exercise, answer):
    with pytest.raises(NotYet) as caught:
        check(exercise, answer)
    return caught.value


def test_a_right_answer_prints_one_line(capsys):
    check("98.2", lambda n: print("debugging") or 2 * n)
    assert capsys.readouterr().out == "98.2 ok\n"


def test_a_wrong_answer_is_told_as_the_design_shows():
    no = diagnosis("98.2", lambda n: n + 2)
    assert no._render_traceback_() == [
        "98.2 not yet                             [added-two]",
        "  observed  3 became 5",
        "  likely    2 was added",
        "  look at   By hand, step 1",
    ]
    assert str(no).index("[") == checking.COLUMN


def test_the_report_reads_back_what_a_check_said():
    shown = str(diagnosis("98.2", lambda n: n + 2))
    error = {"output_type": "error", "ename": "NotYet", "evalue": shown, "traceback": []}
    assert verdict._diagnosis(None, error) == {
        "slug": "added-two",
        "observed": "3 became 5",
        "likely": "2 was added",
        "look_at": "By hand, step 1",
    }


def test_a_wrong_answer_shows_what_it_printed(capsys):
    diagnosis("98.2", lambda n: print("debugging") or n + 2)
    assert "debugging" in capsys.readouterr().out


@pytest.mark.parametrize("body", ["...", "pass", '"""Doc."""', '"""Doc."""\n    ...', "return", "return None"])
def test_an_untouched_hole_is_known(body):
    assert diagnosis("98.2", cell(f"def f(n):\n    {body}")["f"]).slug == "untouched"


@pytest.mark.parametrize("answer", [None, ...])
def test_no_answer_is_untouched(answer):
    assert diagnosis("98.1", answer).slug == "untouched"


def test_a_function_that_does_something_is_not_untouched():
    assert diagnosis("98.2", cell("def f(n):\n    ...\n    return n")["f"]).slug == "not-doubled"


def test_an_error_in_the_answer_is_shown_with_its_line():
    no = diagnosis("98.2", cell("def g(n):\n    return n + nought\n\ndef f(n):\n    return g(n)")["f"])
    assert no.slug == "raised" and no.at == "line 2: return n + nought"
    assert no.observed == "your code raised NameError: name 'nought' is not defined"


def test_leaving_the_program_is_an_error_in_the_answer():
    assert diagnosis("98.2", cell("def f(n):\n    raise SystemExit(1)")["f"]).slug == "raised"


@pytest.mark.parametrize("answer", ["def f():\n    return 1", "def f(a, b):\n    return 1", "f = 7"])
def test_an_answer_that_cannot_be_called_is_the_learners(answer):
    assert diagnosis("98.2", cell(answer)["f"]).slug == "raised"


def test_an_interrupt_stays_one_and_says_where_the_answer_was():
    answer = cell("def f(n):\n    raise KeyboardInterrupt\n")["f"]
    with pytest.raises(KeyboardInterrupt) as caught:
        check("98.2", answer)
    assert caught.value._render_traceback_() == [
        "98.2 not checked: it was stopped",
        "  at        line 2: raise KeyboardInterrupt",
    ]


def test_a_machine_that_cannot_do_it_is_not_the_learners_fault():
    with pytest.raises(NotChecked, match="user namespaces are switched off") as caught:
        check("98.7", 1)
    assert caught.value._render_traceback_()[-1] == "  this says nothing about your answer"
    assert "sysctl" in str(caught.value)


def test_a_check_that_breaks_is_not_the_learners_fault():
    with pytest.raises(NotChecked, match="98.8 not checked: AttributeError"):
        check("98.8", 1)


@pytest.mark.parametrize("exercise", ["98.9", "97.1", "x", ""])
def test_an_unknown_exercise_is_named(exercise):
    with pytest.raises(LabError, match="there is no such exercise"):
        check(exercise, 1)


def test_importing_the_checks_is_cheap():
    heavy = "nbformat,matplotlib,nbclient,IPython,inspect,ast,re,ctypes,ipywidgets"
    code = (
        "import sys, importlib.util as u, labcore.errors;"
        "import types; p = types.ModuleType('labcore.notebook'); p.__path__ = ['labcore/notebook'];"
        "sys.modules['labcore.notebook'] = p; import labcore.notebook.checking;"
        f"print([n for n in '{heavy}'.split(',') if n in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=root, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stdout + done.stderr


GOOD = "OFFSET = 2\n\ndef twice(n):\n    return OFFSET * n\n\ndef rename(name):\n    return twice(name)\n"


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine" / "uts.set_hostname.py"


def test_a_passed_function_is_kept_with_all_it_names(kept, capsys):
    f = cell(GOOD)["rename"]
    check("98.2", f)
    keep("uts.set_hostname", f)
    assert capsys.readouterr().out.splitlines()[-1] == "kept: mine/uts.set_hostname.py"
    names = {}
    exec(compile(kept.read_text(), "mine", "exec"), names)
    assert names["set_hostname"](4) == 8 and [p.name for p in kept.parent.iterdir()] == [kept.name]


def test_a_function_that_never_passed_is_not_kept(kept):
    with pytest.raises(LabError, match="has not passed"):
        keep("uts.set_hostname", cell(GOOD)["rename"])
    assert not kept.parent.exists()


def test_a_function_changed_after_its_check_is_not_kept(kept):
    names = cell(GOOD)
    check("98.2", names["rename"])
    names["OFFSET"] = 3
    with pytest.raises(LabError, match="has changed since its check"):
        keep("uts.set_hostname", names["rename"])


def test_an_answer_that_failed_later_is_forgotten(kept):
    names = cell(GOOD)
    check("98.2", names["rename"])
    names["OFFSET"] = 3
    diagnosis("98.2", names["rename"])
    with pytest.raises(LabError, match="has not passed"):
        keep("uts.set_hostname", names["rename"])


def test_an_answer_is_kept_only_for_its_own_step(kept):
    f = cell(GOOD)["rename"]
    check("98.2", f)
    with pytest.raises(LabError, match="which is about uts.set_hostname"):
        keep("uts.set_domainname", f)


def test_other_parameters_than_the_steps_are_told(kept):
    f = cell("def rename(host):\n    return 2 * host")["rename"]
    check("98.2", f)
    with pytest.raises(LabError, match=r"takes \(name\), yours has \(host\)\n  hint: .*def rename\(name\):"):
        keep("uts.set_hostname", f)


def test_what_cannot_travel_is_refused_by_name(kept):
    names = cell("def rename(name):\n    return str(name) and alice + name")
    names["alice"] = type("Process", (), {"__add__": lambda self, n: n + n})()
    check("98.2", names["rename"])
    with pytest.raises(LabError, match="rename names alice, a Process"):
        keep("uts.set_hostname", names["rename"])


def test_a_directory_that_cannot_be_written_is_named(kept):
    f = cell(GOOD)["rename"]
    check("98.2", f)
    kept.parent.write_text("a file")
    with pytest.raises(LabError, match="keep uts.set_hostname: mine"):
        keep("uts.set_hostname", f)


def test_what_cannot_travel_to_an_actor_is_the_learners_mistake(monkeypatch):
    def ships(answer):
        source.self_contained(answer)

    monkeypatch.setattr(checking, "find", lambda exercise: ships)
    no = diagnosis("98.2", cell("alice = object()\ndef f(n):\n    return alice")["f"])
    assert no.slug == "cannot-travel" and no.observed.startswith("f names alice, an object") and no.likely


def test_an_error_from_an_actor_is_shown_with_the_line_of_the_cell(monkeypatch):
    def happens_in_an_actor(answer):
        text = source.self_contained(answer).splitlines()
        error = OSError(22, "sethostname('', 65): Invalid argument")
        error.learner = text.index("    return K") + 1, "return K"
        raise error

    monkeypatch.setattr(checking, "find", lambda exercise: happens_in_an_actor)
    no = diagnosis("98.2", cell("K = 1\n# a comment\n\n\ndef f(n):\n    return K")["f"])
    assert no.at == "line 6: return K"
    assert no.observed == "your code raised OSError: sethostname('', 65): Invalid argument"


def test_what_is_kept_can_be_read_back(tmp_path):
    from labcore.notebook.mine import kept as read_back

    assert read_back(tmp_path / "nothing") == {}
    for name in ("uts.set_hostname.py", "notes.py", "uts.set_hostname.py.new"):
        (tmp_path / name).write_text("text of " + name)
    assert read_back(tmp_path) == {"uts.set_hostname": "text of uts.set_hostname.py"}


def test_an_answer_that_prints_without_end_shows_one_page_of_it(capsys):
    with pytest.raises(NotYet):
        check("98.2", lambda n: [print("x" * 99) for _ in range(10_000)])
    said = capsys.readouterr().out
    assert len(said) < 5000 and said.endswith("\n(and more)\n")
