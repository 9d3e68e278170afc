"""Does the program run as if Python had exec'ed it itself, and can nobody reach Python's file on the way?"""

import contextlib
import errno
import fcntl
import hashlib
import mmap
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

from labcore import trampoline

CHECKOUT = str(pathlib.Path(trampoline.__file__).parents[1])
PYTHON = os.path.realpath(sys.executable)
LAUNCH = f"""
import os, sys
sys.path.append({CHECKOUT!r})
from labcore import trampoline
given, channel, path, argv = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
if channel != given:
    os.dup2(given, channel)
    os.close(given)
os.execve(trampoline.seal(), trampoline.arguments(path, argv, channel), {{"A": "1", "EMPTY": "", "UMLAUT": "\\xe4"}})
"""
# The program under test tells what it got, in the kernel's words.
TELL = """
import os
print(open('/proc/self/cmdline', 'rb').read())
print(open('/proc/self/environ', 'rb').read())
print(sorted(os.listdir('/proc/self/fd')))
print(os.readlink('/proc/self/exe'))
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this at all")


@contextlib.contextmanager
def launched(*argv, python=PYTHON, code=LAUNCH, channel=None, **options):
    """A child that goes through the trampoline to argv; gives the process and the reading end of its channel."""
    reader, writer = os.pipe()
    command = [python, "-ISB", "-X", "utf8", "-c", code, str(writer), str(channel or writer), *map(str, argv)]
    child = subprocess.Popen(command, pass_fds=[writer, *options.pop("pass_fds", ())], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, **options)
    os.close(writer)
    try:
        yield child, reader
    finally:
        child.kill()
        child.communicate()
        os.close(reader)


def run(*argv, **options):
    """Its exit status, the errno it reported (0: none), and what the program printed."""
    with launched(*argv, **options) as (child, reader):
        out, err = child.communicate(timeout=20)
        assert err == b"", err.decode()
        return child.returncode, trampoline.read_report(os.read(reader, 100)), out.decode()


def executable(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_program_gets_exactly_its_arguments_environment_and_descriptors():
    argv = ["a name of its own", "-ISBc", TELL, "", "two words", "\xe4"]
    status, error, out = run(PYTHON, *argv)
    cmdline, environ, descriptors, exe = out.splitlines()
    assert (status, error) == (0, 0)
    assert cmdline == repr(b"".join(word.encode() + b"\0" for word in argv))
    assert environ == repr("A=1\0EMPTY=\0UMLAUT=\xe4\0".encode())
    assert descriptors == "['0', '1', '2', '3']"            # 3 is the listing itself
    assert exe == PYTHON


@pytest.mark.parametrize("channel", [128, 255])
def test_channel_may_be_any_descriptor_of_one_byte(channel):
    assert run("/nowhere", "x", channel=channel)[:2] == (127, errno.ENOENT)


def test_channel_ends_while_the_program_still_runs():
    with launched("/bin/cat", "cat", stdin=subprocess.PIPE) as (child, reader):
        assert os.read(reader, 100) == b""                  # returns: end-of-file
        assert child.poll() is None


def test_exit_status_is_the_programs_own():
    assert run("/bin/sh", "sh", "-c", "exit 42")[:2] == (42, 0)


def test_program_that_is_not_there_is_127():
    assert run("/nowhere/at/all", "x") == (127, errno.ENOENT, "")


def test_program_below_a_file_is_126():
    assert run("/etc/passwd/x", "x") == (126, errno.ENOTDIR, "")


def test_file_without_execute_permission_is_126(tmp_path):
    (tmp_path / "data").write_text("#!/bin/sh\n")
    assert run(tmp_path / "data", "x") == (126, errno.EACCES, "")


def test_directory_is_126(tmp_path):
    assert run(tmp_path, "x") == (126, errno.EACCES, "")


def test_file_of_no_known_format_is_126(tmp_path):
    assert run(executable(tmp_path / "text", "echo hi\n"), "x") == (126, errno.ENOEXEC, "")


def test_script_whose_interpreter_is_missing_is_127(tmp_path):
    assert run(executable(tmp_path / "script", "#!/nowhere\n"), "x") == (127, errno.ENOENT, "")


def test_script_runs(tmp_path):
    assert run(executable(tmp_path / "script", "#!/bin/echo\n"), "x", "y") == (0, 0, f"{tmp_path}/script y\n")


@pytest.mark.parametrize("argv", [[], [b""], [b"/proc/self/exe", "/bin/true", "true"], [b"\x01", "/bin/true", "true"],
                                  [b"\x01\x02", "/bin/true", "true"], [b"\x01\x09"], [b"\x01\x09", "/bin/true"],
                                  [b"\x01\x09", "/bin/true", "true"]])
def test_anything_but_a_call_of_ours_is_126(argv, tmp_path):
    file = tmp_path / "trampoline"
    file.write_bytes(trampoline.image(os.uname().machine))
    file.chmod(0o755)
    done = subprocess.run(argv or [b""], executable=file, capture_output=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (126, b"", b"")


# The attack, with a copy of the interpreter as its target.

@pytest.fixture
def attack(tmp_path):
    """A copy of Python, and an entry point that makes it run the image's code when /proc/self/exe is Python."""
    python = shutil.copy(PYTHON, tmp_path / "python")
    proof = tmp_path / "proof"
    code = f"#!/proc/self/exe\nimport os\nopen({str(proof)!r}, 'w').write(os.readlink('/proc/self/exe'))\n"
    return str(python), executable(tmp_path / "entry", code), proof


def test_without_the_trampoline_the_image_runs_the_interpreter(attack):
    python, entry, proof = attack
    run(entry, "x", python=python, code="import os, sys; os.execv(sys.argv[3], sys.argv[4:])")
    assert proof.read_text() == python


def test_with_the_trampoline_the_image_runs_nothing(attack):
    python, entry, proof = attack
    before = hashlib.sha256(pathlib.Path(python).read_bytes()).digest()
    assert run(entry, "x", python=python) == (126, 0, "")
    assert not proof.exists()
    assert hashlib.sha256(pathlib.Path(python).read_bytes()).digest() == before


def test_image_that_forges_the_mark_gets_nothing_either(tmp_path):
    (tmp_path / "\x01\x05").symlink_to("/proc/self/exe")
    entry = executable(tmp_path / "entry", "#!\x01\x05 /bin/sh\n")
    assert run(entry, "x", channel=5, cwd=tmp_path) == (126, 0, "")


@contextlib.contextmanager
def halted_in_the_trampoline():
    """A child that stays in the trampoline: its report does not fit into a full pipe."""
    alive, closes_at_exec = os.pipe()
    code = LAUNCH.replace("given, channel", f"os.set_inheritable({closes_at_exec}, False)\ngiven, channel", 1)
    fill = "os.set_blocking(channel, False)\ntry:\n    while os.write(channel, bytes(4096)): pass\n" \
           "except BlockingIOError: os.set_blocking(channel, True)\nos.execve"
    with launched("/nowhere", "x", code=code.replace("os.execve", fill), pass_fds=[closes_at_exec]) as (child, reader):
        os.close(closes_at_exec)
        assert os.read(alive, 1) == b""                     # close-on-exec: the trampoline is there
        os.close(alive)
        yield child, reader


def test_nothing_but_the_memfd_is_seen_in_proc_meanwhile():
    with halted_in_the_trampoline() as (child, _):
        if os.geteuid() == 0:
            assert os.readlink(f"/proc/{child.pid}/exe") == "/memfd:labcore (deleted)"
        else:                                               # not readable, so not dumpable
            with pytest.raises(PermissionError):
                os.readlink(f"/proc/{child.pid}/exe")


@as_root
def test_the_classic_overwrite_finds_a_sealed_file():
    """Hold /proc/PID/exe open, wait until nobody runs it, open it again for writing: so runtimes were overwritten."""
    with halted_in_the_trampoline() as (child, reader):
        held = os.open(f"/proc/{child.pid}/exe", os.O_RDONLY)
        with pytest.raises(OSError) as refusal:
            os.open(f"/proc/self/fd/{held}", os.O_WRONLY)
        assert refusal.value.errno == errno.ETXTBSY
        report = b""
        while block := os.read(reader, 1 << 20):
            report = (report + block)[-4:]
        assert trampoline.read_report(report) == errno.ENOENT
        assert child.wait() == 127
        again = os.open(f"/proc/self/fd/{held}", os.O_RDWR)
        assert unchangeable(again)
        os.close(again)
        os.close(held)


def unchangeable(fd):
    """Every way to change the file behind fd is refused, with EPERM where a seal says so."""
    attempts = [lambda: os.pwrite(fd, b"x", 0), lambda: os.pwrite(fd, b"x", 4096), lambda: os.ftruncate(fd, 0),
                lambda: os.ftruncate(fd, 1 << 20), lambda: os.posix_fallocate(fd, 0, 1 << 20),
                lambda: mmap.mmap(fd, 64, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE),
                lambda: fcntl.fcntl(fd, fcntl.F_ADD_SEALS, 0x10)]
    for attempt in attempts:
        with pytest.raises(PermissionError):
            attempt()
    return os.pread(fd, 1000, 0) == trampoline.image(os.uname().machine)


@pytest.fixture
def sealed():
    fd = trampoline.seal()
    yield fd
    os.close(fd)


def test_sealed_memfd_cannot_be_changed_even_by_its_owner(sealed):
    assert unchangeable(sealed)
    assert not os.get_inheritable(sealed)


def test_chmod_does_not_open_it_for_writing_nor_end_its_being_executable(sealed):
    os.fchmod(sealed, 0o777)                                # execute bits as before: allowed, and of no use
    writer = os.open(f"/proc/self/fd/{sealed}", os.O_RDWR)
    assert unchangeable(writer)
    os.close(writer)
    if not fcntl.fcntl(sealed, fcntl.F_GET_SEALS) & trampoline.F_SEAL_EXEC:
        pytest.skip("kernel before 6.3: no F_SEAL_EXEC")
    with pytest.raises(PermissionError):
        os.fchmod(sealed, 0)


@as_root
def test_holding_a_shared_one_open_stops_its_next_exec_so_each_exec_has_its_own(sealed):
    writer = os.open(f"/proc/self/fd/{sealed}", os.O_RDWR)
    with pytest.raises(OSError) as refusal:
        subprocess.run(["x"], executable=f"/proc/self/fd/{sealed}", pass_fds=[sealed])
    os.close(writer)
    assert refusal.value.errno == errno.ETXTBSY


@as_root
def test_unprivileged_user_may_exec_it():
    code = LAUNCH.replace("os.execve(trampoline.seal()", "fd = trampoline.seal(); os.setgroups([]);"
                          "os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534); os.execve(fd")
    assert run("/usr/bin/id", "id", "-u", code=code) == (0, 0, "65534\n")


@as_root
def test_set_user_id_bit_on_it_gives_nothing():
    code = LAUNCH.replace("os.execve(trampoline.seal()", "fd = trampoline.seal(); os.fchmod(fd, 0o6555);"
                          "os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534);"
                          "os.execve(fd")
    assert run("/usr/bin/id", "id", "-u", code=code) == (0, 0, "65534\n")


def test_parent_death_signal_survives_both_execs():
    arm = f"import ctypes; ctypes.CDLL(None).prctl(1, {int(signal.SIGUSR1)}); os.execve"
    tell = "import ctypes; s = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(s)); print(s.value)"
    code = LAUNCH.replace("os.execve", arm)
    assert run(PYTHON, "python", "-ISBc", tell, code=code) == (0, 0, f"{int(signal.SIGUSR1)}\n")


@as_root
@pytest.mark.skipif(not os.path.exists("/proc/sys/vm/memfd_noexec"), reason="kernel before 6.3: no vm.memfd_noexec")
def test_machine_that_forbids_executable_memfds_gets_a_hint():
    """The setting belongs to the PID namespace, so a new one can be spoilt without touching the machine."""
    seal = f"import sys; sys.path.append({CHECKOUT!r})\nfrom labcore import trampoline, errors\n" \
           "try: trampoline.seal()\nexcept errors.HostError as error: print(error.hint)"
    script = 'echo $1 >/proc/sys/vm/memfd_noexec && exec "$2" -ISBc "$3"'
    for level, answer in ("1", ""), ("2", "sysctl vm.memfd_noexec"):
        command = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh", level, PYTHON, seal]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(answer) and bool(done.stdout) == bool(answer)


# arm64, in user-mode emulation: its own execve goes to this machine's programs.

@pytest.mark.parametrize("mark, path, status, report", [
    (b"\x01", "/bin/true", 0, b""), (b"\x01", "/nowhere", 127, b"\x02\0\0\x80"),
    (b"\x01", "/etc", 126, b"\x0d\0\0\x80"), (b"/", "/bin/true", 126, b"")])
def test_arm64_trampoline_answers_the_same(mark, path, status, report, tmp_path):
    qemu = shutil.which("qemu-aarch64-static") or pytest.skip("no qemu-aarch64-static here")
    file = tmp_path / "trampoline"
    file.write_bytes(trampoline.image("aarch64"))
    file.chmod(0o755)
    reader, writer = os.pipe()
    done = subprocess.run([qemu, "-0", mark + bytes([writer]), file, path, "program"], pass_fds=[writer], timeout=20)
    os.close(writer)
    said = os.read(reader, 100)
    os.close(reader)
    assert (done.returncode, said) == (status, report)
