"""What every test stands on: orphans are caught, a cgroup of our own, no trace left, no unexpected skip.

`leaves_no_trace` is asked for by name: `def test_x(leaves_no_trace)` or `pytestmark = pytest.mark.usefixtures(...)`.
"""

import ctypes
import fcntl
import gc
import os
import pathlib
import select
import signal
import socket
import time

import pytest

TESTS = pathlib.Path(__file__).parent
CGROUPS = pathlib.Path("/sys/fs/cgroup")
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
DEADLINE_S = 5.0  # how long dying things may take to be gone

# ---- orphans ----------------------------------------------------------------------------------------------------
# A test starts a command, the command starts a monitor, the command ends: whose child is the monitor now? PID 1's, and
# nobody could tell it from a neighbour's process. So pytest forks once, before it has threads: the parent becomes a
# subreaper (it adopts and reaps orphans at once, as PID 1 does), the child goes on as pytest.


def become_child_of_a_reaper():
    """Fork; the child returns, the parent reaps until the child ends and passes its status on. — prctl(2)"""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.fork()
    if child == 0:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        # Ctrl-C reaches the child by itself; a signal sent to this PID alone is handed on
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else lambda n, _: os.kill(child, n))
    status = None
    while status is None:
        pid, ended = os.waitpid(-1, 0)
        status = ended if pid == child else None
    for pid in descendants(os.getpid()):  # started by a test and still here: nobody else will end it
        os.write(2, f"left running by the tests, killed: {describe(pid)}\n".encode())
        os.kill(pid, signal.SIGKILL)
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass
    if os.geteuid() == 0:
        remove_own_cgroups(child)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def processes():
    """pid → (parent, start time, state, name) of every process — proc_pid_stat(5)."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                head, _, tail = pathlib.Path("/proc", name, "stat").read_text("utf-8", "replace").rpartition(")")
            except OSError:
                continue  # it ended meanwhile
            fields = tail.split()
            found[int(name)] = (int(fields[1]), int(fields[19]), fields[0], head.partition("(")[2])
    return found


def descendants(root, but=()):
    """pid → (start time, state, name) of every process below root."""
    table, below, grown = processes(), {root}, True
    while grown:
        new = {pid for pid, (parent, *_) in table.items() if parent in below and pid not in below}
        below |= new
        grown = bool(new)
    return {pid: table[pid][1:] for pid in below - {root, *but} if pid in table}


def describe(pid):
    try:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        words = ""
    _, _, state, name = processes().get(pid, (0, 0, "", "gone"))
    return f"process {pid} ({'zombie: ' if state == 'Z' else ''}{words.strip()[:100] or name})"


REAPER = None  # the parent's PID; None where conftest was loaded by something that is not a test run


def pytest_configure(config):
    global REAPER
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # started with & by a shell: tests of Ctrl-C need it as it is
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not config.option.collectonly and len(os.listdir("/proc/self/task")) == 1:
        become_child_of_a_reaper()
        REAPER = os.getppid()


# ---- a cgroup of our own ----------------------------------------------------------------------------------------


def hierarchies():
    """mount point → this process's cgroup in it, for each cgroup hierarchy below /sys/fs/cgroup — cgroups(7)."""
    mounts = {}
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind in ("cgroup", "cgroup2") and where.startswith(str(CGROUPS)):
            mounts[where] = None if kind == "cgroup2" else set(options.split(","))
    found = {}
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        for where, options in mounts.items():
            is_v2 = number == "0" and options is None
            if is_v2 or (options and controllers and set(controllers.split(",")) <= options):
                found[pathlib.Path(where)] = path
    return found


def make_cgroup(path, top):
    """Make a cgroup and its parents below top; on v1 a new cpuset is empty and takes nobody in before it is filled."""
    if path == top:
        return
    make_cgroup(path.parent, top)
    path.mkdir(exist_ok=True)
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = path / name
        if file.exists() and (top / "tasks").exists() and not file.read_text().strip():
            file.write_text((path.parent / name).read_text())


def remove_own_cgroups(pid, timeout_s=DEADLINE_S):
    """Remove /labcore-tests/PID and what tests made below it: EBUSY while a process in it is on its way out."""
    deadline = time.monotonic() + timeout_s
    for top in hierarchies():
        for path, _, _ in list(os.walk(top / "labcore-tests" / str(pid), topdown=False)):
            while True:
                try:
                    os.rmdir(path)
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)  # a cgroup sends no event on v1
        try:
            (top / "labcore-tests").rmdir()  # unless another run is in it, or it never was
        except OSError:
            pass


@pytest.fixture(scope="session", autouse=True)
def own_cgroup():
    """As root, pytest lives in /labcore-tests/PID of every hierarchy whose root cgroup it started in, and goes back.

    A runtime that resolves a relative cgroupsPath against its caller's cgroup then stays in ours. Where we were
    started in a cgroup other than the root, another program put us there to count or end us (on a machine with
    cgroup v1 this is often so for memory): we do not leave it. Tests give absolute cgroup paths.
    """
    mine = f"labcore-tests/{os.getpid()}"
    moved = {}
    if os.geteuid() == 0:
        for top, path in hierarchies().items():
            if path == "/":
                try:
                    make_cgroup(top / mine, top)
                    (top / mine / "cgroup.procs").write_text(str(os.getpid()))
                except OSError:  # a hierarchy that is read-only here
                    continue
                moved[top] = top / mine
    yield moved
    for top in moved:
        (top / "cgroup.procs").write_text(str(os.getpid()))
    if not REAPER:  # which otherwise does it when all processes are gone, even after a SIGKILL of pytest
        remove_own_cgroups(os.getpid())


# ---- no trace ---------------------------------------------------------------------------------------------------


def look():
    """Everything a test could leave behind, as sets of lines that a person can read."""
    own = os.getpid()
    started = descendants(REAPER, but=[own]) if REAPER else descendants(own)
    namespaces = {f"{k} namespace {link('/proc/self/ns/' + k)} of pytest itself" for k in os.listdir("/proc/self/ns")}
    fds = {f"descriptor {fd} → {link(f'/proc/self/fd/{fd}')}" for fd in os.listdir("/proc/self/fd")}
    null = os.stat("/dev/null")
    return {
        "processes": {(pid, start) for pid, (start, *_) in started.items()},
        "namespaces": namespaces,
        "mounts": set(pathlib.Path("/proc/self/mountinfo").read_text().splitlines()),
        "cgroups": set(lab_cgroups()),
        "links": {f"network link {name}" for _, name in socket.if_nameindex()},
        "named network namespaces": listing("/run/netns"),
        "descriptors": {d for d in fds if "→ gone" not in d},
        "state": state_entries(),
        "the machine": {
            f"host name {os.uname().nodename}",
            f"/dev/null owner {null.st_uid}:{null.st_gid} mode {null.st_mode:o} device {null.st_rdev}",
        },
    }


def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return "gone"  # the descriptor that listed the directory


def listing(path):
    try:
        return {f"{path}/{name}" for name in os.listdir(path)}
    except OSError:
        return set()


def lab_cgroups():
    """Every cgroup at or below one whose name begins with labcore; not those in which test runs like this one live."""
    for top in hierarchies():
        for path, _, _ in os.walk(top):
            below = path[len(str(top)) :]
            run = pathlib.PurePath(below).match("/labcore-tests/*") or below == "/labcore-tests"
            if "/labcore" in below and not run:
                yield path


def state_entries():
    """What is in the state directories of every user, and whatever else is called labcore in /tmp."""
    roots = {"/run/labcore"} | {f"{user}/labcore" for user in listing("/run/user")}
    in_tmp = {path for path in listing("/tmp") if path.startswith("/tmp/labcore-")}
    of_users = {path for path in in_tmp if path.removeprefix("/tmp/labcore-").isdigit()}
    return (in_tmp - of_users).union(*map(listing, roots | of_users))


def differences(before, after):
    """Lines that say what is there now and was not, or was there and is not."""
    lines = []
    for kind, then in before.items():
        for item in sorted(after[kind] - then):
            lines.append(f"left:    {describe(item[0]) if kind == 'processes' else item}")
        if kind not in ("processes", "descriptors"):  # an older fixture's process or file may end meanwhile
            lines += [f"missing: {item}" for item in sorted(then - after[kind])]
    return lines


def wait_for_change(before, after, timeout_s):
    """Until a left-over process ends, or a short time: mounts, cgroups and files send no event that fits here."""
    fds = []
    for pid, _ in after["processes"] - before["processes"]:
        try:
            fds.append(os.pidfd_open(pid))
        except OSError:
            pass
    select.select(fds, [], [], min(timeout_s, 0.5 if fds else 0))
    time.sleep(0.02)
    for fd in fds:
        os.close(fd)


@pytest.fixture
def leaves_no_trace():
    """Compare processes, namespaces, mounts, cgroups, links, descriptors and state before and after the test.

    Dying things get until a deadline. Test runs that use this fixture wait for each other, machine-wide: cgroups and
    state directories are everybody's, and a neighbour's container is not our trace.
    """
    turn = os.open("/run", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(turn, fcntl.LOCK_EX)
    gc.collect()
    before = look()
    yield
    deadline = time.monotonic() + DEADLINE_S
    gc.collect()
    while left := differences(before, after := look()):
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            break
        wait_for_change(before, after, remaining)
    os.close(turn)
    if left:
        pytest.fail("the test left a trace\n  " + "\n  ".join(left), pytrace=False)


# ---- skips ------------------------------------------------------------------------------------------------------
# tests/expected-skips.txt:  pattern of the test's id | pattern of the reason   # why it may skip on CI
# `*` stands for anything; the ids of parametrised tests hold brackets, so nothing else is special.

EXPECTED = TESTS / "expected-skips.txt"
NO_REASON = {"", "unconditional skip"}
skips = []  # (test id, reason)


def matches(pattern, text):
    first, *rest = pattern.strip().split("*")
    if not rest:
        return text == first
    if not text.startswith(first):
        return False
    at = len(first)
    for part in rest[:-1]:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - at >= len(rest[-1]) and text.endswith(rest[-1])


def expected_skips():
    lines = EXPECTED.read_text("utf-8").splitlines() if EXPECTED.exists() else []
    for line in lines:
        entry, _, why = line.partition("  #")
        if entry.strip() and not entry.startswith("#"):
            test, bar, reason = entry.partition("|")
            if not (bar and reason.strip() and why.strip()):
                raise pytest.UsageError(f"{EXPECTED.name}: want 'test | reason  # why', not {line!r}")
            yield test, reason


def note_skip(report):
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        skips.append((report.nodeid, reason.removeprefix("Skipped:").strip()))


def pytest_runtest_logreport(report):
    note_skip(report)


def pytest_collectreport(report):
    note_skip(report)


def bad_skips():
    """Skips without a reason; on CI also those that nobody expected."""
    expected = list(expected_skips())
    for test, reason in skips:
        if reason in NO_REASON:
            yield test, "gives no reason"
        elif os.environ.get("CI") == "true" and not any(matches(t, test) and matches(r, reason) for t, r in expected):
            yield test, reason


def pytest_sessionfinish(session, exitstatus):
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) and any(bad_skips()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if bad := list(bad_skips()):
        terminalreporter.section("skips that nobody expected", red=True, bold=True)
        for test, reason in bad:
            terminalreporter.write_line(f"{test}: {reason}")
        terminalreporter.write_line(f"Make them run, or say in {EXPECTED.name} why they may skip.")
