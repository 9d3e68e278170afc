"""Maps, as /proc/PID/uid_map shows them."""

import os

from labcore import syscalls, user


def mapped(uid_maps, gid_maps, before=None):
    """What uid_map, gid_map and setgroups say, and who a child in the new user namespace is."""
    reader, writer = os.pipe()
    ready, go = os.pipe()
    pid = syscalls.clone(syscalls.CLONE_NEWUSER)
    if pid == 0:
        os.close(go)
        os.read(ready, 1)
        try:
            user.become_root()
            os.write(writer, b"%d %d %d" % (*os.getresuid()[:2], os.getegid()))
        finally:
            os._exit(0)
    os.close(writer), os.close(ready)
    try:
        if before:
            before()
        user.write_maps(pid, uid_maps, gid_maps)
        files = [open(f"/proc/{pid}/{name}").read().split() for name in ("uid_map", "gid_map", "setgroups")]
    finally:
        os.close(go)
        who = os.read(reader, 100).decode()
        os.waitpid(pid, 0)
        os.close(reader)
    return [*files, who]


def one(inside, outside, size):
    return {"containerID": inside, "hostID": outside, "size": size}


def test_root_writes_any_map(child):
    found = child(lambda: mapped([one(0, 100000, 1000), one(1000, 5, 1)], [one(0, 7, 3)]))
    assert found == [["0", "100000", "1000", "1000", "5", "1"], ["0", "7", "3"], ["allow"], "0 0 0"]


def test_ordinary_user_maps_oneself_and_gives_up_setgroups(child):
    def tell():
        os.setgroups([])
        os.setresgid(4243, 4243, 4243), os.setresuid(4242, 4242, 4242)
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
        return mapped([one(0, 4242, 1)], [one(0, 4243, 1)])

    assert child(tell) == [["0", "4242", "1"], ["0", "4243", "1"], ["deny"], "0 0 0"]


def test_refused_map_is_said_with_its_text(child, refusal):
    def tell():
        os.setgroups([])
        os.setresgid(4243, 4243, 4243), os.setresuid(4242, 4242, 4242)
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
        return refusal(mapped, [one(0, 0, 1)], [one(0, 4243, 1)])

    assert child(tell) == ["PermissionError", "write '0 0 1' to uid_map: Operation not permitted"]


def test_setuid_helper_that_is_missing_is_named(child, refusal, monkeypatch):
    def tell():
        os.environ["PATH"] = "/nowhere"
        os.setgroups([])
        os.setresgid(4243, 4243, 4243), os.setresuid(4242, 4242, 4242)
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
        return refusal(mapped, [one(0, 4242, 1), one(1, 100000, 10)], [one(0, 4243, 1)])

    assert child(tell) == ["HostError", "newuidmap is not installed"]
