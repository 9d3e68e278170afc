"""A real JupyterLab, started the way setup/lab.sh does, with everything it writes in a directory of the test's."""

import contextlib
import os
import re
import secrets
import socket
import subprocess
import sys
import threading

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/")
HOMES = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "run",
         "IPYTHONDIR": "ipython", "MPLCONFIGDIR": "matplotlib", "TMPDIR": "tmp"}  # fmt: skip
START_S, END_S = 60, 15


class Server:
    """A JupyterLab that runs: its address, its token, and what it has said so far."""

    def __init__(self, directory, notebooks):
        self.token, self.lines, self.heard = secrets.token_hex(16), [], threading.Event()
        self.address = None
        self.child = subprocess.Popen(
            command(notebooks), cwd=notebooks, env=environment(directory, self.token), text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.reader = threading.Thread(target=self.listen, daemon=True)
        self.reader.start()

    def listen(self):
        """Read what it says until it ends; the first address in it is where it is served."""
        for line in self.child.stdout:
            self.lines.append(line)
            found = ADDRESS.search(line)
            if found and not self.address:
                self.address = found[0]
                self.heard.set()
        self.heard.set()

    def end(self):
        """End it and its kernels, as `kill` would."""
        self.child.terminate()
        try:
            self.child.wait(END_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise AssertionError(f"JupyterLab did not end within {END_S} s:\n{self.said()}") from None
        finally:
            self.child.wait()
            self.reader.join(END_S)
            self.child.stdout.close()

    def said(self):
        """Its last words."""
        return "".join(self.lines[-40:])


@contextlib.contextmanager
def serve(directory, notebooks):
    """A server for the length of a `with` block."""
    server = Server(directory, notebooks)
    try:
        assert server.heard.wait(START_S) and server.address, f"JupyterLab does not start:\n{server.said()}"
        yield server
    finally:
        server.end()


def command(notebooks):
    """What setup/lab.sh runs, but for a free port: 0 would be one, and then it tells nobody which."""
    root = ["--allow-root"] if os.geteuid() == 0 else []
    return [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={free_port()}",
            f"--ServerApp.root_dir={notebooks}", "--ServerApp.answer_yes=True", "--no-browser", *root]  # fmt: skip


def free_port():
    """A port that nobody listens on now; if somebody takes it before Jupyter does, Jupyter tries others."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(directory, token):
    """The caller's, without marks of pytest or of another Jupyter; the lab's own programs are found first."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "JUPYTER", "JPY_"))}
    homes = {name: str(directory / place) for name, place in HOMES.items()}
    for place in homes.values():
        os.makedirs(place, mode=0o700, exist_ok=True)
    path = f"{os.path.dirname(sys.executable)}:{os.environ.get('PATH', os.defpath)}"
    return ours | homes | {"PATH": path, "JUPYTER_TOKEN": token, "PYTHONDONTWRITEBYTECODE": "1"}
