"""A check that asks actors to use an answer comes back, whatever the answer does."""

import os
import signal
import subprocess
import threading
import types

import pytest

from labcore.errors import LabError
from labcore.notebook import checking, patience


class Actor:
    """One that has a descriptor until it is ended; nobody knows the number of the process behind it."""

    def __init__(self, act=None):
        self.pidfd, self.over, self.act = 99_999, threading.Event(), act

    def call(self, function, *args):
        return self.act(self, function, *args)

    @property
    def alive(self):
        return self.pidfd is not None


@pytest.fixture(autouse=True)
def killed(monkeypatch):
    """Who has been killed; nobody waits long."""
    found = []
    monkeypatch.setattr(patience, "PATIENCE_S", 0.3)
    monkeypatch.setattr(patience, "GRACE_S", 0.05)
    monkeypatch.setattr(patience.link, "here", lambda: types.SimpleNamespace(signal=lambda *who: found.append(who)))
    # as in a notebook's kernel; whoever started the tests may have SIGINT ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield found
    signal.signal(signal.SIGINT, before)


def hang(actor, killed):
    """Wait until somebody is killed, as a process that waits for nothing would."""
    while not killed:
        actor.over.wait(0.01)
    actor.pidfd = None
    raise LabError("checked-x has ended")


def test_what_the_function_returns_comes_back(killed):
    assert patience.use(Actor(lambda self, function, *args: function(*args)), max, 3, 4) == 4
    assert killed == []


def test_one_that_does_not_come_back_is_ended_and_that_is_a_diagnosis(killed):
    with pytest.raises(checking.NotYet) as found:
        patience.use(Actor(lambda self, function: hang(self, killed)), max)
    assert found.value.slug == "ended" and "patience" in found.value.observed and killed[0][0] == 99_999


def test_one_that_ends_by_itself_is_told_from_one_that_does_not_come_back(killed):
    def end(self, function):
        self.pidfd = None
        raise LabError("checked-x has ended")

    with pytest.raises(checking.NotYet) as found:
        patience.use(Actor(end), max)
    assert found.value.slug == "ended" and "patience" not in found.value.observed and killed == []


def test_all_that_an_answer_may_give_orders_to_end_with_it(killed):
    one, other = Actor(), Actor()
    with pytest.raises(checking.NotYet) as found, patience.limit(one, other):
        hang(other, killed)
    assert found.value.slug == "ended" and len(killed) == 2


def test_an_answer_that_swallows_the_end_of_an_actor_gets_the_diagnosis_all_the_same():
    actor = Actor()
    with pytest.raises(checking.NotYet) as found, patience.limit(actor):
        actor.pidfd = None
    assert found.value.slug == "ended"


def test_a_look_at_somebody_who_has_just_been_ended_is_no_error_of_the_answer():
    actor = Actor()
    with pytest.raises(checking.NotYet) as found, patience.limit(actor):
        actor.pidfd = None
        raise FileNotFoundError(2, "no such process")
    assert found.value.slug == "ended"


def test_a_loop_in_the_notebook_itself_is_stopped():
    with pytest.raises(checking.NotYet) as found, patience.limit(Actor()):
        while True:
            pass
    assert found.value.slug == "ended" and "patience" in found.value.observed


def test_an_interrupt_before_patience_is_lost_is_an_interrupt():
    with pytest.raises(KeyboardInterrupt), patience.limit(Actor()):
        raise KeyboardInterrupt


def test_another_error_of_ours_stays_what_it_is():
    def refuse(self, function):
        raise LabError("cannot travel")

    with pytest.raises(LabError, match="cannot travel"):
        patience.use(Actor(refuse), max)


def test_children_and_their_children_are_known():
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, text=True) as shell:
        grandchild = int(shell.stdout.readline())
        try:
            assert {shell.pid, grandchild} <= set(patience.descendants(os.getpid()))
        finally:
            os.kill(grandchild, 9)
