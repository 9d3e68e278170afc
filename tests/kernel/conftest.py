"""No kernel test touches the test process: a step runs in a child, in new namespaces, and the child tells."""

import json
import os
import signal
import traceback

import pytest

from labcore import errors, mount, syscalls
from labcore.image import template

FLAGS = {"uts": 0x4000000, "ipc": 0x8000000, "pid": 0x20000000, "net": 0x40000000, "mnt": 0x20000, "user": 0x10000000}


def pytest_collection_modifyitems(items):
    """Steps are root's; the way without root goes through a user namespace, where each test says so itself."""
    for item in items:
        if os.geteuid() != 0 and "child" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason="steps of a container need root"))


@pytest.fixture
def child():
    """`child(function, "uts", "mnt")`: what the function returns in a process with these namespaces new, as JSON."""
    return run


def run(function, *kinds, maps=True):
    reader, writer = os.pipe()
    ready, go = os.pipe()
    pid = syscalls.clone(sum(FLAGS[kind] for kind in kinds))
    if pid == 0:
        os.close(go)
        os.read(ready, 1)
        tell(function, kinds, writer)
    os.close(writer)
    os.close(ready)
    if "user" in kinds and maps:
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{pid}/{name}", "w") as file:
                file.write("0 0 65536\n")
    os.close(go)
    with open(reader, encoding="utf-8") as pipe:
        text = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 0, f"the child ended with {status}:\n{text}"
    return json.loads(text) if text else None


def tell(function, kinds, writer):
    code = 1
    try:
        signal.alarm(30)  # nothing here may hang the tests
        if "mnt" in kinds:
            mount.set_propagation("slave" if "user" in kinds else "private")
        text, code = json.dumps(function()), 0
    except BaseException:
        text = traceback.format_exc()
    finally:
        data = text.encode()
        while data:
            data = data[os.write(writer, data) :]
        os._exit(code)


@pytest.fixture
def refusal():
    """`refusal(function)`: (kind of error, its one line) of a call that must be refused; for use inside a child."""
    return refused


def refused(function, *args, **named):
    try:
        value = function(*args, **named)
    except (OSError, errors.LabError) as error:
        return [type(error).__name__, errors.describe(error)]
    raise AssertionError(f"was not refused, gave {value!r}")


@pytest.fixture
def mounts():
    """`mounts()`: {mount point: its options and its file system's type}, as this process sees it."""
    return mount_table


def mount_table():
    found = {}
    with open("/proc/self/mountinfo") as file:
        for line in file:
            left, _, right = line.rstrip("\n").partition(" - ")
            fields = left.split(" ")
            found[fields[4]] = {right.split(" ")[0], *fields[5].split(","), *fields[6:]}
    return found


@pytest.fixture(scope="session")
def busybox(tmp_path_factory):
    """The path of a root file system around this machine's busybox."""
    try:
        top = tmp_path_factory.mktemp("template")
        path = template.busybox(str(top))
    except errors.HostError:
        pytest.skip("no static busybox on this machine (apt install busybox-static)")
    at = top
    while at.stat().st_uid == os.geteuid() and at != at.parent and at.name != "tmp":
        at.chmod(0o755)  # a container's user must be able to walk to it
        at = at.parent
    return path
