"""Who the program is, where it is found, and what it inherits: nothing."""

import os
import resource
import signal

import pytest

from labcore import errors, inroot, mount, process, rootfs, wire


@pytest.fixture
def image(tmp_path):
    """A root file system of files that are programs, or not quite."""
    for name, mode in {"bin/good": 0o755, "bin/private": 0o700, "bin/data": 0o644, "usr/bin/good": 0o755,
                       "work/local": 0o755, "late/data": 0o755, "group/tool": 0o750}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(mode)
    (tmp_path / "bin/directory").mkdir()
    (tmp_path / "closed").mkdir(mode=0o700)
    os.chown(tmp_path / "group/tool", 0, 42)
    os.symlink("/bin/good", tmp_path / "bin/link")
    os.symlink("loop", tmp_path / "bin/loop")
    tmp_path.chmod(0o755)
    return tmp_path


def find(child, image, name, path="/bin", cwd="/", uid=0, gid=0, groups=()):
    """What find_program says in that image, and as whom the process goes on."""
    def tell():
        rootfs.pivot(rootfs.open(str(image))["rootfs"])
        env = ["PATH=/nowhere", f"PATH={path}"] if path is not None else []
        try:
            found = process.find_program(name, env, cwd, uid, gid, list(groups))["program"]
        except errors.LabError as error:
            found = [getattr(error, "exit_code", None), error.args[0]]
        os.mkdir("/made", 0o700)  # still root: nothing of the user's view is left
        os.rmdir("/made")
        return [found, os.getcwd()]

    found, here = child(tell, "mnt")
    assert here == "/"
    return found


@pytest.mark.parametrize("name, path, cwd, found", [
    ("good", "/bin", "/", "/bin/good"),
    ("good", "/none:/usr/bin:/bin", "/", "/usr/bin/good"),
    ("link", "/bin", "/", "/bin/link"),
    ("local", "", "/work", "./local"),
    ("local", "/bin:", "/work", "./local"),
    ("local", ":/bin", "/work", "./local"),
    ("good", None, "/", "/usr/bin/good"),
    ("data", "/bin:/late", "/", "/late/data"),  # the first that may be executed, not the first of that name
    ("directory", "/bin", "/", [126, "process.args[0]: 'directory' cannot be executed: is a directory"]),
    ("data", "/bin", "/", [126, "process.args[0]: 'data' cannot be executed: Permission denied"]),
    ("/bin/data", "", "/", [126, "process.args[0]: '/bin/data' cannot be executed: Permission denied"]),
    ("none", "/bin", "/", [127, "process.args[0]: 'none' is not in this root file system"]),
    ("", "/bin", "/", [127, "process.args[0]: '' is not in this root file system"]),
    ("/none", "/bin", "/", [127, "process.args[0]: '/none' is not in this root file system"]),
    ("/bin/good/x", "/bin", "/", [127, "process.args[0]: '/bin/good/x' is not in this root file system"]),
    ("./local", "/bin", "/work", "./local"),
    ("../bin/good", "/bin", "/work", "../bin/good"),
    ("good", "/bin/good:/usr/bin", "/", "/usr/bin/good"),
    ("loop", "/bin", "/", [126, "process.args[0]: 'loop' cannot be executed: Too many levels of symbolic links"]),
    ("good", "/bin", "/none", [1, "process.cwd: '/none': No such file or directory"]),
    ("good", "/bin", "/bin/good", [1, "process.cwd: '/bin/good': Not a directory"]),
])
def test_program_is_found_as_a_shell_would(name, path, cwd, found, child, image):
    assert find(child, image, name, path, cwd) == found


@pytest.mark.parametrize("name, who, found", [
    ("private", {"uid": 7, "gid": 7}, [126, "process.args[0]: 'private' cannot be executed: Permission denied"]),
    ("private", {}, "/bin/private"),
    ("good", {"uid": 7, "gid": 7}, "/bin/good"),
    ("/group/tool", {"uid": 7, "gid": 42}, "/group/tool"),
    ("/group/tool", {"uid": 7, "gid": 7, "groups": [42]}, "/group/tool"),
    ("/group/tool", {"uid": 7, "gid": 7},
     [126, "process.args[0]: '/group/tool' cannot be executed: Permission denied"]),
    ("good", {"uid": 7, "gid": 7, "cwd": "/closed"}, [1, "process.cwd: '/closed': Permission denied"]),
])
def test_permission_is_that_of_the_final_user(name, who, found, child, image):
    assert find(child, image, name, **who) == found


PASSWD = "root:x:0:0:root:/root:/bin/sh\nann:x:5:6:Ann:/home/ann:/bin/sh\n77:x:8:9::/:\nann:x:1:1:::\n"
GROUP = "root:x:0:\nsix:x:6:\nmore:x:10:bob,ann\nextra:x:11:ann\nann:x:12:\n"


def look_up(child, image, user, passwd=PASSWD, group=GROUP):
    (image / "etc").mkdir(exist_ok=True)
    for name, text in (("passwd", passwd), ("group", group)):
        if isinstance(text, str | bytes):
            (image / "etc" / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        elif text:
            text(str(image / "etc" / name))

    def tell():
        rootfs.pivot(rootfs.open(str(image))["rootfs"])
        try:
            return process.find_user(user)
        except errors.LabError as error:
            return error.args[0]

    return child(tell, "mnt")


@pytest.mark.parametrize("user, uid, gid, groups, home", [
    ("root", 0, 0, [], "/root"), ("ann", 5, 6, [10, 11], "/home/ann"), ("5", 5, 6, [10, 11], "/home/ann"),
    ("1234", 1234, 0, [], "/"), ("ann:more", 5, 10, [], "/home/ann"), ("ann:99", 5, 99, [], "/home/ann"),
    ("1234:six", 1234, 6, [], "/"), ("77", 8, 9, [], "/"), ("4294967294", 4294967294, 0, [], "/"),
])
def test_user_is_looked_up_in_the_images_own_files(user, uid, gid, groups, home, child, image):
    assert look_up(child, image, user) == {"uid": uid, "gid": gid, "groups": groups, "home": home}


@pytest.mark.parametrize("user, said", [
    ("bob", "process.user: no user 'bob' in this root file system"),
    ("ann:crew", "process.user: no group 'crew' in this root file system"),
    ("", "process.user: no user '' in this root file system"),
    ("-1", "process.user: no user '-1' in this root file system"),
    ("\u00b2", "process.user: no user '\u00b2' in this root file system"),
    ("4294967295", "process.user: user 4294967295 is out of range"),
    ("0:4294967295", "process.user: group 4294967295 is out of range"),
    ("9" * 5000, f"process.user: user {'9' * 40} is out of range"),
])
def test_user_that_cannot_be_is_refused(user, said, child, image):
    assert look_up(child, image, user) == said


@pytest.mark.parametrize("passwd", [
    lambda p: os.mkfifo(p), lambda p: os.symlink("/dev/zero", p), lambda p: os.symlink("/dev/tty", p), None,
    lambda p: os.mkdir(p), b"\xff" * 100, b"ann:x:5\n", b"ann:x:-5:6:::\n", b"ann:x:" + b"9" * 5000 + b":6:::\n",
    b"ann:x:4294967295:6:::\n", b"ann:x:5:4294967296:::\n", b"x" * (2 << 20) + b"\nann:x:5:6:Ann:/:/\n",
    b"\nann:x:\xc2\xb2:6:::\n",
], ids=["fifo", "endless", "terminal", "none", "directory", "bytes", "short", "negative", "long number", "no change",
        "large group", "huge", "superscript"])
def test_hostile_passwd_gives_nobody_and_hangs_nobody(passwd, child, image):
    if passwd and not isinstance(passwd, bytes):
        os.makedirs(image / "dev", exist_ok=True)
        os.mknod(image / "dev/zero", 0o020666, os.makedev(1, 5))
    assert look_up(child, image, "ann", passwd) == "process.user: no user 'ann' in this root file system"


def test_program_has_exactly_the_identity_asked_for(child):
    def tell():
        os.setgroups([1, 2, 3])
        process.set_user(5, 6, [7], 0o027)
        return [os.getresuid(), os.getresgid(), os.getgroups(), os.umask(0)]

    assert child(tell) == [[5, 5, 5], [6, 6, 6], [7], 0o027]


def test_groups_of_the_caller_are_dropped(child):
    def tell():
        os.setgroups([1, 2, 3])
        process.set_user(0, 0, [], 0o022)
        return os.getgroups()

    assert child(tell) == []


def test_no_new_privileges_is_set_and_stays(child):
    def status():
        return [line.split()[1] for line in open("/proc/self/status") if line.startswith("NoNewPrivs")][0]

    def tell():
        before = status()
        process.set_no_new_privileges()
        return [before, status()]

    assert child(tell) == ["0", "1"]


def is_open(fd):
    try:
        return bool(os.fstat(fd))
    except OSError:
        return False


@pytest.mark.parametrize("keep, spare, left", [
    (0, [], [0, 1, 2]), (0, [9], [0, 1, 2, 9]), (2, [], [0, 1, 2, 3, 4]), (1, [3, 20, 7], [0, 1, 2, 3, 7, 20]),
    (0, [3, 4, 5], [0, 1, 2, 3, 4, 5]),
])
def test_descriptors_beyond_two_are_closed_but_for_those_named(keep, spare, left, child):
    """The process writes what it has left into its own name: every other way out is closed."""
    def tell():
        made = os.fork()
        if made == 0:
            for fd in (*range(3, 32), 900):
                os.dup2(0, fd)
            process.close_descriptors(keep, spare)
            code = sum(1 << min(fd, 40) for fd in range(1024) if is_open(fd))
            file = os.open("/proc/self/comm", os.O_WRONLY)
            os.write(file, b"%x" % code)
            os.close(file)
            os.kill(os.getpid(), signal.SIGSTOP)
            os._exit(0)
        os.waitpid(made, os.WUNTRACED)
        found = int(open(f"/proc/{made}/comm").read(), 16)
        os.kill(made, signal.SIGKILL)
        os.waitpid(made, 0)
        return [fd for fd in range(41) if found >> fd & 1]

    assert child(tell) == left


def test_every_signal_is_as_new(child):
    def masks():
        with open("/proc/self/status") as file:
            lines = [line for line in file if line.startswith(("SigBlk", "SigIgn", "SigCgt"))]
        return {line[:6]: int(line.split()[1], 16) for line in lines}

    def tell():
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGCHLD, signal.SIGRTMAX):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGRTMIN])
        before = masks()
        process.reset_signals()
        after = masks()  # what C code catches in this test process (faulthandler) ends with the exec
        had = bool(before["SigIgn"] and before["SigBlk"])
        return [had, after["SigIgn"], after["SigBlk"], after["SigCgt"] >> signal.SIGTERM - 1 & 1]

    assert child(tell) == [True, 0, 0, 0]


def test_program_dies_with_whoever_runs_it(child):
    def tell():
        reader, writer = os.pipe()
        here, there = wire.pair()
        middle = os.fork()
        if middle == 0:
            made = os.fork()
            if made == 0:
                os.close(reader)
                here.close()
                process.die_with_parent(there.fileno())
                os.write(writer, b"armed")
                signal.pause()
            os._exit(0 if os.read(reader, 5) == b"armed" else 1)
        os.close(writer)
        ended = os.waitstatus_to_exitcode(os.waitpid(middle, 0)[1])
        return [ended, os.read(reader, 5).decode()]  # end-of-file: the grandchild is gone

    assert child(tell) == [0, ""]


def test_parent_that_died_before_is_noticed(child, refusal):
    def tell():
        here, there = wire.pair()
        alive = process.is_gone(there.fileno())
        here.close()
        return [alive, refusal(process.die_with_parent, there.fileno())]

    assert child(tell) == [False, ["ProcessLookupError", "the parent has died already"]]


def test_working_directory_outside_the_root_is_refused(child, image, refusal, tmp_path):
    def tell():
        outside = os.open("/", os.O_PATH)
        root = rootfs.open(str(image))["rootfs"]
        mount.attach(root, "/proc", "proc", "proc", mount.options([]), True)
        rootfs.pivot(root)
        process.enter_directory("/work")
        return [os.getcwd(), refusal(process.enter_directory, f"/proc/self/fd/{outside}"),
                refusal(process.enter_directory, "/none")]

    here, outside, none = child(tell, "mnt")
    assert here == "/work" and outside[0] == none[0] == "SpecError"
    assert "lies outside the root file system" in outside[1]


def test_oom_score_is_set(child):
    def tell():
        process.set_oom_score(os.getpid(), 500)
        return open("/proc/self/oom_score_adj").read()

    assert child(tell) == "500\n"


def test_nothing_is_read_beyond_a_bounded_part_of_passwd(child, image):
    def tell():
        resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
        with open(image / "big", "wb") as file:
            file.truncate(8 << 30)
        return len(inroot.read(str(image / "big")))

    assert child(tell) == 1 << 20
