"""sealed.py: an interpreter that nobody can write to, and when it is worth its time."""

import os
import subprocess
import sys

import pytest

from labcore import sealed

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = f"""
import sys; sys.path.append({CHECKOUT!r})
import os
from labcore import sealed
sealed.reexecute()
try:
    os.chmod("/proc/self/exe", os.stat("/proc/self/exe").st_mode & 0o7777)
except OSError as error:
    print(error.errno, sys.argv[1:], os.environ["MARK"], os.readlink("/proc/self/exe"))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="a detached mount needs root")
def test_the_interpreter_runs_again_with_the_same_words_from_a_file_that_is_read_only():
    done = subprocess.run([sys.executable, "-ISBXutf8", "-c", PROGRAM, "a", "b c"], env={"MARK": "x"}, text=True,
                          capture_output=True, timeout=30)  # fmt: skip
    number, _, rest = done.stdout.partition(" ")
    assert (int(number), done.stderr) == (30, "")  # EROFS; root may change the mode of the file itself
    assert rest.startswith("['a', 'b c'] x /")


def config(capabilities, *namespaces):
    return {"process": {"capabilities": {"bounding": capabilities}},
            "linux": {"namespaces": [{"type": n} if isinstance(n, str) else n for n in namespaces]}}  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's interpreter is not the host's to lose")
def test_only_a_container_that_could_look_into_others_is_worth_it():
    assert sealed.needs(config(["CAP_SYS_PTRACE"], "pid", "mount"))
    assert not sealed.needs(config(["CAP_SYS_PTRACE"], "pid", "user"))
    assert not sealed.needs(config(["CAP_KILL"], "pid"))
    assert sealed.joins_pids(config([], {"type": "pid", "path": "/proc/1/ns/pid"}))
    assert not sealed.joins_pids(config([], "pid"))
