"""What the VM promises, and what only a machine with a version 2 tree can show of the lab. Runs in the VM only."""

import json
import os
import pathlib
import subprocess

import pytest

from labcore import facts
from labcore.notebook import CLONE_NEWUTS, Process, unshare

TOP = pathlib.Path("/sys/fs/cgroup")
LABCORE = pathlib.Path(__file__).parents[2] / ".venv/bin/labcore"


def words(path):
    return path.read_text().split()


def test_the_tree_is_one_version_2_tree_with_all_controllers_passed_on():
    (line,) = [at for at in pathlib.Path("/proc/self/mounts").read_text().splitlines() if "/sys/fs/cgroup" in at]
    assert line.split()[2] == "cgroup2" and "nsdelegate" in line.split()[3].split(",")
    assert {"cpu", "cpuset", "io", "memory", "pids"} <= set(words(TOP / "cgroup.controllers"))
    assert words(TOP / "cgroup.subtree_control") == words(TOP / "cgroup.controllers")
    assert facts.read()["cgroup"] == 2


def test_no_systemd_is_there():
    assert pathlib.Path("/proc/1/comm").read_text() == "sh\n" and not os.path.exists("/run/systemd/system")


def test_the_doctor_finds_version_2():
    done = subprocess.run([LABCORE, "doctor", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {f["name"]: f["found"] for f in json.loads(done.stdout)}["cgroups"] == "v2"


def test_the_launcher_and_its_actors_work_here():
    host, alice = Process.host(), Process("alice")
    assert alice.hostname() == host.hostname() and alice.ns("uts") == host.ns("uts")
    alice.call(unshare, CLONE_NEWUTS)
    assert alice.ns("uts") != host.ns("uts")


@pytest.mark.usefixtures("leaves_no_trace")
def test_a_run_with_limits_has_them_and_leaves_nothing():
    look = "cd /sys/fs/cgroup; cat memory.max pids.max cpu.max; cat /proc/self/cgroup"
    done = subprocess.run([LABCORE, "run", "--rm", "--memory", "32m", "--pids-limit", "20", "--cpus", "0.5", "busybox",
                           "sh", "-c", look], capture_output=True, text=True)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [str(32 << 20), "20", "50000 100000", "0::/"]
