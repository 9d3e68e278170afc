"""The command as people start it."""

import os
import pathlib
import subprocess
import sys

import pytest

from labcore import cli

ROOT = str(pathlib.Path(cli.__file__).parents[1])
BOOT = f"import sys; sys.path.append({ROOT!r}); from labcore.cli import main; main()"


@pytest.fixture
def labcore(tmp_path):
    def run(*words, **options):
        command = [sys.executable, "-ISBXutf8", "-c", BOOT, "--root", str(tmp_path / "state"), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, **options)

    return run


@pytest.mark.parametrize("words, code, said", [
    (["what"], 2, "labcore: there is no verb 'what'\n  hint: `labcore --help` lists them\n"),
    (["--what"], 2, "labcore: unknown option --what\n  hint: --help lists the options\n"),
    (["run"], 2, "labcore: run needs an image\n  hint: labcore run busybox echo hi\n"),
    (["run", "--name", "..", "busybox"], 1, "labcore: container ID '..': not a name\n"),
    (["run", "--name", "", "busybox"], 1, "labcore: container ID '': not a name\n"),
    (["run", "--preserve-fds", "x", "./x"], 1, "labcore: root file system ./x: does not exist\n"),
    (["run", "--no-pivot", "/usr"], 2, "labcore: --no-pivot: refused"),
    (["run", "--detach", "./nothing"], 1, "labcore: root file system ./nothing: does not exist\n"),
    (["run", "--bundle", "/none", "x"], 1, "labcore: /none/config.json: No such file or directory\n"),
    (["create", "--bundle", "/none", "x"], 1, "labcore: /none/config.json: No such file or directory\n"),
    (["state", "nobody"], 1, "labcore: container 'nobody' does not exist\n"),
    (["start"], 2, "labcore: this needs one container ID\n"),
    (["kill", "x", "HATS"], 2, "labcore: unknown signal 'HATS'\n"),
    (["exec", "nobody", "true"], 1, "labcore: container 'nobody' does not exist\n"),
    (["rm", "nobody"], 1, "labcore: container 'nobody' does not exist\n"),
])
def test_mistake_is_told_once_without_a_traceback(words, code, said, labcore):
    done = labcore(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(said) and len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize("words", [["rm", "--force", "nobody"], ["delete", "--force", "nobody"], ["ps"], ["list"]])
def test_nothing_to_do_is_no_error(words, labcore):
    assert labcore(*words).returncode == 0


def test_front_page_and_every_help(labcore):
    assert labcore("--help").stdout == cli.USAGE
    assert labcore().returncode == 2
    assert labcore("--version").stdout.endswith("\nspec: 1.2.0\n")
    done = labcore("run", "--help")
    assert done.returncode == 0 and "  --pids-limit N" in done.stdout and "examples:" in done.stdout


def test_engines_log_gets_the_error_as_json(labcore, tmp_path):
    log = tmp_path / "log"
    labcore("--log", str(log), "--log-format", "json", "state", "nobody")
    labcore("--log", str(log), "state", "nobody")
    first, second = log.read_text().splitlines()
    assert '"level":"error"' in first and '"msg":"container \'nobody\' does not exist"' in first
    assert second.endswith(" error: container 'nobody' does not exist")


def test_reader_that_has_gone_is_no_traceback(labcore):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-ISBXutf8", "-c", BOOT, "--help"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=30)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(os.geteuid() != 0, reason="containers without root: see tests/oci")
def test_d_that_belongs_to_the_program_detaches_nothing(leaves_no_trace, labcore, busybox):
    done = labcore("run", "--rm", busybox, "ls", "-d", "/proc")
    assert (done.returncode, done.stdout, done.stderr) == (0, "/proc\n", "")
