"""A process and no other: by PID and start time, then by pidfd."""

import os
import signal

import pytest

from labcore import pid


@pytest.fixture
def sleeper():
    """A child that sleeps until it is killed."""
    number = os.fork()
    if number == 0:
        signal.pause()
        os._exit(0)
    yield number
    try:
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def test_start_time_is_field_22_and_ends_with_the_process(sleeper):
    with open(f"/proc/{sleeper}/stat") as file:
        assert pid.start_time(sleeper) == int(file.read().rpartition(")")[2].split()[19])
    os.kill(sleeper, signal.SIGKILL)
    os.waitid(os.P_PID, sleeper, os.WEXITED | os.WNOWAIT)
    assert pid.start_time(sleeper) is None  # a zombie is nobody
    os.waitpid(sleeper, 0)
    assert pid.start_time(sleeper) is None


def test_name_with_brackets_and_spaces_does_not_confuse_it(child):
    def tell():
        with open("/proc/self/comm", "w") as file:
            file.write(") S 1 (x")
        return pid.start_time("self") == pid.start_time(os.getpid()) > 0

    assert child(tell) is True


def test_kill_spares_another_process_with_the_same_number(sleeper):
    pid.kill(sleeper, pid.start_time(sleeper) - 1, signal.SIGKILL)
    assert pid.start_time(sleeper)
    with pytest.raises(ProcessLookupError):
        pid.open(sleeper, 1)
    pid.kill(sleeper, pid.start_time(sleeper), signal.SIGKILL)
    assert os.waitpid(sleeper, os.WNOHANG)[0] == sleeper  # kill has waited for the end


def test_killing_what_is_gone_is_no_error(sleeper):
    started = pid.start_time(sleeper)
    os.kill(sleeper, signal.SIGKILL)
    os.waitpid(sleeper, 0)
    pid.kill(sleeper, started, signal.SIGKILL)
    pid.kill(sleeper, None, signal.SIGTERM)


def test_new_session_has_no_terminal_of_the_callers(child):
    def tell():
        pid.new_session()
        return [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid(),
                open("/proc/self/stat").read().rpartition(")")[2].split()[4]]

    assert child(tell) == [True, True, "0"]


def test_hidden_process_cannot_be_looked_into_by_its_own_user(child):
    def tell():
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        from labcore import syscalls

        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
        seen = []
        for _ in range(2):
            looker = os.fork()
            if looker == 0:
                try:
                    os.readlink(f"/proc/{os.getppid()}/exe")
                    os._exit(0)
                except PermissionError:
                    os._exit(13)
            seen.append(os.waitstatus_to_exitcode(os.waitpid(looker, 0)[1]))
            pid.hide()
        return seen

    assert child(tell) == [0, 13]
