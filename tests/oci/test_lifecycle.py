"""create, start, state, kill, delete: do they do what the OCI runtime specification says?"""

import array
import os
import pathlib
import signal
import socket
import subprocess

import pytest

from tests.oci.box import RUNTIME, SILENT, TIMEOUT_S, status, wait_until_gone

pytestmark = pytest.mark.oci


@pytest.fixture
def created(lab, bundle, tmp_path):
    """created(args…) → the ID of a container whose init waits for start."""

    def created(*args, edit=None, words=(), **options):
        made = bundle(*(args or ("sleep", "1000")))
        container_id = lab.id()
        made.config["linux"]["cgroupsPath"] = f"/labcore.{container_id}"
        if edit:
            edit(made.config)
        lab("create", "--bundle", made.write(), *words, container_id, **(SILENT | options))
        return container_id

    return created


def test_a_created_container_has_a_process_but_has_not_run_its_program(lab, created, tmp_path):
    def shared(config):
        mount = {"destination": "/shared", "type": "bind", "source": str(tmp_path), "options": ["rbind"]}
        config["mounts"].append(mount)

    container = created("sh", "-c", "echo ran > /shared/ran; sleep 1000", edit=shared)
    state = lab.state(container)
    assert state["status"] == "created" and state["id"] == container and state["ociVersion"].startswith("1.")
    assert status(state["pid"])["NSpid"].split()[-1] == "1"
    assert not (tmp_path / "ran").exists()
    lab("start", container)
    assert lab.state(container)["status"] == "running"
    assert lab.state(container)["pid"] == state["pid"]


def test_a_container_whose_program_has_ended_is_stopped(lab, created):
    container = created("true")
    pid = lab.state(container)["pid"]
    lab("start", container)
    wait_until_gone(pid)
    state = lab.state(container)
    assert state["status"] == "stopped" and state.get("pid", 0) == 0
    lab("delete", container)
    lab("state", container, code=1)


def test_state_names_the_bundle_and_its_annotations(lab, created):
    container = created(edit=lambda c: c.update(annotations={"org.example.a": "b"}))
    state = lab.state(container)
    assert state["annotations"]["org.example.a"] == "b"
    assert os.path.isfile(f"{state['bundle']}/config.json")


@pytest.mark.parametrize("verb", ["start", "delete", "kill"])
def test_a_verb_in_the_wrong_state_is_refused_and_changes_nothing(lab, running, created, verb):
    if verb == "kill":
        container = created("true")
        pid = lab.state(container)["pid"]
        lab("start", container)
        wait_until_gone(pid)
    else:
        container = running()
    before = lab.state(container)
    lab(verb, container, code=1)
    assert lab.state(container) == before


@pytest.mark.parametrize("verb", ["state", "start", "kill", "delete"])
def test_a_container_that_does_not_exist_is_an_error(lab, verb):
    done = lab(verb, "nobody", code=1)
    assert "exist" in done.stderr or RUNTIME != "labcore"


def test_a_forced_delete_of_what_is_gone_is_no_error(lab):
    lab("delete", "--force", "nobody")


def test_a_forced_delete_ends_what_runs(lab, running):
    container = running()
    pid = lab.state(container)["pid"]
    lab("delete", "--force", container)
    wait_until_gone(pid)
    assert container not in lab.ids()


def test_a_created_container_can_be_deleted_by_force_without_ever_starting(lab, created):
    container = created()
    pid = lab.state(container)["pid"]
    lab("delete", "--force", container)
    wait_until_gone(pid)


def test_a_created_container_can_be_killed(lab, created):
    container = created()
    pid = lab.state(container)["pid"]
    lab("kill", container, "KILL")
    wait_until_gone(pid)
    lab("delete", container)


def test_the_pid_file_holds_init(lab, created, tmp_path):
    container = created(words=("--pid-file", tmp_path / "pid"))
    assert int((tmp_path / "pid").read_text()) == lab.state(container)["pid"]


def test_a_name_that_is_taken_is_refused_and_the_container_lives_on(lab, bundle, running):
    container = running()
    lab("create", "--bundle", bundle("true").write(), container, code=1)
    assert lab.state(container)["status"] == "running"


@pytest.mark.parametrize("count", [2, 8])
def test_of_parallel_creates_of_one_name_exactly_one_wins(lab, bundle, count):
    made = bundle("sleep", "1000")
    made.config["linux"]["cgroupsPath"] = f"/labcore.{lab.id()}"
    words, container = ("create", "--bundle", made.write()), lab.id()
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    racing = [lab.start(*words, container, **silent) for _ in range(count)]
    codes = sorted(p.wait(TIMEOUT_S) for p in racing)
    assert codes == [0] + [1] * (count - 1)
    assert lab.state(container)["status"] == "created"
    lab("start", container)
    assert lab.state(container)["status"] == "running"


@pytest.mark.parametrize("name, number", [("USR1", 10), ("SIGUSR1", 10), ("10", 10), ("TERM", 15)])
def test_kill_sends_the_signal_by_name_or_number(lab, running, tmp_path, name, number):
    os.mkfifo(tmp_path / "fifo")

    def shared(config):
        mount = {"destination": "/shared", "type": "bind", "source": str(tmp_path), "options": ["rbind"]}
        config["mounts"].append(mount)

    script = "trap 'echo 10 > /shared/fifo' USR1; trap 'echo 15 > /shared/fifo' TERM; echo ready > /shared/fifo; "
    container = running("sh", "-c", script + "while :; do sleep 1000 & wait; done", edit=shared)
    assert (tmp_path / "fifo").read_text() == "ready\n"
    lab("kill", container, name)
    assert (tmp_path / "fifo").read_text() == f"{number}\n"


def test_a_console_socket_receives_the_terminal(lab, created, tmp_path):
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "console"))
        door.listen()
        container = created("sh", "-c", "tty; read x; echo got $x",
                            edit=lambda c: c["process"].update(terminal=True, consoleSize={"height": 33, "width": 44}),
                            words=("--console-socket", tmp_path / "console"))  # fmt: skip
        guest, _ = door.accept()
    with guest:
        _, beside, _, _ = guest.recvmsg(100, socket.CMSG_SPACE(4))
    master = array.array("i", beside[0][2])[0]
    try:
        rows, columns = os.get_terminal_size(master)[::-1]
        assert (rows, columns) == (33, 44)
        lab("start", container)
        os.write(master, b"word\n")
        text = read_terminal(master)
        assert "/dev/pts/0" in text or "/dev/console" in text
        assert "got word" in text
    finally:
        os.close(master)


def read_terminal(master):
    text = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            return text.decode()
        text += part


def test_preserved_descriptors_arrive_and_no_others(run, tmp_path):
    leaking = ("sh", "-c", 'exec "$@" 3>"$0" 4</ 5</ 6</', tmp_path / "three")
    done = run("echo hello >&3; ls -l /proc/self/fd", through=leaking, words=("--preserve-fds", "1"))
    assert (tmp_path / "three").read_text() == "hello\n"
    assert [line.split()[8] for line in done.stdout.splitlines() if "->" in line] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("text, code", [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -9 $$; sleep 9", None)])
def test_run_leaves_with_the_code_of_its_program(run, text, code):
    done = run(text, code=None)
    if code is not None:
        assert done.returncode == code


def test_a_program_that_a_signal_ends_is_told_by_128_and_its_number(run):
    # without a PID namespace it is not PID 1, which signals of its own do not reach
    def edit(config):
        config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "pid"]

    assert run("kill -USR1 $$", edit, code=128 + signal.SIGUSR1)


def test_create_says_no_before_start_when_there_is_no_such_program(lab, bundle):
    container = lab.id()
    lab("create", "--bundle", bundle("/no/such/program").write(), container, code=None)
    assert container not in lab.ids() or RUNTIME != "labcore"


def test_list_knows_every_container(lab, created):
    one, two = created(), created()
    assert set(lab.out("list", "--quiet").split()) == {one, two}


def test_a_bundle_is_the_current_directory_when_nothing_is_said(lab, bundle):
    made = bundle("echo", "here")
    made.config["linux"]["cgroupsPath"] = f"/labcore.{lab.id()}"
    container = lab.id()
    lab("create", container, cwd=made.write(), **SILENT)
    assert lab.state(container)["bundle"] == str(made.path)


def test_a_relative_root_path_lies_in_the_bundle(lab, bundle):
    made = bundle("echo", "here", copy=True)
    made.config["root"]["path"] = "rootfs"
    made.config["linux"]["cgroupsPath"] = f"/labcore.{lab.id()}"
    assert lab.out("run", "--bundle", made.write(), lab.id(), cwd="/") == "here\n"


def test_delete_leaves_no_cgroup(lab, created):
    container = created("true")
    pid = lab.state(container)["pid"]
    lines = pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    assert any(line.endswith(f"/labcore.{container}") for line in lines)
    lab("start", container)
    wait_until_gone(pid)
    lab("delete", container)  # leaves_no_trace looks for the rest


def test_the_container_of_an_engine_outlives_the_command_that_made_it(lab, created):
    # init's parent dies with `create`: nothing that was armed against a dying parent may be left
    for _ in range(5):
        container = created()
        assert lab.state(container)["status"] == "created"
        lab("start", container)
        assert lab.state(container)["status"] == "running"
        lab("delete", "--force", container)
