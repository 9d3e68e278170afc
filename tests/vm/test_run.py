"""The runner itself: what goes in, what comes out, and what it says when something is missing or takes too long."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

from tests.vm import run

ROOT = pathlib.Path(__file__).parents[2]
NEEDS_A_VM = [
    pytest.mark.skipif(os.geteuid() != 0, reason="the VM needs root"),
    pytest.mark.skipif(not shutil.which("qemu-system-" + os.uname().machine), reason="no QEMU on this machine"),
]
pytestmark = NEEDS_A_VM
RUN = [sys.executable, ROOT / "tests/vm/run.py"]


def start(*words, **options):
    return subprocess.Popen([*RUN, *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **({"cwd": ROOT} | options))  # fmt: skip


def done(process):
    out, err = process.communicate()
    return process.returncode, out, err


def mentioning(word):
    """The command lines, of all processes, in which a word stands."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().decode(errors="replace"))
    return [line for line in found if word in line]


@pytest.fixture
def temporary(monkeypatch):
    """A TMPDIR of our own: afterwards the runner's files and processes, whose words name it, are gone."""
    with tempfile.TemporaryDirectory(prefix="vm-test-") as name:
        monkeypatch.setenv("TMPDIR", name)
        yield pathlib.Path(name)
        assert os.listdir(name) == [] and mentioning(name) == []


@pytest.fixture(scope="module", autouse=True)
def hanging():
    """A VM that does nothing until its time is over: started first, looked at last, as the others take long enough."""
    with start("--timeout", "45", "sh", "-c", "echo last words; sleep 1000") as process:
        yield process
        process.terminate()


@pytest.fixture
def elsewhere():
    """A copy of the runner in a place that the VM hides, with a name that shells trip over."""
    with tempfile.TemporaryDirectory(prefix="it's a $(copy) ", dir="/dev/shm") as name:
        folder = pathlib.Path(name, "tests/vm")
        folder.mkdir(parents=True)
        for file in ("run.py", "init.sh", "inside.sh"):
            (folder / file).write_bytes((ROOT / "tests/vm" / file).read_bytes())
        yield folder


# ---- one start for each of these: they cost ten seconds ---------------------------------------------------------


def test_two_at_once_give_output_status_and_files_and_one_of_them_is_elsewhere(temporary, elsewhere):
    script = 'echo "$1" >&2; cat inner; echo new >inner; echo >$VM_OUT/made; (sleep 1000 &); kill -9 $$'
    (elsewhere / "inner").write_text("old\n")
    out = elsewhere / "out"
    there = subprocess.Popen([sys.executable, elsewhere / "run.py", "--files", out, "sh", "-c", script, "sh", "a 'b"],
                             cwd=elsewhere, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)  # fmt: skip
    here = start("--cgroups", "v1", "sh", "-c", "grep -c ' cgroup ' /proc/mounts; test -e .venv; exit $?")
    assert done(there) == (137, "a 'b\nold\n", "")
    assert done(here) == (0, "8\n", "")
    assert (elsewhere / "inner").read_text() == "old\n" and os.listdir(out) == ["made"]


def test_a_kernel_that_panics_is_told_with_its_last_words(temporary):
    code, out, err = done(start("--append", "rdinit=/nowhere", "true"))
    assert (code, out) == (125, "")
    assert "Kernel panic" in err and "vm: the VM ended without a result" in err


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_vm_and_its_files(number, code, temporary):
    process = start("sleep", "1000")
    with process:
        while not list(temporary.glob("*/console")):  # QEMU has made it
            assert process.poll() is None
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        process.send_signal(number)
        assert process.wait(20) == code


# ---- words, and what is missing: no start -----------------------------------------------------------------------


def test_help_has_examples():
    code, out, _ = done(start("--help"))
    assert code == 0 and "examples:" in out and "exit status:" in out


@pytest.mark.parametrize("words", [[], ["--"], ["--cgroups", "v3", "true"], ["--timeout", "soon", "true"], ["--frob"]])
def test_words_that_make_no_sense_are_a_usage_error(words):
    code, out, err = done(start(*words))
    assert (code, out) == (2, "") and err.startswith("usage: tests/vm/run.py")


def test_without_a_kernel_the_package_is_named(temporary):
    code, _, err = done(start("--kernel", "/boot/vmlinuz-9.9-gone", "true"))
    assert code == 125 and "no kernel for the VM: /boot/vmlinuz-9.9-gone" in err and "linux-image-cloud-" in err


def test_without_any_kernel_or_its_modules_the_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(run.glob, "glob", lambda pattern: [])
    with pytest.raises(run.Unready, match="no kernel for the VM: /boot/vmlinuz-.*-cloud-") as found:
        run.kernel(run.machine())
    assert "linux-image-cloud-" in found.value.args[1]
    (tmp_path / "vmlinuz-9.9-cloud-x").touch()
    with pytest.raises(run.Unready, match="no modules for the VM's kernel: /lib/modules/9.9-cloud-x"):
        run.kernel(run.machine(), f"{tmp_path}/vmlinuz-9.9-cloud-x")


def test_the_newest_kernel_is_taken(monkeypatch):
    names = [f"/boot/vmlinuz-{version}-cloud-amd64" for version in ("6.1.0-9", "6.12.1-1", "6.1.0-56")]
    monkeypatch.setattr(run.glob, "glob", lambda pattern: names)
    monkeypatch.setattr(run.os.path, "exists", lambda path: True)
    monkeypatch.setattr(run.os.path, "isdir", lambda path: True)
    assert run.kernel(run.MACHINES["x86_64"]) == (names[1], "6.12.1-1-cloud-amd64")


def test_a_program_that_is_missing_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr(run.shutil, "which", lambda name, path: None)
    with pytest.raises(run.Unready, match="qemu-system-x86_64 is not installed") as found:
        run.program("qemu-system-x86_64", "qemu-system-x86")
    assert "apt-get install qemu-system-x86" in found.value.args[1]


def test_a_directory_that_the_vm_hides_is_refused(temporary):
    code, _, err = done(start("true", cwd="/proc"))
    assert code == 125 and "/proc is not seen in the VM" in err and "hint: " in err


def test_it_needs_root(temporary):
    words = ["setpriv", "--reuid", "65534", "--clear-groups", "/usr/bin/python3", ROOT / "tests/vm/run.py", "true"]
    found = subprocess.run(words, cwd="/", capture_output=True, text=True)
    assert found.returncode == 125 and "virtiofsd needs root" in found.stderr and "make vm" in found.stderr


@pytest.mark.parametrize("kind", run.MACHINES.values(), ids=run.MACHINES)
def test_each_architecture_has_its_own_words(kind, monkeypatch):
    monkeypatch.setattr(run, "program", lambda name, package: f"/bin/{name}")
    asked = run.arguments(["--cpus", "1", "true"])
    words = run.qemu(kind, "/boot/k", "/d", asked)
    assert words[0] == f"/bin/{kind.qemu}" and f"{kind.options},memory-backend=memory" in words
    assert words[words.index("-cpu") + 1] == kind.processor
    assert f"console={kind.console} " in words[words.index("-append") + 1]
    assert "kvm" not in words and "kvm" in run.qemu(kind, "/boot/k", "/d", run.arguments(["--kvm", "true"]))


# ---- last --------------------------------------------------------------------------------------------------------


def test_a_command_that_hangs_is_ended_in_time_and_what_it_said_is_there(hanging):
    code, out, err = done(hanging)
    assert (code, out) == (124, "last words\n")
    assert "vm: not done after 45 s" in err and "hint: --timeout" in err
