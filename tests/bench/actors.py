"""The processes that do what is timed, each asked over a pipe, one JSON line a question. Started by stage.py.

    actors.py spawner              starts programs, from a process that is small: {"argv": […]}
    actors.py notebook MEGABYTES   plays a notebook that holds so much memory: {"run": bundle}, {"start": name}, …
"""

import json
import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def serve(answer):
    """Answer questions until there are no more; what is printed meanwhile goes to standard error."""
    lines = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            said = answer(**json.loads(line))
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        lines.write(json.dumps(said) + "\n")
        lines.flush()


def spawn(argv):
    """Start a program, wait for it: {ms, cpu_ms, code, said} — posix_spawn(3), wait4(2)."""
    said = os.memfd_create("said")
    actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, said, 1),
               (os.POSIX_SPAWN_DUP2, said, 2)]  # fmt: skip
    begun = time.perf_counter()
    child = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions, setsigmask=[])
    _, status, used = os.wait4(child, 0)
    taken = (time.perf_counter() - begun) * 1e3
    text = os.pread(said, 4096, max(0, os.fstat(said).st_size - 4096)).decode("utf-8", "replace").strip()
    os.close(said)
    return {"ms": taken, "cpu_ms": (used.ru_utime + used.ru_stime) * 1e3, "code": os.waitstatus_to_exitcode(status),
            "said": text}  # fmt: skip


class Notebook:
    """What a notebook's cells would do."""

    def __init__(self, megabytes):
        sys.path.insert(0, str(ROOT))
        import ipywidgets  # noqa: F401  a notebook has it

        from labcore.notebook import containers, link

        self.ballast = b"x" * (megabytes << 20)
        self.containers, self.link, self.boxes, self.used_ms = containers, link, {}, 0

    def answer(self, run=None, start=None, delete=None):
        """One question."""
        begun = time.perf_counter()
        if run:
            box = self.containers.Container("bench", bundle=run)
            box.run()
            taken, used, self.used_ms = (time.perf_counter() - begun) * 1e3, self.used_ms, self.cpu_ms()
            return {"ms": taken, "code": box.code, "cpu_ms": self.used_ms - used}
        if start:
            self.boxes[start] = self.containers.Container(start, "busybox", ["sleep", "3600"]).start()
            return {"ms": (time.perf_counter() - begun) * 1e3, "code": 0, "pid": self.boxes[start].pid}
        self.boxes.pop(delete).delete()
        return {"ms": (time.perf_counter() - begun) * 1e3, "code": 0}

    def cpu_ms(self):
        """Processor time so far of this process, its launcher, and everything born there, reaped or not."""
        return time.process_time() * 1e3 + family_ticks(self.link.here().known["hello"]) * 1e3 / TICKS_A_SECOND


def family_ticks(pid):
    """User and system time of a process, of its living children and of those it has reaped — proc(5), stat."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0  # it has just ended: its parent will have its time
    return sum(map(int, fields[11:15])) + sum(map(family_ticks, children))


if __name__ == "__main__":
    if sys.argv[1] == "notebook":
        serve(Notebook(int(sys.argv[2])).answer)
    else:
        serve(spawn)
