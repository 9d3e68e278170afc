"""What the tests of this folder share: a runtime as a command, a bundle to be edited, looks at the kernel."""

import json
import os
import pathlib
import select
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parents[2]
LABCORE = str(HERE / ".venv/bin/labcore")
RUNTIME = os.environ.get("RUNTIME", "labcore")
TIMEOUT_S = 20
SILENT = {"capture_output": False, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
# crun refuses a machine whose version 2 tree is mounted beside the others: it gets a view without
WITHOUT_UNIFIED = 'if [ -d "$0" ]; then umount "$0"; fi; exec "$@"'

sys.path.append(str(HERE))
from labcore import default  # noqa: E402


def command(root):
    """The words that start the runtime, with its states below root."""
    if RUNTIME == "labcore":
        return [LABCORE, "--root", str(root)]
    if RUNTIME == "crun":
        return ["unshare", "-m", "sh", "-c", WITHOUT_UNIFIED, "/sys/fs/cgroup/unified", "crun", "--root", str(root)]
    return [RUNTIME, "--root", str(root)]


class Lab:
    """One runtime with a state directory of its own."""

    def __init__(self, root, tmp_path):
        self.root, self.tmp, self.started, self.count = root, tmp_path, [], 0

    def __call__(self, *words, code=0, through=(), **options):
        """Run a command to its end; its exit code must be `code` (None: any). `through` are words before its own."""
        options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": TIMEOUT_S} | options
        done = subprocess.run([*through, *command(self.root), *map(str, words)], **options)
        text = f"\n{' '.join(map(str, words))}\n{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert code is None or done.returncode == code, text
        assert "Traceback" not in (done.stderr or ""), text
        return done

    def start(self, *words, **options):
        """Start a command and do not wait for it."""
        usual = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen([*command(self.root), *map(str, words)], **(usual | options))
        self.started.append(process)
        return process

    def out(self, *words, **options):
        return self(*words, **options).stdout

    def state(self, container_id):
        return json.loads(self.out("state", container_id))

    def id(self):
        self.count += 1
        return f"t{os.getpid()}-{self.count}"

    def ids(self):
        return sorted(p.name for p in self.root.iterdir()) if self.root.exists() else []

    def clean(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
        for container_id in self.ids():
            self("delete", "--force", container_id, code=None)
        for process in self.started:  # only now: what ran in a container may have held the other end
            process.communicate()


class Bundle:
    """A directory with config.json, and a configuration to be edited before it is written."""

    def __init__(self, path, config):
        self.path, self.config = path, config

    @property
    def rootfs(self):
        return pathlib.Path(self.config["root"]["path"])

    def write(self):
        self.path.mkdir(exist_ok=True)
        (self.path / "config.json").write_text(json.dumps(self.config))
        return self.path


def plain(*args):
    """What a bundle says when nobody has edited it."""
    kinds = ("uts", "ipc", "pid", "network", "mount", "cgroup")
    caps = {name: default.caps.DEFAULT for name in ("bounding", "effective", "permitted")}
    return {
        "ociVersion": "1.0.2", "hostname": "box", "root": {"path": "rootfs", "readonly": False},
        "process": {"args": list(args), "cwd": "/", "env": ["PATH=/bin", "HOME=/root"], "user": {"uid": 0, "gid": 0},
                    "capabilities": caps, "noNewPrivileges": True},
        "mounts": [m for m in default.mounts(True) if m["type"] != "cgroup"],
        "linux": {"namespaces": [{"type": k} for k in kinds], "maskedPaths": default.MASKED,
                  "readonlyPaths": default.READONLY},
    }  # fmt: skip


def wait_until_gone(pid):
    """Until a process that may be anybody's child has ended. — pidfd_open(2)"""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([fd], [], [], TIMEOUT_S)[0], f"{pid} still runs"
    finally:
        os.close(fd)


def status(pid):
    """/proc/PID/status as a dict — proc_pid_status(5)."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {k: v.strip() for k, _, v in (line.partition(":") for line in lines)}


def wait_until_it_waits(process):
    """Until a labcore that runs a program has nothing to do but to wait for it — proc(5), wchan."""
    for _ in range(TIMEOUT_S * 1000):
        if "wait" in pathlib.Path(f"/proc/{process.pid}/wchan").read_text():
            return
        select.select([], [], [], 0.001)
    raise AssertionError("it does not wait")
