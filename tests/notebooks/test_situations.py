"""The three situations people have: a notebook as root, as a user with sudo, as a user without. All see the same."""

import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import textwrap

import pytest

from labcore.notebook import book as books

LESSONS = [path.stem for path in books.solution_paths()]
ROOT = pathlib.Path(__file__).parents[2]
NAME = "labcore-tester"
SUDOERS = pathlib.Path("/etc/sudoers.d/labcore-tester")
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a user")

LESSON = """
    import sys
    from labcore.notebook import *

    host, alice = Process.host(), Process("alice")
    eves_list()
    alice.call(unshare, CLONE_NEWUTS)
    alice.call(sethostname, "shop")
    print(host.hostname(), alice.hostname())
    alice.sh("id -u; hostname; env | cut -d= -f1 | sort")
    print(alice._repr_mimebundle_()["text/plain"])
    alice.call(unshare, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC)
    web = alice.fork("web")
    print(web._repr_mimebundle_()["text/plain"])
    print(show_namespaces(alice, web))
    eves_list(inside=web)
    with refused(EINVAL):
        alice.call(sethostname, "x" * 65)
    words = "id -u; hostname; touch /new && ls /new; ping -c 1 127.0.0.1 | grep -o ' 0% .*'; exit 3"
    Container("box", "busybox", words).run()
    box = Container("box", "busybox", "sleep 1000")
    box.start()
    box.sh("hostname; id -u")
    print(sorted(k for k, at in box.namespaces().items() if at == host.ns(k)))
    box.delete()
    print(situation(), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def user():
    """An ordinary user, who is gone afterwards."""
    if not shutil.which("useradd"):
        pytest.skip("useradd is not installed")
    forget()
    subprocess.run(["useradd", "--create-home", "--home-dir", f"/var/tmp/{NAME}", NAME], check=True)
    yield pwd.getpwnam(NAME)
    forget()


def forget():
    """Remove the user and what was theirs."""
    SUDOERS.unlink(missing_ok=True)
    try:
        number = pwd.getpwnam(NAME).pw_uid
    except KeyError:
        return
    subprocess.run(["userdel", "--remove", NAME], check=True, capture_output=True)
    shutil.rmtree(f"/tmp/labcore-{number}", ignore_errors=True)


@pytest.fixture
def sudo(user):
    """... who may become root without a password."""
    if not shutil.which("sudo"):
        pytest.skip("sudo is not installed")
    SUDOERS.write_text(f"{NAME} ALL=(ALL) NOPASSWD: ALL\n")
    SUDOERS.chmod(0o440)
    yield
    SUDOERS.unlink()


@pytest.fixture
def single_map(user):
    """... who has no subordinate IDs."""
    kept = {path: path.read_text() for path in map(pathlib.Path, ("/etc/subuid", "/etc/subgid"))}
    for path, text in kept.items():
        path.write_text("".join(line for line in text.splitlines(True) if not line.startswith(f"{NAME}:")))
    yield
    for path, text in kept.items():
        path.write_text(text)


def reachable():
    """May everybody walk to this checkout and to the interpreter?"""
    places = [ROOT, *ROOT.parents, *pathlib.Path(sys.executable).parents]
    return all(place.stat().st_mode & 0o001 for place in places)


# a whole lesson under nbval, as `labcore check` runs it; what differs from the recorded outputs is told
SOLVED = """
    import os, shutil, sys, tempfile
    from labcore.notebook import book as books, running
    from labcore.notebook.link import situation

    directory = tempfile.mkdtemp(prefix="situation-", dir="/var/tmp")
    try:
        events, said = running.run(books.read(books.find_lesson(NAME)), directory)
    finally:
        shutil.rmtree(directory)
    differ = [event["number"] for event in events if not event["ok"]]
    print(said if differ else "", "cells that differ:", differ)
    print(situation(), file=sys.stderr)
"""


def lesson(user=None, text=LESSON):
    """(what it prints, the situation), as root or as a user; whose checkout is at /mnt if they cannot reach it."""
    root = str(ROOT) if user is None or reachable() else "/mnt"
    python = sys.executable.replace(str(ROOT), root)
    script = f"import sys; sys.path.insert(0, {root!r})\n" + textwrap.dedent(text)
    command = [python, "-B", "-c", script]
    if user is not None:
        command = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--", *command]
    if root == "/mnt":
        bind = f'mount --bind "{ROOT}" /mnt && exec "$@"'
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", bind, "sh", *command]
    home = "/root" if user is None else user.pw_dir
    environment = {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, env=environment, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr.split()[-1]


@pytest.fixture(scope="module")
def as_root():
    said, situation = lesson()
    assert situation == "root"
    return said


def test_the_lesson_says_what_it_should(as_root):
    assert as_root.splitlines()[0] == "Eve can                               today  closed by"
    assert "127.0.0.1" not in as_root and " 0% packet loss" in as_root
    assert as_root.endswith("['time', 'user']\n")


def test_a_second_run_prints_the_same(as_root):
    assert lesson()[0] == as_root


def test_a_user_with_sudo_sees_the_same(as_root, user, sudo):
    assert lesson(user) == (as_root, "sudo")


def test_a_user_without_sudo_sees_the_same(as_root, user):
    assert lesson(user) == (as_root, "rootless")


def test_a_user_without_sudo_and_subordinate_ids_sees_the_same(as_root, user, single_map):
    assert lesson(user) == (as_root, "rootless")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", LESSONS)
def test_a_user_without_sudo_sees_what_was_recorded_as_root(user, name):
    said, situation = lesson(user, f"NAME = {name!r}\n" + textwrap.dedent(SOLVED))
    assert said.strip() == "cells that differ: []", said
    assert situation == "rootless"


def test_no_situation_leaves_a_trace(user, sudo, leaves_no_trace):
    lesson(user)
