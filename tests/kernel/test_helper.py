"""The process that enters namespaces and plays steps inside."""

import os
import signal

import pytest

from labcore import errors, helper, namespace, plan, step, tty, walk  # noqa: F401 (plan: addresses)


def clone(kinds=(), **more):
    return step.host(helper.clone, **{"kinds": list(kinds), "cgroup": None, "sibling": False, "keep": 0,
                                   "steps": step.handle("steps")} | more)  # fmt: skip


def status(pid, name):
    with open(f"/proc/{pid}/status") as file:
        return next(line.split(":", 1)[1].strip() for line in file if line.startswith(f"{name}:"))


def look(tell_about, *steps):
    """What can be seen of init while it waits for more steps; then it ends with its maker's interest."""
    handles = {}
    list(walk.walk(steps, handles))
    found = tell_about(handles["init"])
    walk.let_go(handles)
    return [found, os.waitstatus_to_exitcode(os.waitpid(handles["init"], 0)[1])]


def test_init_is_in_new_namespaces_and_the_maker_is_not(child):
    def tell():
        here = namespace.inspect()
        there, ended = look(namespace.inspect, clone(["uts", "ipc", "pid", "net", "mnt", "user"]))
        return [sorted(k for k in here if here[k] != there[k]), here == namespace.inspect(), ended]

    assert child(tell) == [["ipc", "mnt", "net", "pid", "user", "uts"], True, 0]


def test_init_is_number_one_in_its_own_pid_namespace(child):
    assert child(lambda: look(lambda pid: status(pid, "NSpid").split()[-1], clone(["pid"]))) == ["1", 0]


def test_helper_keeps_nothing_of_the_walkers_descriptors(child):
    def tell():
        kept = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
        found = look(lambda pid: sorted(int(n) for n in os.listdir(f"/proc/{pid}/fd")), clone(), step.Step(
            "inside", "uts.set_domainname", {}, "def set_domainname(): pass"))
        return [found, len(kept)]

    (fds, ended), _ = child(tell)
    assert fds[:3] == [0, 1, 2] and len(fds) == 4 and ended == 0  # its line to the walker


@pytest.mark.parametrize("keep", [1, 3])
def test_descriptors_that_are_handed_on_stay_at_their_numbers(keep, child):
    def tell():
        null = os.open("/dev/null", os.O_RDONLY)
        for fd in range(3, 3 + keep):
            if fd != null:
                os.dup2(null, fd)
        def links(pid):
            return [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3, 3 + keep)]
        return look(links, clone(keep=keep), step.Step("inside", "uts.set_domainname", {},
                                                       "def set_domainname(): pass"))[0]

    assert child(tell) == ["/dev/null"] * keep


def test_helper_dies_with_the_walker(child):
    def tell():
        reader, writer = os.pipe()
        middle = os.fork()
        if middle == 0:
            handles = {}
            list(walk.walk([clone()], handles))
            os.write(writer, b"%d" % handles["init"])
            os.kill(os.getpid(), signal.SIGKILL)
        os.close(writer)
        os.waitpid(middle, 0)
        pid = int(os.read(reader, 20))
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        return bool(__import__("select").select([fd], [], [], 10)[0])

    assert child(tell) is True


def test_nothing_can_be_imported_inside(child):
    source = "def set_domainname():\n    import sys\n    return {'name': [len(sys.path), len(sys.meta_path)]}\n"

    def tell():
        handles = {}
        list(walk.walk([clone(), step.Step("inside", "uts.set_domainname", {}, source),
                        step.host(tty.hold, master=step.handle("name"))], handles))
        walk.let_go(handles)
        os.waitpid(handles["init"], 0)
        return handles["master"]

    assert child(tell) == [0, 0]


def test_process_that_joins_is_born_inside_and_no_helper_is_left(child):
    def tell():
        target, made = {}, {}
        list(walk.walk([clone(["uts", "net", "pid"])], target))
        there = namespace.inspect(target["init"])
        list(walk.walk([
            step.host(helper.fork, cgroup=None, sibling=False, keep=0, steps=step.handle("steps")),
            step.host(helper.join, helper=step.handle("helper"), joiner=step.handle("joiner"), target=None, kinds=[],
                      paths=[[k, f"/proc/{target['init']}/ns/{k}"] for k in ("uts", "net", "pid")], new=["ipc"]),
        ], made))
        born = namespace.inspect(made["init"])
        found = [sorted(k for k in there if there[k] == born[k] and there[k] != namespace.inspect()[k]),
                 born["ipc"] not in (there["ipc"], namespace.inspect()["ipc"]),
                 int(status(made["init"], "PPid")) == os.getpid(), os.path.exists(f"/proc/{made['joiner']}")]
        for handles in (made, target):
            walk.let_go(handles)
            os.waitpid(handles["init"], 0)
        return found

    assert child(tell) == [["net", "pid", "uts"], True, True, False]


@pytest.mark.parametrize("paths, said", [
    ([["net", "/no/such/namespace"]], "helper.join: /no/such/namespace: No such file or directory"),
    ([["net", "/proc/self/ns/uts"]], "helper.join: setns("),
    ([["net", "/dev/null"]], "helper.join: setns("),
])
def test_namespace_that_cannot_be_joined_is_said(paths, said, child):
    def tell():
        handles = {}
        try:
            list(walk.walk([
                step.host(helper.fork, cgroup=None, sibling=False, keep=0, steps=step.handle("steps")),
                step.host(helper.join, helper=step.handle("helper"), joiner=step.handle("joiner"), target=None,
                          kinds=[], paths=paths, new=[])], handles))
        except errors.StepFailed as failed:
            walk.let_go(handles)
            os.waitpid(handles["joiner"], 0)
            return str(failed)

    assert child(tell).startswith(said)


def test_target_that_has_ended_is_said(child):
    def tell():
        gone = os.fork()
        if gone == 0:
            os._exit(0)
        os.waitpid(gone, 0)
        handles = {}
        try:
            list(walk.walk([
                step.host(helper.fork, cgroup=None, sibling=False, keep=0, steps=step.handle("steps")),
                step.host(helper.join, helper=step.handle("helper"), joiner=step.handle("joiner"), target=[gone, 1],
                          kinds=["uts"], paths=[], new=[])], handles))
        except errors.StepFailed as failed:
            walk.let_go(handles)
            os.waitpid(handles["joiner"], 0)
            return str(failed)

    assert child(tell) == "helper.join: the container's init is gone"
