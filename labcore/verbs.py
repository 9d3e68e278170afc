"""The verbs of the command line: each parses its words, makes one call, prints, and returns an exit code."""

import os
import sys

from . import (
    attach,
    default,
    errors,
    facts,
    jsonfile,
    limits,
    oci,
    options,
    plan,
    runtime,
    sealed,
    spec,
    state,
    step,
    walk,
)
from .options import Option, UsageError

_HELP = Option("-h --help", None, "this text")
RUN = [
    Option("--name", "NAME", "name the container; made up when left out"),
    Option("--hostname", "NAME", "its host name; its name when left out"),
    *limits.RUN,
    Option("-e --env", "NAME=VALUE", "set a variable, or pass on one of yours", many=True),
    Option("-w --workdir", "DIR", "start in this directory"),
    Option("-u --user", "USER[:GROUP]", "run as this user, by name or number"),
    Option("-v --volume", "SRC:DST[:OPTIONS]", "show a directory or file inside: ro, noexec, slave, idmap", many=True),
    Option("--userns", "MAP", "user IDs of its own: auto, or CONTAINER:HOST:SIZE[,…]; host shares the host's"),
    *[Option(f"--{k}", "WITH", f"{what}: private, host, or container:NAME")
      for k, what in (("pid", "process IDs"), ("ipc", "queues and shared memory"), ("uts", "host name"))],
    Option("--network", "WITH", "network: none, host, container:NAME, or a network's name"),
    Option("-p --publish", "[IP:]HOSTPORT:PORT", "let a port of the host lead to one inside; /udp after it", many=True),
    Option("--security-opt", "KEY=VALUE", "seccomp=unconfined, seccomp=FILE, no-new-privileges=false", many=True),
    Option("--read-only", None, "let nothing be written to the root file system"),
    Option("--rm", None, "remove the container when it ends"),
    Option("-d --detach", None, "run in the background and print the name"),
    Option("-i --interactive", None, "keep standard input open"), Option("-t --tty", None, "give it a terminal"),
    Option("--rootless", None, "through a user namespace, without root"), Option("--explain", None, "tell each step"),
    Option("--mine", "DIR", "let your own functions, kept in DIR, take the place of steps"),
    *oci.OPTIONS, _HELP,
]  # fmt: skip


def run(o, words, monitored):
    """usage: labcore run [OPTION…] IMAGE [COMMAND…]
       labcore run --bundle DIR ID

    Make a container, run a program in it, and leave with its exit code.
    IMAGE is `busybox`, or a directory (written with a slash) that is a root file system.

    examples:
      labcore run busybox echo hi
      labcore run --rm -it --memory 64m busybox sh
      labcore run -d --name web --publish 8080:80 busybox httpd -f
      labcore run --explain ./rootfs /bin/true
    """
    container_id, bundle, config = _what_to_run(o, words)
    if o.get("no_pivot"):
        raise UsageError("--no-pivot: refused, a container without pivot_root can be left")
    settings = {"mine": _mine(o), "keep": oci.preserved(o), "pid_file": o.get("pid_file"),
                "console_socket": o.get("console_socket"), "network": _place(o, container_id, config),
                "rootless": bool(config["linux"]["uidMappings"])}  # fmt: skip
    if config["process"]["terminal"] and not o.get("console_socket"):
        attach.prepare(config["process"], o)
    elif not o.get("interactive") and not o.get("bundle"):
        attach.no_input()
    tell = _tell if o.get("explain") else None
    with walk.Guard() as guard:  # from here to the end no signal can leave a part of it behind
        if o.get("detach"):
            return _run_detached(container_id, bundle, config, tell, settings, monitored, o)
        handles = runtime.run(container_id, bundle, config, tell, **settings)
        try:
            code = attach.wait(handles, state.directory_of(container_id), guard.caught)
            if config["linux"]["resources"].keys() & {"memory", "pids", "unified"}:
                _tell_limits(container_id, code)
            return code
        finally:
            walk.let_go(handles)
            if o.get("rm") or o.get("bundle"):
                runtime.delete(container_id, force=True)


def _tell_limits(container_id, code):
    """Say which limit the program met, if it did."""
    known = state.load(container_id)
    used = runtime.use(known)
    if known["owned"] and (used["oom_kills"] or used["forks_refused"]):
        from . import control

        control.tell_limits(known, code)


def _what_to_run(o, words):
    if o.get("bundle"):
        if len(words) != 1:
            raise UsageError("run --bundle DIR needs one container ID")
        return state.check_id(words[0]), os.path.abspath(o["bundle"]), spec.load(o["bundle"])
    if not words:
        raise UsageError("run needs an image", "labcore run busybox echo hi")
    container_id = state.check_id(o["name"] if "name" in o else os.urandom(6).hex())
    here = facts.read()
    if o.get("rootless") and here["root"]:
        raise UsageError("--rootless: you are root", "run it as an ordinary user")
    return container_id, "/", default.config(container_id, words[0], words[1:], here, o)


def _place(o, container_id, config, make=True):
    """The container's place in a network; who asks for none does not pay for what it takes to read this."""
    if "network" not in o and "publish" not in o:
        return None
    from . import networks

    return networks.place(o, container_id, config, make)


def _run_detached(container_id, bundle, config, tell, settings, monitored, o):
    if config["process"]["terminal"] and not o.get("console_socket"):
        raise UsageError("--detach --tty: a terminal needs someone at it", "start without -t, then `labcore exec -it`")
    with attach.Silence():
        walk.let_go(runtime.run(container_id, bundle, config, tell, sibling=True, attached=False, **settings))
    known = state.load(container_id)
    where = ["--root", state.DEFAULT_ROOT] if state.DEFAULT_ROOT else []
    after = [sys.executable, "-ISBXutf8", os.path.abspath(sys.argv[0]), *where, "rm", "--pid", str(known["pid"]),
             container_id]  # fmt: skip
    told = "\n".join([str(known["pid"]), known["directory"], "\0".join(after if o.get("rm") else [])])
    os.write(monitored, told.encode())
    print(container_id)
    return 0


def _mine(o):
    """{address: source} of the learner's functions in --mine DIR."""
    if not o.get("mine"):
        return None
    try:
        names = [n for n in sorted(os.listdir(o["mine"])) if n.endswith(".py") and n.count(".") == 2]
    except OSError as error:
        raise errors.SpecError(f"--mine {o['mine']}: {error.strerror}", "keep(…) in a notebook makes it") from None
    found = {}
    for name in names:
        with open(f"{o['mine']}/{name}", encoding="utf-8") as file:
            found[name.removesuffix(".py")] = file.read()
    return found


def _tell(this, microseconds):
    print(f"{microseconds:>7} µs  {this.place:6}  {this.address:28} {step.explain(this)}"
          + (" (yours)" if this.source else ""), file=sys.stderr, flush=True)  # fmt: skip


def show_plan(o, words, monitored):
    """usage: labcore plan [OPTION…] IMAGE [COMMAND…]

    Print the steps of `labcore run` with the same words, without doing them.

    examples:
      labcore plan busybox true
      labcore plan --memory 64m --json busybox true
    """
    container_id, bundle, config = _what_to_run(o, words)
    here = facts.read()
    plan.check(config, here)
    first = state.new(container_id, bundle, config, here, runtime.cgroup_path(container_id, config, here), False,
                      _place(o, container_id, config, make=False))  # fmt: skip
    directory, mine = state.directory_of(container_id), _mine(o)
    steps = plan.run(config, here, bundle, directory, first, mine=mine)
    if o.get("json"):
        print(jsonfile.dumps([list(s) for s in steps]))
        return 0
    for this in steps:
        print(f"{this.place:6}  {this.address:28} {step.explain(this)}" + (" (yours)" if this.source else ""))
    return 0


def execute(o, words, monitored):
    """usage: labcore exec [OPTION…] NAME COMMAND…

    Run another program in a container that runs.

    examples:
      labcore exec web ps
      labcore exec -it web sh
    """
    if not words or (len(words) < 2 and not o.get("process")):
        raise UsageError("exec needs a container and a command", "labcore exec web ps")
    known = state.load(words[0])
    config = state.config(known)
    if sealed.needs(config):
        sealed.reexecute()
    if o.get("process"):
        process = spec.load_process(o["process"])
    else:
        process = _process_like(config["process"], words[1:], o)
    if process["terminal"] and not o.get("console_socket"):
        attach.prepare(process, o)
    elif not o.get("interactive") and not o.get("process"):
        attach.no_input()
    with walk.Guard() as guard:
        handles = runtime.enter(words[0], process, _tell if o.get("explain") else None, attached=not o.get("detach"),
                                keep=oci.preserved(o), pid_file=o.get("pid_file"),
                                console_socket=o.get("console_socket"))  # fmt: skip
        try:
            return 0 if o.get("detach") else attach.wait(handles, None, guard.caught)
        finally:
            walk.let_go(handles)


def _process_like(first, args, o):
    """The container's own process, but with another program and what the options say."""
    added = [w if "=" in w else f"{w}={os.environ.get(w, '')}" for w in o.get("env") or []]
    names = {w.partition("=")[0] for w in added}
    process = first | {"args": args, "terminal": bool(o.get("tty")), "consoleSize": None, "oomScoreAdj": None,
                       "cwd": o.get("workdir") or first["cwd"],
                       "env": [e for e in first["env"] if e.partition("=")[0] not in names] + added}  # fmt: skip
    if o.get("tty") and "TERM" not in names:
        process["env"] = [e for e in process["env"] if not e.startswith("TERM=")] + [
            f"TERM={os.environ.get('TERM', 'xterm')}"]  # fmt: skip
    if "user" in o:
        process["user"] = first["user"] | {"name": o["user"]}
    spec.check_process(process | {"user": process["user"] | {"additionalGids": []}})
    return process


def doctor(o, words, monitored):
    """usage: labcore doctor [--json]

    Say what this machine can do for the lab, and how to mend what it cannot.
    """
    from . import doctor

    return doctor.main(["--json"] if o.get("json") else [])


def reset(o, words, monitored):
    """usage: labcore reset [--dry-run]

    Remove everything that the lab made on this machine: containers, cgroups, templates, states; nothing else.
    """
    from . import reset

    return reset.main(bool(o.get("dry_run")))


_JSON = Option("--json", None, "as JSON")
_FORCE = Option("-f --force", None, "also what runs, and no complaint when it is gone")
VERBS = {
    "run": (run, RUN),
    "plan": (show_plan, [*RUN, _JSON]),
    "exec": (execute, [
        Option("-i --interactive", None, "keep standard input open"), Option("-t --tty", None, "give it a terminal"),
        Option("-d --detach", None, "do not wait for it"), Option("-u --user", "USER[:GROUP]", "run as this user"),
        Option("-w --cwd --workdir", "DIR", "start in this directory"),
        Option("-e --env", "NAME=VALUE", "set a variable", many=True), Option("--explain", None, "tell each step"),
        Option("-p --process", "FILE", "the process as OCI JSON"), *oci.OPTIONS[1:4], _HELP]),
    "kill": (oci.kill, [Option("-a --all", None, "all its processes"), Option("-s --signal", "SIGNAL"), _HELP]),
    "network": None, "doctor": (doctor, [_JSON, _HELP]),
    "reset": (reset, [Option("-n --dry-run", None, "only say what would go"), _HELP]),
    "create": (oci.create, [*oci.OPTIONS, _HELP]), "start": (oci.start, [_HELP]), "state": (oci.show_state, [_HELP]),
    "delete": (oci.delete, [_FORCE, _HELP]),
    **dict.fromkeys(("ps", "list", "rm", "update", "pause", "resume", "stats", "events")),  # those of control.py
}  # fmt: skip
NOTEBOOK = {"check": "grade", "restore": "restore", "report": "report", "solutions": "solutions"}


def call(name, words, monitored):
    """Parse the words of one verb and call it."""
    if name == "network":  # not read by a run, which has no time for it
        from . import networks

        return networks.call(words)
    if VERBS[name] is None:
        from . import control

        return control.call(name, words, monitored)
    function, table = VERBS[name]
    chosen, rest = options.parse(words, table)
    if chosen.get("help"):
        return options.explain(function, table)
    return function(chosen, rest, monitored)


def hand_over(words):
    """Verbs about notebooks need their packages: the same Python, this time with them."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    module = f"labcore.notebook.{NOTEBOOK[words[0]]}"
    boot = f"import sys; sys.path.insert(0, {here!r}); from {module} import main; sys.exit(main())"
    os.execv(sys.executable, [sys.executable, "-c", boot, *words[1:]])
