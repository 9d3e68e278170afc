"""The launcher: what a notebook may rely on when it starts, dies or is killed. Fresh processes ask."""

import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap

import pytest

ROOT = pathlib.Path(__file__).parents[2]
pytestmark = [
    pytest.mark.usefixtures("leaves_no_trace"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]


def notebook(text, **options):
    """Run a script the way a notebook kernel would: what it prints."""
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom labcore.notebook import *\n" + textwrap.dedent(text)
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:  # a file: functions have a source then
        file.write(script)
        file.flush()
        done = subprocess.run([sys.executable, "-B", file.name], capture_output=True, text=True, timeout=60, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_notebook_itself_moves_nowhere_and_has_no_child_but_the_launcher():
    said = notebook("""
        import os
        before = {k: os.readlink(f"/proc/self/ns/{k}") for k in os.listdir("/proc/self/ns")}
        alice = Process("alice")
        alice.call(unshare, CLONE_NEWUTS | CLONE_NEWNS)
        print(before == {k: os.readlink(f"/proc/self/ns/{k}") for k in before})
        print(len(open(f"/proc/self/task/{os.getpid()}/children").read().split()))
    """)
    assert said == "True\n1\n"


def test_a_process_on_stage_has_no_descriptor_but_0_1_2_and_its_line():
    said = notebook("""
        alice = Process("alice")
        import os
        def kinds():
            return sorted({os.readlink(f"/proc/self/fd/{n}").split(":")[0] for n in os.listdir("/proc/self/fd")
                           if os.path.exists(f"/proc/self/fd/{n}")} - {f"/proc/{os.getpid()}/fd"})
        print(alice.call(kinds))
        alice.sh("for n in /proc/self/fd/*; do echo ${n##*/}; done | head -3 | xargs; ls /proc/self/fd | wc -l")
    """)
    assert said == "['/dev/null', 'pipe', 'socket']\n0 1 2\n4\n"


def test_a_killed_launcher_takes_everything_with_it_and_another_one_takes_its_place():
    said = notebook("""
        import os
        from labcore.notebook import link, process
        alice = Process("alice")
        alice.sh("sleep 1000 & exec true")
        web = alice.fork("web")
        box = Container("box", "busybox", "sleep 1000")
        box.start()
        fds = [os.pidfd_open(n) for n in (alice.pid, web.pid, box.pid)]
        os.kill(link.HERE.known["hello"], 9)
        print([process.wait_for(fd, 5) for fd in fds])
        try:
            alice.sh("true")
        except Exception as error:
            print(error)
        alice = Process("alice")
        alice.sh("hostname")
    """)
    assert said.splitlines() == [
        "[True, True, True]",
        "alice has ended: the launcher was killed",
        '  hint: make it again: alice = Process("alice")',
        "the launcher has ended, and with it every actor and every container of this notebook; "
        "another one takes its place",
        "host",
    ]


def test_a_notebook_that_is_killed_leaves_nothing():
    """leaves_no_trace looks: the launcher sees end-of-file and takes all down, also what runs in the background."""
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n" + textwrap.dedent("""
        from labcore.notebook import *
        import os
        alice = Process("alice")
        alice.sh("sleep 1000 & exec true")
        alice.start("sleep 1000")
        Container("box", "busybox", "sleep 1000").start()
        os.kill(os.getpid(), 9)
    """)
    assert subprocess.run([sys.executable, "-B", "-c", script], timeout=60).returncode == -9


def test_two_notebooks_do_not_see_each_other():
    said = notebook("""
        import subprocess, sys
        other = "import sys; sys.path.insert(0, sys.argv[1])\\nfrom labcore.notebook import *\\n"
        other += "box = Container('box', 'busybox', 'sleep 1000'); box.start()\\n"
        other += "Process.host().sh('hostname theirs'); print('ready', flush=True); sys.stdin.read()"
        child = subprocess.Popen([sys.executable, "-B", "-c", other, sys.path[0]], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        child.stdout.readline()
        Container("box", "busybox", "hostname").run()
        Process.host().sh("hostname")
        child.communicate()
    """)
    assert said == "box\nhost\n"
