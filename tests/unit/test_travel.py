"""What travels between the notebook and an actor, without an actor."""

import os
import types

import pytest

from labcore import errors, syscalls, uts
from labcore.notebook import CLONE_NEWUTS, EPERM, NotRefused, containers, refused, travel
from labcore.notebook.calls import NAMES


def test_plain_values_are_written_as_python_writes_them():
    assert travel.arguments((1, "ä", b"\0", [None])) == ("(1,'ä',b'\\x00',[None],)", [])
    assert travel.arguments(()) == ("()", [])


def test_a_process_travels_as_a_descriptor_of_it():
    class Living:
        pidfd = 7

    assert travel.arguments((Living(), 3, Living())) == ("(__fd__[0],3,__fd__[1],)", [7, 7])


def test_what_cannot_travel_is_refused():
    with pytest.raises(errors.LabError, match="cannot travel"):
        travel.arguments((object(),))


@pytest.mark.parametrize("function, name", [
    (os.getpid, "os.getpid"), (os.makedirs, "os.makedirs"), (syscalls.unshare, "labcore.syscalls.unshare"),
    (NAMES["unshare"], "labcore.syscalls.unshare"), (uts.set_hostname, "labcore.uts.set_hostname"),
    (test_what_cannot_travel_is_refused, None), (len, None),
])  # fmt: skip
def test_what_is_there_anyway_goes_by_name(function, name):
    assert travel.builtin_name(function) == name


@pytest.mark.parametrize("code,words", [(3, "exit status 3"), (-9, "killed by signal 9, SIGKILL")])
def test_an_exit_code_is_put_in_words(code, words):
    assert travel.ending(code) == words


def test_a_containers_code_above_128_is_a_signal():
    assert (travel.spell(137), travel.spell(1)) == ("killed by signal 9, SIGKILL", "exit status 1")


def test_an_error_comes_back_with_its_number_and_the_learners_line():
    told = {"type": "PermissionError", "text": "sethostname('x', 1): Operation not permitted", "errno": 1, "file": None,
            "place": ["<your rename>", 2]}  # fmt: skip
    error = travel.revive(told, "alice", "def rename(name):\n    sethostname(name)\n")
    assert (type(error), error.errno, error.learner) == (PermissionError, EPERM, (2, "sethostname(name)"))
    assert error._render_traceback_()[1] == "  in alice, line 2: sethostname(name)"


def test_a_process_that_has_ended_does_not_travel():
    ended = types.SimpleNamespace(name="guest", pidfd=None)
    with pytest.raises(errors.LabError, match="guest has ended"):
        travel.arguments([7, ended])


def test_a_guarded_call_says_how_to_write_it():
    with pytest.raises(errors.LabError) as caught:
        NAMES["unshare"](CLONE_NEWUTS)
    assert caught.value.hint == "write alice.call(unshare, CLONE_NEWUTS)"


def test_refused_wants_the_number_that_was_named(capsys):
    with refused(EPERM):
        raise PermissionError(EPERM, "no")
    assert capsys.readouterr().out == "refused: no: Operation not permitted (EPERM)\n"
    with pytest.raises(NotRefused, match="nothing was refused") as found, refused(EPERM):
        pass
    assert "Run All Above" in found.value.hint
    with pytest.raises(NotRefused, match="got ENOENT"), refused(EPERM):
        raise FileNotFoundError(2, "none")
    with pytest.raises(KeyboardInterrupt), refused(EPERM):
        raise KeyboardInterrupt


def test_a_container_that_was_never_made_needs_no_launcher():
    assert repr(containers.Container("paper")) == "<container paper, not created>"
    containers.YARD.clear()
