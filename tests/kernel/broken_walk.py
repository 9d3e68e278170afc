"""A program that walks a plan one of whose steps is broken; test_faults.py starts it, looks at what it says, kills it.

    broken_walk.py ROOT ROOTFS KIND VERB NUMBER before|after|kill-before|kill-after
    broken_walk.py ROOT ROOTFS KIND stay                             a container that runs, and whose maker stays
"""

import json
import os
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2]))

from labcore import default, errors, plan, runtime, sharing, spec, state  # noqa: E402
from labcore import rootfs as rootfs_step  # noqa: E402
from labcore.engine import network  # noqa: E402
from labcore.image import template  # noqa: E402
from labcore.step import INSIDE, Step  # noqa: E402

EVERYTHING = {
    "hostname": "box", "domainname": "example",
    "process": {"args": ["sleep", "1000"], "cwd": "/", "env": ["PATH=/bin"], "user": {"name": "1000:5"},
                "oomScoreAdj": 500, "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 64}]},
    "linux": {"namespaces": [{"type": t} for t in (*sharing.NAMESPACES, "user")],
              "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
              "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
              "sysctl": {"net.ipv4.ip_forward": "1"}, "resources": {"pids": {"limit": 50}},
              "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"]},
}  # fmt: skip


def configuration(rootfs, kind):
    """`all` has every step there is, by way of a user namespace; `plain` makes its devices and joins a namespace."""
    value = json.loads(json.dumps(EVERYTHING))
    value |= {"ociVersion": "1.2.0", "root": {"path": rootfs}, "mounts": default.mounts(True)}
    value["mounts"].append({"destination": "/data", "type": "bind", "source": rootfs, "options": ["rbind", "idmap"]})
    value["annotations"] = {rootfs_step.MAPPED: template.mount_point()}
    if kind == "plain":
        value["mounts"].pop(), value["annotations"].clear()
        del value["linux"]["uidMappings"], value["linux"]["gidMappings"], value["linux"]["sysctl"]
        value["linux"]["namespaces"] = [n for n in value["linux"]["namespaces"] if n["type"] not in ("user", "network")]
        value["linux"]["namespaces"].append({"type": "network", "path": "/proc/self/ns/net"})
    return spec.check(value)


def place(kind):
    """Of the kind `network` only: a place in the network shop, with a published port."""
    return network.place("box", "shop", ["8080:80"], "box") if kind == "network" else None


def source_for(step, when):
    """Text of a function that fails `before` or `after` the step's own work, or that ends the walker there."""
    module, _, name = step.address.rpartition(".")
    work = f"__import__('sys').modules['labcore.{module}'].{name}(**args)"
    fail = "raise OSError(5, 'injected')"
    if when.startswith("kill"):  # time to kill the walker; what goes on inside must find out by itself
        fail = "__import__('os').write(2, b'now\\n'); __import__('time').sleep(0.3)"
        if when.endswith("before"):
            return f"def {name}(**args):\n    {fail}\n    return {work}\n"
    if when.endswith("before"):
        return f"def {name}(**args):\n    {fail}\n"
    return f"def {name}(**args):\n    done = {work}\n    {fail}\n    return done\n"


def inject(steps, at, when):
    """The same steps, but number `at` fails."""
    broken = list(steps)
    s = broken[at]
    broken[at] = Step(s.place, s.address, s.args, source_for(s, when))
    if s.address == "helper.park":
        raise SystemExit(77)  # park is the helper's own; its inner steps are those of start
    return broken


def walk_as_program(root, rootfs, kind, verb, at, when):
    """Walk the plan of `verb` with its step `at` failing; says on standard output how that went."""
    state.DEFAULT_ROOT = root
    at, original = int(at), getattr(plan, verb)

    def broken(*args, **options):
        if verb == "start":  # its inside steps are with init already: create must have handed them over broken
            return original(*args, **options)
        return inject(original(*args, **options), at, when)

    config = configuration(rootfs, kind)
    if verb == "start":
        _break_start(at, when)
    elif verb != "delete":
        setattr(plan, verb, broken)
    try:
        if verb == "enter":
            runtime.enter("box", config["process"], attached=True)
        elif verb == "delete":
            plan.delete = broken
            runtime.delete("box", force=True)
        elif verb == "run":
            runtime.run("box", "/", config, network=place(kind))
        else:
            runtime.create("box", "/", config)
            runtime.start("box")
        print(json.dumps({"error": None}), flush=True)
    except errors.LabError as error:
        print(json.dumps({"error": str(error), "type": type(error).__name__}), flush=True)
    os._exit(0)


def _break_start(at, when):
    """Both copies of a start step are replaced: what start names, and what init was handed by create."""
    start, tail = plan.start, plan._tail

    def broken_tail(*args):
        return inject(tail(*args), at - 1, when) if 0 < at <= len(tail(*args)) else tail(*args)

    def broken_start(*args, **options):
        plan._tail = tail
        steps = start(*args, **options)
        return inject(steps, at, when) if steps[at].place != INSIDE else steps

    plan._tail, plan.start = broken_tail, broken_start


def stay(root, rootfs, kind):
    """Run a container, say so, and stay its parent until the end of input."""
    state.DEFAULT_ROOT = root
    runtime.run("box", "/", configuration(rootfs, kind), network=place(kind))
    print("runs", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    if sys.argv[4] == "stay":
        stay(*sys.argv[1:4])
    else:
        walk_as_program(*sys.argv[1:])
