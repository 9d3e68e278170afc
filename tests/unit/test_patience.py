"""A check that asks an actor to use an answer comes back, whatever the answer does."""

import threading
import types

import pytest

from labcore.errors import LabError
from labcore.notebook import checking, patience


class Actor:
    """One that has a descriptor until it is ended; nobody knows the number."""

    def __init__(self, act):
        self.pidfd, self.over, self.act = 99_999, threading.Event(), act

    def call(self, function, *args):
        return self.act(self, function, *args)


@pytest.fixture(autouse=True)
def killed(monkeypatch):
    """Who has been killed; nobody waits long."""
    found = []
    launcher = types.SimpleNamespace(killed=found, signal=lambda *who: found.append(who))
    monkeypatch.setattr(patience, "PATIENCE_S", 0.05)
    monkeypatch.setattr(patience.link, "here", lambda: launcher)
    return found


def test_what_the_function_returns_comes_back(killed):
    assert patience.use(Actor(lambda self, function, *args: function(*args)), max, 3, 4) == 4
    assert killed == []


def hang(self, function):
    """Come back only when somebody was killed."""
    while not patience.link.here().killed:
        self.over.wait(0.01)
    self.pidfd = None
    raise LabError("checked-x has ended")


def test_one_that_does_not_come_back_is_ended_and_that_is_a_diagnosis(killed):
    with pytest.raises(checking.NotYet) as found:
        patience.use(Actor(hang), max)
    assert found.value.slug == "no-end" and killed[0][0] == 99_999


def test_a_check_that_has_actors_at_work_itself_is_as_patient(killed):
    slow, other = Actor(hang), Actor(None)
    with pytest.raises(checking.NotYet) as found, patience.patient(other, slow):
        slow.call(max)
    assert found.value.slug == "no-end" and len(killed) == 2


def test_one_that_ends_by_itself_is_another_diagnosis(killed):
    def end(self, function):
        self.pidfd = None
        raise LabError("checked-x has ended")

    with pytest.raises(checking.NotYet) as found:
        patience.use(Actor(end), max)
    assert found.value.slug == "ended" and killed == []


def test_children_and_their_children_are_known():
    import os
    import subprocess

    with subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, text=True) as shell:
        try:
            grandchild = int(shell.stdout.readline())
            assert {shell.pid, grandchild} <= set(patience.descendants(os.getpid()))
        finally:
            os.kill(grandchild, 9)


def test_another_error_of_ours_stays_what_it_is():
    def refuse(self, function):
        raise LabError("cannot travel")

    with pytest.raises(LabError, match="cannot travel"):
        patience.use(Actor(refuse), max)
