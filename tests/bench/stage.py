"""Where it is measured: actors, bundles, the containers that are running, and how all of it goes away again."""

import contextlib
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile

import actors

ROOT = actors.ROOT
LABCORE = str(ROOT / ".venv/bin/labcore")
MARK = f"bench-{os.getpid()}"
PRIVATE = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"'  # crun refuses a hybrid tree that owns hugetlb


class Failed(Exception):
    """Something could not be measured; the text says why."""


class Actor:
    """A process of actors.py; a session of its own, so that Ctrl-C is for us alone."""

    def __init__(self, *words, private=False, isolated=True, apart=False):
        program = [sys.executable, *(["-ISB"] if isolated else ["-B"]), str(pathlib.Path(actors.__file__)), *words]
        if private:
            program = ["unshare", "--mount", "--propagation", "private", "sh", "-c", PRIVATE, "sh", *program]
        program = [*(["unshare", "--net"] if apart else []), *program]
        self.process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)

    def ask(self, code=0, **question):
        """One question, its answer; Failed when it did not go well."""
        try:
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed("the actor has died") from None
        if not select.select([self.process.stdout], [], [], 120)[0]:
            raise Failed(f"no answer within 120 s: {question}")
        answer = json.loads(self.process.stdout.readline() or '{"error": "the actor has died"}')
        if answer.get("error"):
            raise Failed(answer["error"])
        if answer["code"] != code:
            what = " ".join(question.get("argv", ["notebook"]))
            raise Failed(f"`{what}` ended with {answer['code']}: {answer.get('said', '')[-300:]}")
        return answer

    def close(self):
        """End it and wait: a notebook takes its launcher along."""
        self.process.stdin.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Stage:
    """Everything is made when first asked for, and removed at the end."""

    def __init__(self):
        self.stack, self.made = contextlib.ExitStack(), {}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="labcore-bench-"))
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        if os.geteuid() == 0:  # the peers keep their state where they usually do: in memory
            self.run = pathlib.Path(tempfile.mkdtemp(prefix="labcore-bench-", dir="/run"))
            self.stack.callback(shutil.rmtree, self.run, ignore_errors=True)
        self.names = {}
        self.stack.callback(self.remove_all)

    def close(self):
        """Leave nothing behind."""
        self.stack.close()

    def once(self, key, make):
        """What `make` returns, the same each time."""
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def actor(self, *words, **options):
        """An actor, kept."""
        def make():
            actor = Actor(*words, **options)
            self.stack.callback(actor.close)
            return actor

        return self.once((words, tuple(options)), make)

    def spawner(self):
        """It starts programs."""
        return self.actor("spawner")

    def notebook(self, megabytes=0):
        """It plays a notebook."""
        return self.actor("notebook", str(megabytes), isolated=False)

    def spawn(self, *argv, code=0):
        """Milliseconds and processor time of one program."""
        return self.spawner().ask(argv=list(map(str, argv)), code=code)

    def apart(self, *words):
        """The same of labcore with these words, where it has a network namespace and a state directory of its own."""
        argv = [LABCORE, "--root", f"{self.run}/apart", *words]
        return self.actor("spawner", apart=True).ask(argv=argv)

    def crun(self, bundle):
        """The same, of `crun run`, where it sees cgroup version 1 alone."""
        need("crun")
        argv = ["crun", "--root", f"{self.run}/crun", "run", "--bundle", str(bundle), MARK]
        return self.actor("spawner", private=True).ask(argv=argv)

    def runc(self, bundle):
        """The same, of `runc run`."""
        need("runc")
        return self.spawn("runc", "--root", f"{self.run}/runc", "run", "--bundle", bundle, MARK)

    def detach(self, name):
        """Start a detached container that sleeps."""
        self.names[name] = True
        return self.spawn(LABCORE, "run", "-d", "--name", name, "busybox", "sleep", "3600")

    def remove(self, *names):
        """Remove containers of the command line."""
        for at in range(0, len(names), 50):
            self.spawn(LABCORE, "rm", "--force", *names[at : at + 50])
        for name in names:
            self.names.pop(name, None)

    def remove_all(self):
        """Whatever happened."""
        for name in list(self.names):
            subprocess.run([LABCORE, "rm", "--force", name], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def bundle(self, *args):
        """A bundle with busybox that runs args: all namespaces, the usual mounts, limits."""
        return self.once(("bundle", args), lambda: make_bundle(self.folder / f"bundle{len(self.made)}", args))


def need(program):
    """Failed when a program is not installed."""
    if shutil.which(program) is None:
        raise Failed(f"{program} is not installed")


def make_bundle(folder, args):
    """config.json and a root file system; what engines ask for by default, and limits for memory, cpu and pids."""
    source = next((p for p in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(p)), None)
    if source is None:
        raise Failed("busybox-static is not installed")
    for name in ("bin", "dev", "proc", "sys", "etc", "tmp"):
        (folder / "rootfs" / name).mkdir(parents=True)
    shutil.copy(source, folder / "rootfs/bin/busybox")
    for name in ("sh", "true", "sleep"):
        (folder / "rootfs/bin" / name).symlink_to("busybox")
    (folder / "config.json").write_text(json.dumps(config(list(args)), indent=1))
    return str(folder)


def config(args):
    """The configuration of that bundle, as the OCI runtime specification has it."""
    quiet = ["nosuid", "noexec", "nodev"]
    rows = (("/proc", "proc", quiet), ("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            ("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            ("/dev/shm", "tmpfs", [*quiet, "mode=1777", "size=65536k"]), ("/dev/mqueue", "mqueue", quiet),
            ("/sys", "sysfs", [*quiet, "ro"]), ("/sys/fs/cgroup", "cgroup", [*quiet, "relatime", "ro"]))  # fmt: skip
    caps = ["CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
            "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID",
            "CAP_SYS_CHROOT"]  # fmt: skip
    resources = {"memory": {"limit": 64 << 20}, "cpu": {"quota": 50_000, "period": 100_000}, "pids": {"limit": 100},
                 "devices": [{"allow": False, "access": "rwm"}]}  # fmt: skip
    return {
        "ociVersion": "1.0.2", "hostname": "bench", "root": {"path": "rootfs", "readonly": False},
        "process": {"args": args, "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}, "terminal": False,
                    "noNewPrivileges": True,
                    "capabilities": {k: caps for k in ("bounding", "effective", "permitted")}},
        "mounts": [{"destination": d, "type": t, "source": t, "options": o} for d, t, o in rows],
        "linux": {
            "namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount", "cgroup")],
            "resources": resources,
            "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                            "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
                            "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    }  # fmt: skip
