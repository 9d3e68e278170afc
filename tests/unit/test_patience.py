"""A check that asks an actor to use an answer comes back, whatever the answer does."""

import threading
import types

import pytest

from labcore.errors import LabError
from labcore.notebook import checking, patience


class Actor:
    """One that has a descriptor until it is ended."""

    def __init__(self, act):
        self.pidfd, self.over, self.act = 7, threading.Event(), act

    def call(self, function, *args):
        return self.act(self, function, *args)


@pytest.fixture(autouse=True)
def killed(monkeypatch):
    """Who has been killed; nobody waits long."""
    found = []
    monkeypatch.setattr(patience, "PATIENCE_S", 0.05)
    monkeypatch.setattr(patience.link, "here", lambda: types.SimpleNamespace(signal=lambda *who: found.append(who)))
    return found


def test_what_the_function_returns_comes_back(killed):
    assert patience.use(Actor(lambda self, function, *args: function(*args)), max, 3, 4) == 4
    assert killed == []


def test_one_that_does_not_come_back_is_ended_and_that_is_a_diagnosis(killed):
    def hang(self, function):
        while not killed:
            self.over.wait(0.01)
        self.pidfd = None
        raise LabError("checked-x has ended")

    with pytest.raises(checking.NotYet) as found:
        patience.use(Actor(hang), max)
    assert found.value.slug == "ended" and killed[0][0] == 7


def test_another_error_of_ours_stays_what_it_is():
    def refuse(self, function):
        raise LabError("cannot travel")

    with pytest.raises(LabError, match="cannot travel"):
        patience.use(Actor(refuse), max)
