"""The lab host: whose namespaces are its own, and whose interpreter nobody can write."""

import importlib.util
import os
import pathlib

import pytest

spec = importlib.util.spec_from_file_location("launcher_tests", pathlib.Path(__file__).with_name("test_launcher.py"))
launcher_tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(launcher_tests)
notebook = launcher_tests.notebook
pytestmark = [
    pytest.mark.usefixtures("leaves_no_trace"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]


def test_the_lab_host_shares_only_pid_cgroup_user_and_time_with_the_machine():
    said = notebook("""
        import os
        mine = {k: os.readlink(f"/proc/self/ns/{k}") for k in os.listdir("/proc/self/ns")}
        print(*[k for k, at in Process.host().namespaces().items() if at == mine[k]])
    """)
    assert said == "pid user cgroup time\n"


def test_the_lab_host_is_called_host_and_its_loopback_is_up_and_its_root_is_shared():
    said = notebook("""
        host = Process.host()
        host.sh("hostname; ip -brief link show lo | grep -o UNKNOWN; findmnt -no PROPAGATION / | grep -o shared")
    """)
    assert said == "host\nUNKNOWN\nshared\n"


def test_the_interpreter_cannot_be_written_through_the_launcher_or_an_actor():
    """CVE-2019-5736: /proc/PID/exe lies on a read-only mount, so that it stays EROFS when nothing runs it any more."""
    said = notebook("""
        import os
        def is_readonly(number):
            return bool(os.statvfs(f"/proc/{number}/exe").f_flag & os.ST_RDONLY)
        host, alice = Process.host(), Process("alice")
        launcher = int(alice.look()["status"]["PPid"])
        print([host.call(is_readonly, number) for number in (launcher, alice.pid, os.getpid())])
    """)
    assert said == "[True, True, False]\n"


def test_a_key_that_an_actor_leaves_is_for_the_whole_lab_host_and_not_for_the_notebook():
    said = notebook("""
        from labcore import syscalls
        alice, bob = Process("alice"), Process("bob")
        alice.call(syscalls.add_key, "labs-own", "4711")
        print(bob.call(syscalls.keyctl_read, bob.call(syscalls.request_key, "labs-own")))
        try:
            syscalls.request_key("labs-own")
        except OSError:
            print("not here")
    """)
    assert said == "4711\nnot here\n"
