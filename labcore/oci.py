"""The verbs as the OCI runtime specification calls them, for engines; verbs.py has those for people."""

import _signal
import os

from . import errors, jsonfile, options, runtime, sealed, spec, state
from .options import Option, UsageError

OPTIONS = [
    Option("-b --bundle", "DIR", "the bundle: a directory with config.json"),
    Option("--console-socket", "SOCKET", "who takes the terminal"),
    Option("--pid-file", "FILE", "write init's PID"),
    Option("--preserve-fds", "N", "hand N more descriptors on"),
    Option("--no-pivot", None, "refused"),
    Option("--no-new-keyring", None, "ignored"),
]


def preserved(o):
    """How many descriptors beyond 2 are handed on."""
    text = o.get("preserve_fds") or "0"
    if not (text.isascii() and text.isdigit() and int(text[:9]) <= 250):  # the door needs a number of one byte
        raise UsageError(f"--preserve-fds {text}: must be a number from 0 to 250")
    return int(text)


def kill(o, words, monitored):
    """usage: labcore kill [--all] NAME [SIGNAL]

    Send a signal (TERM when left out) to the program of a container, or to all its processes.
    """
    if not 1 <= len(words) <= 2:
        raise UsageError("kill needs a container, and perhaps a signal", "labcore kill web KILL")
    runtime.kill(words[0], _signal_number(words[1] if len(words) == 2 else o.get("signal") or "TERM"), o.get("all"))
    return 0


def _signal_number(text):
    name = text.upper() if text.upper().startswith("SIG") else f"SIG{text.upper()}"
    number = int(text[:9]) if text.isascii() and text.isdigit() else getattr(_signal, name, None)
    if not isinstance(number, int) or not 1 <= number < _signal.NSIG:
        raise UsageError(f"unknown signal {text!r}", "a name like TERM or a number from 1 to 64")
    return number


def create(o, words, monitored):
    """usage: labcore create --bundle DIR [OPTION…] ID

    Make a container and leave its init waiting for start.
    """
    bundle = os.path.abspath(o.get("bundle") or ".")
    config = spec.load(bundle)
    if sealed.joins_pids(config):
        sealed.reexecute()
    runtime.create(options.one(words), bundle, config, keep=preserved(o), pid_file=o.get("pid_file"),
                   console_socket=o.get("console_socket"),
                   rootless=bool(config["linux"]["uidMappings"]))  # fmt: skip
    return 0


def start(o, words, monitored):
    """usage: labcore start ID

    Let a created container run its program.
    """
    runtime.start(options.one(words))
    return 0


def show_state(o, words, monitored):
    """usage: labcore state ID

    Print the state of a container as the OCI runtime specification has it.
    """
    known = state.load(options.one(words))
    shown = {k: known.get(k) for k in ("ociVersion", "id", "status", "pid", "bundle", "annotations")}
    print(jsonfile.dumps(shown | ({"pid": 0} if known["status"] == "stopped" else {})))
    return 0


def delete(o, words, monitored):
    """usage: labcore delete [--force] ID

    Remove a container; with --force also one that runs, and none is no error.
    """
    try:
        runtime.delete(options.one(words), force=bool(o.get("force")))
    except errors.NotFound:
        if not o.get("force"):
            raise
    return 0
