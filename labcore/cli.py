"""The command line: words to one call, prints, exit codes. What it does is in runtime.py."""

import _signal
import gc
import os
import sys

USAGE = """usage: labcore VERB …

  run      make a container and run a program in it      plan     show the steps of a run without doing them
  exec     run another program in a container            doctor   what this machine can do, and what is missing
  ps       list containers                               reset    remove everything that the lab made
  kill     send a signal to a container                  check    check a notebook's exercises
  rm       remove containers                             restore, solutions, report: see `labcore check --help`
  stats    what containers use, live                     update   change the limits of a container that runs
  pause    stop a container where it is                  resume   let it go on
  network  networks of containers

  create, start, state, delete, list, events: the same runtime as the OCI specification calls it, for engines

examples:
  labcore run busybox echo hi
  labcore run -it busybox sh
  labcore run --explain busybox true
  labcore plan busybox true

`labcore VERB --help` tells more. global options, before the verb: --root DIR, --log FILE, --log-format text|json
"""


# all that must be known of the options before anything is imported: those that take a value as a word of their own
_WITH_VALUE = frozenset(
    "--root --log --log-format --log-level --cgroup-manager --name --hostname --memory --memory-swap "
    "--memory-reservation --cpus --cpu-share --cpu-shares --cpuset-cpus --cpuset-mems --pids-limit --blkio-weight "
    "--env --workdir --user --userns --pid --ipc --uts --network --publish --volume "
    "--security-opt --mine --bundle --console-socket --pid-file --preserve-fds -m -e -w -u -v -p -b".split())


def runs_detached(words):
    """Is this `labcore run --detach`? Whatever stands after the image is the program's own."""
    verb, words = "", list(words)
    while words:
        word = words.pop(0)
        if word[:1] != "-" or word in ("-", "--"):
            if verb or word != "run":
                return False
            verb = word
        elif word == "--detach" or word[:2] != "--" and _cluster(word, words):
            return bool(verb)
        elif word[:2] == "--" and word in _WITH_VALUE:
            del words[:1]
    return False


def _cluster(word, words):
    """Is there a d among -itd? A letter that takes a value takes the rest of the word, or the next one."""
    for at, letter in enumerate(word[1:], 2):
        if f"-{letter}" in _WITH_VALUE:
            del words[: at == len(word)]
            return False
        if letter == "d":
            return True
    return False


def main(words=None):
    """Run one command and leave with its exit code."""
    words = sys.argv[1:] if words is None else words
    gc.disable()  # it lives for milliseconds
    monitored = None
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # a caller may have it ignored, and then nobody can be waited for
    if any(word.split("=")[0] == "--pid" for word in words):
        from . import sealed

        sealed.reexecute()  # perhaps among the processes of a container, whose capabilities nobody knows here
    if runs_detached(words):
        from . import monitor  # before anything else is imported: it stays in memory

        monitored = monitor.split()
    try:
        code = _dispatch(words, monitored)
        sys.stdout.flush()
    except BrokenPipeError:
        code = 141
    except KeyboardInterrupt:
        code = 130
    os._exit(code or 0)  # nothing is left to do that a slow interpreter exit would


def _dispatch(words, monitored):
    from . import errors, options

    log = {}
    try:
        chosen, words = options.parse(words, GLOBAL(options.Option))
        log = chosen
        if chosen.get("version") or chosen.get("help") or not words:
            return _print_front(chosen)
        from . import state, verbs

        state.DEFAULT_ROOT = os.path.abspath(chosen["root"]) if chosen.get("root") else None
        if words[0] in verbs.NOTEBOOK:
            return verbs.hand_over(words)
        if words[0] not in verbs.VERBS:
            raise options.UsageError(f"there is no verb {words[0]!r}", "`labcore --help` lists them")
        return verbs.call(words[0], words[1:], monitored)
    except errors.LabError as error:
        return _complain(error, log)
    except OSError as error:
        return _complain(errors.LabError(errors.describe(error)), log)


def GLOBAL(option):
    """The options before the verb; engines pass more of them than matter here."""
    return [option("--root", "DIR", "where containers' states are kept"), option("--log", "FILE", "also log here"),
            option("--log-format", "FORMAT", "text or json"), option("--log-level", "LEVEL", "ignored"),
            option("--debug"), option("--systemd-cgroup"), option("--cgroup-manager", "NAME", "cgroupfs or disabled"),
            option("-v --version"), option("-h --help")]  # fmt: skip


def _print_front(chosen):
    from . import __version__

    if chosen.get("version"):
        print(f"labcore version {__version__}\nspec: 1.2.0")
        return 0
    print(USAGE, end="")
    return 0 if chosen.get("help") else 2


def _complain(error, log):
    """Say it once: on standard error, and in the engine's log if there is one."""
    sys.stdout.flush()
    print(f"labcore: {error}", file=sys.stderr, flush=True)
    if log.get("log"):
        import time

        from . import jsonfile

        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = jsonfile.dumps({"level": "error", "msg": error.args[0], "time": stamp})
        if log.get("log_format") != "json":
            line = f"{stamp} error: {error.args[0]}"
        try:
            with open(log["log"], "a") as file:
                file.write(line + "\n")
        except OSError as refused:
            print(f"labcore: --log {log['log']}: {refused.strerror}", file=sys.stderr, flush=True)
    return error.exit_code


if __name__ == "__main__":
    main()
