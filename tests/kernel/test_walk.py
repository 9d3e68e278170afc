"""A plan is walked: in order, timed, until one step fails or a signal comes."""

import os
import signal
import subprocess

import pytest

from labcore import errors, helper, plan, step, tty, uts, walk  # noqa: F401 (plan: its modules are the addresses)

CLONE = step.host(helper.clone, kinds=["uts"], cgroup=None, sibling=False, keep=0, steps=step.handle("steps"))
READ = step.Step("inside", "uts.set_domainname", {},
                 "def set_domainname():\n    return {'master': os.uname().nodename}\n")
HOLD = step.host(tty.hold, master=step.handle("master"))


def named(name):
    return step.inside(uts.set_hostname, name=name)


def learner(body, **args):
    """A step with a function that a learner wrote."""
    source = f"def set_domainname({', '.join(args)}):\n    {body}\n"
    return step.Step("inside", "uts.set_domainname", args, source)


def end(handles):
    walk.let_go(handles)
    return os.waitstatus_to_exitcode(os.waitpid(handles["init"], 0)[1])


@pytest.mark.parametrize("one_by_one", [False, True])
def test_steps_are_done_in_order_and_timed(one_by_one, child):
    steps = [CLONE, named("first"), named("second"), READ, HOLD, named("third"), READ, HOLD]

    def tell():
        handles, done = {}, []
        for this, microseconds in walk.walk(steps, handles, one_by_one):
            done.append([this == steps[len(done)], microseconds >= 0, handles.get("master")])
        return [done, os.uname().nodename, end(handles)]

    done, own, ended = child(tell)
    assert [d[:2] for d in done] == [[True, True]] * len(steps) and ended == 0
    assert done[4][2] == "second" and done[7][2] == "third" and own not in ("first", "second", "third")


def test_descriptor_that_a_step_returns_inside_reaches_the_host(child):
    body = "import sys; r, w = os.pipe(); os.write(w, b'inside'); return {'master': " \
           "sys.modules['labcore.step'].Descriptor(r)}"

    def tell():
        handles = {}
        list(walk.walk([CLONE, learner(body), HOLD], handles))
        text = os.read(handles["master"], 10).decode()
        inheritable = os.get_inheritable(handles["master"])
        return [text, inheritable, end(handles), sorted(handles)]

    assert child(tell) == ["inside", False, 0, ["init", "steps"]]  # let_go has closed the rest


def test_value_from_the_host_reaches_the_inside(child):
    def tell():
        handles = {"name": "given"}
        list(walk.walk([CLONE, step.inside(uts.set_hostname, name=step.handle("name")), READ, HOLD], handles))
        return [handles["master"], end(handles)]

    assert child(tell) == ["given", 0]


@pytest.mark.parametrize("one_by_one", [False, True])
def test_first_failure_ends_the_walk_and_names_its_step(one_by_one, child):
    def tell():
        handles, long = {}, named("h" * 65)
        try:
            list(walk.walk([CLONE, named("before"), long, named("after")], handles, one_by_one))
        except errors.StepFailed as failed:
            found = [failed.step == long, failed.cause.errno, failed.args[0]]
        look = ["nsenter", "--uts", "--target", str(handles["init"]), "hostname"]
        return [*found, subprocess.run(look, capture_output=True, text=True).stdout.strip(), end(handles)]

    assert child(tell) == [True, 22, "uts.set_hostname: sethostname('" + "h" * 35 + "…', 65): Invalid argument",
                           "before", 0]


def test_failure_on_the_hosts_side_is_named_too(child):
    def tell():
        try:
            list(walk.walk([step.host(tty.send, master=os.dup(0), socket_path="/none")]))
        except errors.StepFailed as failed:
            return str(failed)

    assert child(tell) == "tty.send: console socket /none: No such file or directory"


@pytest.mark.parametrize("body, said", [
    ("os._exit(3)", "the process inside ended unexpectedly"),
    ("1 / 0", "ZeroDivisionError: division by zero (line 2 of your function)"),
    ("sethostname(5)", "(line 2 of your function)"),
    ("import antigravity", "No module named 'antigravity'"),
    ("raise SystemExit(0)", "SystemExit: 0 (line 2 of your function)"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt"),
])
def test_learners_mistake_is_told_and_never_passed_over(body, said, child):
    def tell():
        handles = {}
        try:
            list(walk.walk([CLONE, learner(body), named("never")], handles))
        except errors.StepFailed as failed:
            return [str(failed), end(handles) >= 0]

    text, _ = child(tell)
    assert text.startswith("uts.set_domainname: ") and said in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_a_walk_that_waits_for_an_endless_step(number, child):
    def tell():
        handles, before = {}, signal.getsignal(number)
        body = f"os.kill({os.getpid()}, {int(number)})\n    while True: pass"
        with walk.Guard() as guard:
            try:
                list(guard.over(walk.walk([CLONE, learner(body)], handles)))
            except errors.Interrupted as error:
                found = [error.signal, error.exit_code]
        os.kill(handles["init"], signal.SIGKILL)
        return [*found, end(handles), signal.getsignal(number) == before]

    assert child(tell) == [number, 128 + number, -9, True]


def test_signal_during_a_host_step_ends_the_walk_after_it(child):
    def tell():
        done = []
        kill = step.Step("host", "uts.set_domainname", {}, "def set_domainname():\n    os.kill(os.getpid(), 15)\n")
        with walk.Guard() as guard:
            try:
                for this, _ in guard.over(walk.walk([kill, kill])):
                    done.append(this.address)
            except errors.Interrupted as error:
                return [error.signal, len(done)]

    assert child(tell) == [15, 1]
