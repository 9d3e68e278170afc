"""Walkers: the containers of a notebook, and Eve's list from inside one. Each test is a fresh notebook."""

import importlib.util
import os
import pathlib

import pytest

spec = importlib.util.spec_from_file_location("launcher_tests", pathlib.Path(__file__).with_name("test_launcher.py"))
launcher_tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(launcher_tests)
notebook = launcher_tests.notebook
pytestmark = [
    pytest.mark.usefixtures("leaves_no_trace"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
CTRL_C = """
        import os, signal, threading, time
        def ctrl_c(after=0.5):
            threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()
"""


def test_ctrl_c_during_a_container_takes_it_down():
    said = notebook(CTRL_C + """
        box = Container("box", "busybox", "echo hi; sleep 1000")
        ctrl_c(1)
        try:
            box.run()
        except KeyboardInterrupt:
            from labcore.notebook import link
            print(os.listdir(link.HERE.known["state"]))
    """)
    assert said == "hi\n[]\n"


def test_a_container_runs_on_the_learners_own_function():
    said = notebook("""
        def mine(name):
            sethostname("mine-" + name)
        Container("box", "busybox", "hostname", mine={"uts.set_hostname": mine}).run()
        Container("box", "busybox", "hostname; exit 3").run()
    """)
    assert said == "mine-box\nbox\n(exit status 3)\n"


def test_a_container_can_be_walked_one_step_at_a_time_and_closing_takes_it_down():
    said = notebook("""
        box = Container("box", "busybox", "sleep 1000", hostname="shop")
        walking = box.walk()
        for done, _ in walking:
            if done.address == "uts.set_hostname":
                break
        print(box.sides()["inside"]["host name"], box.sides()["host"]["host name"])
        walking.close()
        from labcore.notebook import link
        import os
        print(os.listdir(link.HERE.known["state"]), box.pid)
        print(sum(1 for _ in box.walk()) == len(box.steps()))
    """)
    assert said == "shop host\n[] None\nTrue\n"


def test_a_container_that_fails_says_why_and_leaves_nothing():
    said = notebook("""
        for words in ({"command": ["nonesuch"]}, {"hostname": "x" * 65}, {"memory": "1k"}, {"image": "/nonesuch"}):
            try:
                Container("box", **words).run()
            except Exception as error:
                print(str(error).splitlines()[0])
    """)
    assert said.splitlines() == [
        "process.find_program: process.args[0]: 'nonesuch' is not in this root file system",
        "hostname: 65 bytes, but the kernel takes at most 64",
        "--memory 1k: less than 512 KiB, in which no program starts",
        "root file system /nonesuch: does not exist",
    ]


def answers(said):
    return [line.split()[-2] for line in said.splitlines()[1:]]


def test_every_attack_on_eves_list_works_on_the_lab_host_and_none_from_a_limited_container():
    said = notebook("""
        eves_list()
        box = Container("box", "busybox", "sleep 1000", memory="64m", pids_limit="50")
        box.start()
        eves_list(inside=box)
        box.delete()
    """)
    lines = said.splitlines()
    assert answers("\n".join(lines[:11])) == ["yes"] * 10
    assert answers("\n".join(lines[11:])) == ["no"] * 10


@pytest.mark.parametrize(
    "flags, closed",
    [("CLONE_NEWUTS", {"01"}), ("CLONE_NEWIPC", {"02"}), ("CLONE_NEWPID", {"03"}), ("CLONE_NEWNET", {"04"})],
)
def test_each_namespace_closes_its_own_line_of_eves_list(flags, closed):
    said = notebook(f"""
        mallory = Process("mallory")
        mallory.call(unshare, {flags})
        eves_list(inside=mallory)
    """)
    assert {line.split()[-1] for line in said.splitlines()[1:] if line.split()[-2] == "no"} == closed


def test_memory_and_processes_are_only_stopped_by_limits():
    said = notebook("""
        box = Container("box", "busybox", "sleep 1000")
        box.start()
        eves_list(inside=box)
        box.delete()
    """)
    assert {line.split()[-1] for line in said.splitlines()[1:] if line.split()[-2] == "yes"} == {"08", "09"}
