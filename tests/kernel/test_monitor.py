"""The parent of a detached container: small, and the one who learns how it ended."""

import os
import pathlib
import select
import subprocess
import sys

import pytest

from labcore import monitor

ROOT = str(pathlib.Path(monitor.__file__).parents[1])
BOOT = f"import sys; sys.path.append({ROOT!r}); from labcore.cli import main; main()"


@pytest.mark.parametrize("ending, code", [("os._exit(7)", 7), ("os._exit(0)", 0), ("os.kill(os.getpid(), 9)", 137),
                                          ("os.kill(os.getpid(), 15)", 143)])
def test_exit_code_is_written_at_once(ending, code, child, tmp_path):
    def tell():
        pid = os.fork()
        if pid == 0:
            exec(ending)
        monitor.record(pid, os.open(tmp_path, os.O_PATH), None)

    child(tell)
    assert (tmp_path / "exit").read_text() == str(code) and os.listdir(tmp_path) == ["exit"]


def test_container_that_was_removed_meanwhile_gets_nothing_written_and_nothing_done(child, tmp_path):
    (tmp_path / "box").mkdir()

    def tell():
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        directory = os.open(tmp_path / "box", os.O_PATH)
        os.rmdir(tmp_path / "box")
        os.mkdir(tmp_path / "box")  # by now somebody else's
        monitor.record(pid, directory, [b"/bin/false"])

    child(tell)
    assert os.listdir(tmp_path / "box") == []


def test_what_is_to_come_after_comes_after(child, tmp_path):
    def tell():
        pid = os.fork()
        if pid == 0:
            os._exit(5)
        copy = [b"/bin/cp", bytes(tmp_path / "exit"), bytes(tmp_path / "copy")]
        monitor.record(pid, os.open(tmp_path, os.O_PATH), copy)

    child(tell)
    assert (tmp_path / "copy").read_text() == "5"


def test_caller_leaves_with_the_walkers_exit_code(tmp_path):
    code = f"import os, sys; sys.path.append({ROOT!r}); from labcore import monitor; monitor.split(); os._exit(9)"
    assert subprocess.run([sys.executable, "-ISBXutf8", "-c", code], timeout=20).returncode == 9


@pytest.mark.skipif(os.geteuid() != 0, reason="containers without root: see tests/oci")
def test_monitor_of_a_container_has_loaded_no_ctypes_and_keeps_no_descriptor(leaves_no_trace, busybox, tmp_path):
    def labcore(*words):
        command = [sys.executable, "-ISBXutf8", "-c", BOOT, "--root", str(tmp_path / "state"), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)

    name = f"kernel-monitor-{os.getpid()}"
    done = labcore("run", "-d", "--name", name, busybox, "sleep", "1000")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{name}\n", "")
    try:
        pid = int(labcore("ps").stdout.splitlines()[1].split()[2])
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        parent = int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))
        maps = pathlib.Path(f"/proc/{parent}/maps").read_text()
        fds = {os.readlink(f"/proc/{parent}/fd/{fd}") for fd in os.listdir(f"/proc/{parent}/fd")}
        watch = os.pidfd_open(parent)
        assert "ctypes" not in maps and "libffi" not in maps and "_json" not in maps
        assert {f for f in fds if not f.startswith("pipe:")} == {"/dev/null", str(tmp_path / "state" / name)}
        assert os.readlink(f"/proc/{parent}/cwd") == "/"
        assert labcore("kill", name, "KILL").returncode == 0
        assert select.select([watch], [], [], 10)[0]  # the monitor has ended
        os.close(watch)
        assert (tmp_path / "state" / name / "exit").read_text() == "137"
    finally:
        assert labcore("rm", "--force", name).returncode == 0
