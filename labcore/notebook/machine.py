"""The real machine: a command as you would type it in a terminal beside the notebook, as yourself.

    machine.sh("labcore ps")          # prints what it prints
    machine.out("uname -r")           # returns it as text

Actors live on the lab host; this does not. It is for `labcore` itself, and for looking at the lab host from outside.
"""

import os
import sys


def sh(command):
    """Run a shell command on the machine and print what it prints; a status other than 0 stands in a last line."""
    done = _run(command, errors_too=True)
    print(done.stdout, end="")
    if done.returncode:
        from .process import ending

        print(f"({ending(done.returncode)})")


def out(command):
    """The text that a shell command on the machine prints; CommandFailed if it fails."""
    done = _run(command)
    if done.returncode:
        from .process import CommandFailed, ending

        raise CommandFailed(f"machine: {command}: {ending(done.returncode)}", done.stderr.strip() or None)
    return done.stdout


def _run(command, errors_too=False):
    import subprocess  # lazily: it costs milliseconds, and only lessons use it

    path = [os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
    return subprocess.run(
        ["/bin/sh", "-c", command], env=os.environ | {"PATH": ":".join(path)}, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT if errors_too else subprocess.PIPE,
    )  # fmt: skip
