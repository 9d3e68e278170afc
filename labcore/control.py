"""Verbs about containers that are there: look at them, count what they use, change their limits, hold them still."""

import os
import select
import sys
import time

from . import cgroupfs, errors, jsonfile, limits, options, runtime, state, syscalls, usage
from .options import Option, UsageError

LIVE = ("created", "running", "paused")


def ps(o, words, monitored):
    """usage: labcore ps [-a] [--format json]
       labcore ps [--format json] ID

    List the containers that run; with -a also those that have ended. With an ID, list its processes.
    """
    if words:
        return _processes(state.load(options.one(words)), o)
    rows = [c | {"exit": state.exit_code(c)} for c in runtime.containers()]
    rows = rows if o.get("all") else [c for c in rows if c["status"] in LIVE]
    if o.get("format") == "json":
        names = ("id", "status", "pid", "exit", "limit", "bundle", "created", "command")
        print(jsonfile.dumps([{k: c.get(k) for k in names} for c in (c | {"limit": met(c)} for c in rows)]))
        return 0
    if o.get("quiet"):
        print("".join(f"{c['id']}\n" for c in rows), end="")
        return 0
    shown = [(c["id"], _status(c), str(c["pid"] if c["status"] in LIVE else "-"),
              " ".join(c.get("command") or [])[:60]) for c in rows]  # fmt: skip
    widths = [max([least, *(len(r[n]) for r in shown)]) for n, least in enumerate((9, 12, 7))]
    for name, status, number, command in (("NAME", "STATUS", "PID", "COMMAND"), *shown):
        print(f"{name:{widths[0]}}  {status:{widths[1]}}  {number:>{widths[2]}}  {command}")
    return 0


def _status(c):
    text = c["status"] if c["exit"] is None else f"exited ({c['exit']})"
    return f"{text}, {met(c)} limit" if c["status"] == "stopped" and met(c) else text


def met(known):
    """The limit that a container has met: memory, pids, or None."""
    used = runtime.use(known) if known["owned"] else {}
    return "memory" if used.get("oom_kills") else "pids" if used.get("forks_refused") else None


def _processes(known, o):
    """The processes of one container, as PIDs of the host."""
    found = cgroupfs.processes(next(iter(runtime.places(known).values()))) if known["owned"] else _of_namespace(known)
    if o.get("format") == "json":
        print(jsonfile.dumps(sorted(found)))
        return 0
    print(f"{'PID':>7}  COMMAND")
    for number in sorted(found):
        try:
            with open(f"/proc/{number}/cmdline", "rb") as file:
                command = file.read(4096).replace(b"\0", b" ").decode("utf-8", "backslashreplace").strip()
        except OSError:
            continue  # it has just ended
        print(f"{number:>7}  {''.join(c if c.isprintable() else '?' for c in command)}")
    return 0


def _of_namespace(known):
    """Without a cgroup of its own: who shares init's PID namespace — pid_namespaces(7)."""
    def of(number):
        try:
            return os.readlink(f"/proc/{number}/ns/pid")
        except OSError:
            return None

    own = of(known["pid"]) if known["status"] in LIVE else None
    if own is None or own == of("self"):
        return [known["pid"]] if own else []
    return [int(n) for n in os.listdir("/proc") if n.isdigit() and of(n) == own]


def rm(o, words, monitored):
    """usage: labcore rm [--force] NAME…

    Remove containers that have ended; with --force also those that run.
    """
    if not words:
        raise UsageError("rm needs a container", "`labcore ps -a` lists them")
    code = 0
    for container_id in words:
        try:
            if o.get("pid") and o["pid"] != str(state.load(container_id)["pid"]):
                continue  # another has taken the name
            runtime.delete(container_id, force=bool(o.get("force")))
        except errors.NotFound as error:
            if not o.get("force"):
                print(f"labcore: {error}", file=sys.stderr)
                code = 1
        except errors.LabError as error:
            print(f"labcore: {error}", file=sys.stderr)
            code = 1
    return code


def update(o, words, monitored):
    """usage: labcore update [OPTION…] ID

    Change the limits of a container that runs: all that are given, or none.

    examples:
      labcore update --memory 128m --pids-limit 100 web
      echo '{"cpu": {"shares": 512}}' | labcore update --resources - web
    """
    container_id = options.one(words)
    found = limits.resources(o | {"update": True})
    if o.get("resources"):
        if found:
            raise UsageError("--resources: takes no other limits beside it")
        found = limits.load(o["resources"])
    found = limits.checked(found)
    if not any(found.values()):
        raise UsageError("update needs a limit", "labcore update --memory 128m NAME")
    runtime.update(container_id, found)
    return 0


def pause(o, words, monitored):
    """usage: labcore pause ID

    Stop every process of a container where it is.
    """
    runtime.pause(options.one(words))
    return 0


def resume(o, words, monitored):
    """usage: labcore resume ID

    Let a paused container go on.
    """
    runtime.pause(options.one(words), thaw=True)
    return 0


def stats(o, words, monitored):
    """usage: labcore stats [--no-stream] [--format json] [NAME…]

    Show what containers use, once a second, until Ctrl-C; with names, until these have ended.
    """
    before, wait_ms = {}, 200
    while True:
        here = [state.load(name) for name in words] if words else runtime.containers()
        here = [c for c in here if c["status"] in LIVE]
        rows, before = _count(here, before)
        if wait_ms != 200 or not here:  # a share of the processor takes two looks
            _show(rows, o)
            if o.get("no_stream") or (words and not here):
                return 0
        _wait(here if words else [], wait_ms)
        wait_ms = 200 if o.get("no_stream") and wait_ms == 1000 else 1000


def _count(containers, before):
    rows, now = [], {}
    for known in containers:
        counted, at = usage.data(known), time.monotonic_ns()
        total = counted.get("cpu", {}).get("usage", {}).get("total")
        now[known["id"]] = (at, total)
        then, had = before.get(known["id"], (at, total))
        percent = None if None in (total, had) or at == then else round(100 * (total - had) / (at - then), 1)
        rows.append(usage.row(known, counted, percent))
    return rows, now


def _show(rows, o):
    if o.get("format") == "json":
        return print(jsonfile.dumps(rows), flush=True)
    clear = "\x1b[H\x1b[2J" if os.isatty(1) and not o.get("no_stream") else ""
    width = max([9, *(len(r["name"]) for r in rows)])
    lines = [f"{'NAME':{width}}  {'CPU':>7}  {'MEMORY':>17}  {'PROCESSES':>11}  {'READ':>7}  {'WRITTEN':>7}"]
    for r in rows:
        share = "-" if r["cpu_percent"] is None else f"{r['cpu_percent']:.1f} %"
        lines.append(f"{r['name']:{width}}  {share:>7}  {_of(r, 'memory', '_bytes', limits.short_size):>17}  "
                     f"{_of(r, 'pids', '', str):>11}  {limits.short_size(r['read_bytes']):>7}  "
                     f"{limits.short_size(r['written_bytes']):>7}")  # fmt: skip
    return print(clear + "\n".join(lines), flush=True)


def _of(row, name, unit, show):
    used, limit = row[f"{name}{unit}"], row[f"{name}_limit{unit}"]
    return ("-" if used is None else show(used)) + ("" if limit is None else f" / {show(limit)}")


def _wait(containers, timeout_ms):
    """Until a container ends, or the time is over — pidfd_open(2), poll(2)."""
    poll, fds = select.poll(), []
    for known in containers:
        try:
            fds.append(syscalls.pidfd_open(known["pid"]))
            poll.register(fds[-1], select.POLLIN)
        except OSError:
            pass  # it has ended
    poll.poll(timeout_ms)
    for fd in fds:
        os.close(fd)


def events(o, words, monitored):
    """usage: labcore events [--stats] [--interval SECONDS] ID

    Print what a container uses as a line of JSON, once with --stats, else again and again until it ends; and a line
    whenever its memory limit killed something.
    """
    container_id, every = options.one(words), _seconds(o.get("interval") or "5")
    kills = None
    while True:
        known = state.load(container_id)
        if known["status"] not in LIVE:
            if kills is None:
                raise errors.StateError(f"container {container_id!r} is {known['status']}; events needs running")
            return 0
        counted = usage.data(known)
        now = counted.get("memory", {}).get("oomKills", 0)
        if kills is not None and now > kills:
            print(jsonfile.dumps({"type": "oom", "id": container_id}), flush=True)
        kills = now
        print(jsonfile.dumps({"type": "stats", "id": container_id, "data": counted}), flush=True)
        if o.get("stats"):
            return 0
        _wait([known], int(every * 1000))


def _seconds(text):
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = 0
    if not 0.01 <= seconds <= 86400:
        raise UsageError(f"--interval {text}: must be a number of seconds from 0.01 on")
    return seconds


def tell_limits(known, code):
    """On standard error: which limit a program met whose container has just ended."""
    used = runtime.use(known)
    found = usage.row(known, usage.data(known)) if used.get("oom_kills") or used.get("forks_refused") else None
    if used.get("oom_kills"):
        what = "killed" if code == 137 else "something in it was killed"
        print(f"labcore: {known['id']}: {what} because the memory limit was reached: "
              f"{limits.short_size(found['memory_limit_bytes'] or 0)}\n  hint: give it more with --memory",
              file=sys.stderr, flush=True)  # fmt: skip
    if used.get("forks_refused"):
        print(f"labcore: {known['id']}: the limit on processes was reached: {found['pids_limit']}, and "
              f"{found['forks_refused']} times no more could be made\n  hint: allow more with --pids-limit",
              file=sys.stderr, flush=True)  # fmt: skip


_HELP = Option("-h --help", None, "this text")
_FORMAT = Option("-f --format", "FORMAT", "json or table")
_LIST = [Option("-a --all", None, "also those that have ended"), Option("-q --quiet", None, "names only"), _FORMAT]
VERBS = {
    "ps": (ps, [*_LIST, _HELP]), "list": (ps, [*_LIST, _HELP]),
    "rm": (rm, [Option("-f --force", None, "also what runs, and no complaint when it is gone"),
                Option("--pid", "PID", "only if that was the PID of its init"), _HELP]),
    "update": (update, [*limits.UPDATE, _HELP]), "pause": (pause, [_HELP]), "resume": (resume, [_HELP]),
    "stats": (stats, [Option("--no-stream", None, "once only"), _FORMAT, _HELP]),
    "events": (events, [Option("--stats", None, "once only"),
                        Option("--interval", "SECONDS", "how often; 5 when left out"), _HELP]),
}  # fmt: skip


def call(name, words, monitored):
    """Parse the words of one of these verbs and call it."""
    function, table = VERBS[name]
    chosen, rest = options.parse(words, table)
    if chosen.get("help"):
        return options.explain(function, table)
    if name == "list":
        chosen["all"] = True
    return function(chosen, rest, monitored)
