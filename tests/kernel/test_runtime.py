"""The verbs, each from a process of its own, and nothing left behind."""

import os
import signal

import pytest

from labcore import cgroupfs, default, errors, facts, namespace, plan, runtime, state

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="containers without root: see tests/oci"),
              pytest.mark.usefixtures("leaves_no_trace")]
NAME = f"kernel-test-{os.getpid()}"


@pytest.fixture
def box(child, busybox, tmp_path):
    """`box(f, *args, **options)`: f(config) in a child whose containers are kept in a directory of the test."""
    def run(function, *args, **options):
        def tell():
            state.DEFAULT_ROOT = f"{tmp_path}/state"
            os.dup2(os.open("/dev/null", os.O_RDWR), 0)
            config = default.config(NAME, busybox, list(args), facts.read(), options)
            try:
                found = function(config)
            finally:
                try:
                    runtime.delete(NAME, force=True)
                except errors.NotFound:
                    pass
            return [found, os.listdir(f"{tmp_path}/state")]

        found, left = child(tell)
        assert left == []
        return found

    return run


def ended(handles):
    return os.waitstatus_to_exitcode(os.waitpid(handles["init"], 0)[1])


def limits():
    """The cgroup directory of a subsystem of the container."""
    here = facts.read()
    paths = plan.CGROUPS[here["cgroup"]].places(here, state.load(NAME)["cgroupPath"])
    return lambda subsystem: paths.get(subsystem) or paths["unified"]


def test_create_start_wait_delete(box):
    def tell(config):
        runtime.create(NAME, "/", config, attached=True)
        created = state.load(NAME)
        there, here = namespace.inspect(created["pid"]), namespace.inspect()
        own = sorted(k for k in here if here[k] != there[k])
        runtime.start(NAME, attached=True)
        code = ended({"init": created["pid"]})
        stopped = state.load(NAME)["status"]
        runtime.delete(NAME)
        return [created["status"], own, code, stopped]

    assert box(tell, "sh", "-c", "exit 7") == ["created", ["cgroup", "ipc", "mnt", "net", "pid", "uts"], 7, "stopped"]


@pytest.mark.skipif(facts.read()["cgroup"] == 0, reason="no cgroup here that root may write to")
def test_limits_are_the_kernels_and_go_with_the_container(box):
    def tell(config):
        handles = runtime.run(NAME, "/", config)
        at, version = limits(), facts.read()["cgroup"]
        files = {1: (("memory", "memory.limit_in_bytes"), ("pids", "pids.max"), ("cpu", "cpu.cfs_quota_us")),
                 2: (("memory", "memory.max"), ("pids", "pids.max"), ("cpu", "cpu.max"))}[version]
        values = [cgroupfs.read(at(subsystem), file).split()[0] for subsystem, file in files]
        members = cgroupfs.processes(at("memory"))
        runtime.delete(NAME, force=True)
        os.waitpid(handles["init"], 0)
        return [values, members == [handles["init"]], os.path.exists(at("memory"))]

    found = box(tell, "sleep", "1000", memory="32m", pids_limit="20", cpus="0.5")
    assert found == [[str(32 << 20), "20", "50000"], True, False]


@pytest.mark.skipif(facts.read()["cgroup"] == 0, reason="no cgroup here that root may write to")
def test_memory_limit_kills(box):
    def tell(config):
        return ended(runtime.run(NAME, "/", config))

    assert box(tell, "dd", "if=/dev/zero", "of=/dev/null", "bs=200M", memory="16m") == -signal.SIGKILL


def test_exec_is_in_the_same_namespaces_and_cgroup(box):
    def tell(config):
        handles = runtime.run(NAME, "/", config)
        process = config["process"] | {"args": ["sleep", "1000"]}
        entered = runtime.enter(NAME, process, attached=True)
        same = namespace.inspect(handles["init"]) == namespace.inspect(entered["init"])
        cgroups = [open(f"/proc/{h['init']}/cgroup").read() for h in (handles, entered)]
        os.kill(entered["init"], signal.SIGKILL)
        return [same, cgroups[0] == cgroups[1], ended(entered)]

    assert box(tell, "sleep", "1000") == [True, True, -9]


@pytest.mark.parametrize("args, options, code, said", [
    (["no-such-program"], {}, 127, "process.find_program: process.args[0]: 'no-such-program' is not in this root"),
    (["/etc/passwd"], {}, 126, "process.find_program: process.args[0]: '/etc/passwd' cannot be executed: Permission"),
    (["true"], {"user": "stranger"}, 1, "process.find_user: process.user: no user 'stranger'"),
    (["true"], {"workdir": "/none"}, 1, "process.find_program: process.cwd: '/none': No such file or directory"),
    (["true"], {"volume": ["/etc/passwd:/proc/self/x"]}, 1, "mount.bind: "),
])
def test_failed_create_says_which_step_and_leaves_nothing(args, options, code, said, box):
    def tell(config):
        try:
            runtime.create(NAME, "/", config)
        except errors.StepFailed as error:
            return [error.exit_code, error.args[0], state.list_ids()]

    found_code, text, ids = box(tell, *args, **options)
    assert (found_code, ids) == (code, []) and text.startswith(said), text


@pytest.mark.parametrize("text, code, said", [
    ("#!/nowhere\n", 127, "process.execute: the program cannot be executed: No such file or directory"),
    ("no format known\n", 126, "process.execute: the program cannot be executed: Exec format error"),
])
def test_program_that_the_kernel_refuses_at_last_is_told_and_leaves_nothing(text, code, said, box, tmp_path):
    (tmp_path / "program").write_text(text)
    (tmp_path / "program").chmod(0o755)

    def tell(config):
        try:
            runtime.run(NAME, "/", config)
        except errors.StepFailed as error:
            return [error.exit_code, error.args[0], state.list_ids()]

    assert box(tell, "/program", volume=[f"{tmp_path}/program:/program"]) == [code, said, []]


def test_taken_name_is_left_alone(box):
    def tell(config):
        runtime.create(NAME, "/", config)
        before = state.load(NAME)
        try:
            runtime.create(NAME, "/", config)
        except errors.LabError as error:
            return [error.args[0], state.load(NAME) == before]

    assert box(tell, "true") == [f"state.claim: container '{NAME}' exists already", True]


def test_verbs_say_which_status_they_need(box):
    def tell(config):
        said = []
        runtime.create(NAME, "/", config)
        for verb in (lambda: runtime.delete(NAME), lambda: runtime.start(NAME), lambda: runtime.start(NAME),
                     lambda: runtime.create("", "/", config), lambda: runtime.kill("nobody", 15)):
            try:
                verb()
            except errors.LabError as error:
                said.append(error.args[0])
        return said

    assert box(tell, "sleep", "1000") == [
        f"container '{NAME}' is created; delete needs stopped", f"container '{NAME}' is running; start needs created",
        "container ID '': not a name", "container 'nobody' does not exist"]


def test_kill_reaches_init_or_everybody(box):
    def tell(config):
        handles = runtime.run(NAME, "/", config)
        entered = runtime.enter(NAME, config["process"] | {"args": ["sleep", "1000"]}, attached=True)
        runtime.kill(NAME, signal.SIGTERM, everybody=True)
        one = ended(entered)
        runtime.kill(NAME, signal.SIGKILL)
        return [one, ended(handles), state.load(NAME)["status"]]

    if not facts.read()["cgroup"]:
        pytest.skip("without a cgroup nobody knows who everybody is")
    assert box(tell, "sleep", "1000") == [-15, -9, "stopped"]  # init is number one: TERM does not reach it


def test_created_container_outlives_its_maker(box):
    def tell(config):
        maker = os.fork()
        if maker == 0:
            runtime.create(NAME, "/", config)
            os._exit(0)
        os.waitpid(maker, 0)
        return state.load(NAME)["status"]

    assert box(tell, "true") == "created"


def test_state_directory_that_cannot_be_made_is_the_error_that_is_told(box, tmp_path):
    def tell(config):
        os.mkdir(f"{tmp_path}/state", 0o700)
        os.mkdir(f"{tmp_path}/full", 0o700)
        from labcore import mount, syscalls

        syscalls.unshare(syscalls.CLONE_NEWNS)
        mount.set_propagation("private")
        syscalls.mount("tmpfs", f"{tmp_path}/full", "tmpfs", 0, "nr_inodes=1,mode=700")
        state.DEFAULT_ROOT = f"{tmp_path}/full"
        try:
            runtime.create(NAME, "/", config)
        except errors.LabError as error:
            return error.args[0]

    assert "No space left on device" in box(tell, "true")
