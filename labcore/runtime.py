"""The verbs of the OCI runtime specification, about ten lines each.

Every verb walks a plan. A create that fails walks delete, so that nothing is left.
"""

import _signal
import os

from . import cgroupfs, errors, facts, pid, plan, spec, state
from .walk import Guard, let_go, walk


def create(container_id, bundle, config=None, tell=None, **options):
    """Make the container and leave init waiting for start."""
    let_go(_make(plan.create, container_id, bundle, config, tell, **options))


def run(container_id, bundle, config=None, tell=None, **options):
    """Make the container and run its program; the handles of the walk come back, init's PID as `init`."""
    return _make(plan.run, container_id, bundle, config, tell, **options)


def _make(plan_of, container_id, bundle, config, tell, rootless=False, network=None, **options):
    directory, here = state.directory_of(container_id), facts.read()
    bundle = os.path.abspath(bundle)
    config = spec.load(bundle) if config is None else config
    if config["process"] is None:
        raise errors.SpecError("process: missing")
    plan.check(config, here)
    first = state.new(container_id, bundle, config, here, cgroup_path(container_id, config, here), rootless,
                      network)  # fmt: skip
    steps, handles = plan_of(config, here, bundle, directory, first, **options), {}
    with Guard() as guard:
        try:
            _walk(guard, steps, handles, tell)
        except BaseException as error:
            undo(container_id, handles, error)
            raise
    return handles


def _walk(guard, steps, handles, tell):
    for done, microseconds in guard.over(walk(steps, handles)):
        if tell:
            tell(done, microseconds)


def undo(container_id, handles, error):
    """Take down what a failed walk has built; the first error is the one to report."""
    let_go(handles)
    taken = isinstance(error, errors.StepFailed) and isinstance(error.cause, errors.AlreadyExists)
    if taken and error.step.address == "state.claim":
        return  # of two creates this is the loser: nothing is its own
    try:
        known = state.load(container_id) | ({"cgroupPath": ""} if taken else {})
    except errors.NotFound:
        return  # not even the state directory could be made
    if known["owned"] and isinstance(error, errors.StepFailed):
        if use(known).get("oom_kills"):
            error.args = (f"{error.args[0]}: killed because the memory limit was reached",)
            error.hint = "give it more with --memory"
    child = handles.get("init") or handles.get("joiner")
    if child:
        known |= {"pid": child, "pidStart": pid.start_time(child)}
    try:
        remove(known)
    except errors.StepFailed as left:
        if isinstance(error, errors.LabError):
            error.hint = f"{left.args[0]}; `labcore delete --force {container_id}` tries again"
    for name in ("init", "joiner"):
        if handles.get(name):
            _reap(handles[name])


def _reap(child):
    try:
        return os.waitpid(child, 0)[1]
    except ChildProcessError:
        return None  # somebody else is its parent


def cgroup_path(container_id, config, here):
    """Where the container's cgroup lies below each hierarchy's root, or '' for none."""
    if not here["cgroup"]:
        return ""
    wanted = config["linux"]["cgroupsPath"]
    if wanted.startswith("/"):
        return os.path.normpath(wanted)
    return f"/labcore/{wanted}" if wanted else f"/labcore.{container_id}"


def start(container_id, tell=None, attached=False, mine=None, keep=0):
    """Let init become the program."""
    known = state.load(container_id)
    if known["status"] != "created":
        raise errors.StateError(f"container {container_id!r} is {known['status']}; start needs created")
    steps = plan.start(state.config(known), known["directory"], attached=attached, mine=mine, keep=keep)
    handles = {}
    with Guard() as guard:
        try:
            _walk(guard, steps, handles, tell)
        finally:
            let_go(handles)


def use(known):
    """What a container uses, and which limits it met — cgroup1.read, cgroup2.read; {} where it has no cgroup."""
    return plan.CGROUPS[known["cgroup"]].read(places(known)) if known["cgroup"] else {}


def places(known):
    """A container's cgroups: {subsystem: directory}."""
    return plan.CGROUPS[known["cgroup"]].places(plan.at(known, facts.read()), known["cgroupPath"])


def kill(container_id, signal, everybody=False):
    """Signal init, or every process in the container; SIGKILL wakes one that is paused."""
    known = state.load(container_id)
    if known["status"] not in ("created", "running", "paused") and not everybody:
        raise errors.StateError(f"container {container_id!r} is {known['status']}; kill needs created or running")
    if everybody and known["cgroup"] and known["owned"]:
        if signal == _signal.SIGKILL:
            return plan.CGROUPS[known["cgroup"]].kill(places(known))
        for process in cgroupfs.processes(next(iter(places(known).values()))):
            pid.kill(process, pid.start_time(process), signal)
        return None
    if known["status"] == "paused" and signal == _signal.SIGKILL:
        list(walk(plan.pause(known, facts.read(), thaw=True)))
    return pid.kill(known["pid"], known["pidStart"], signal)


def pause(container_id, thaw=False):
    """Stop every process of a container where it is, or let a paused one go on."""
    verb, *needed = ("resume", "paused") if thaw else ("pause", "created", "running")
    _change(plan.pause, container_id, verb, needed, thaw)


def _change(plan_of, container_id, verb, needed, *more):
    known = state.load(container_id)
    if known["status"] not in needed:
        raise errors.StateError(f"container {container_id!r} is {known['status']}; {verb} needs {' or '.join(needed)}")
    if not known["cgroup"] or (verb != "update" and not known["owned"]):
        raise errors.StateError(f"container {container_id!r} has no cgroup of its own; {verb} needs one")
    list(walk(plan_of(known, facts.read(), *more)))


def update(container_id, resources):
    """Other limits for a container that exists: all of them, or none."""
    known, here = state.load(container_id), facts.read()
    plan.check({"linux": {"resources": resources}}, here | {"cgroup": known["cgroup"]})
    directory = places(known).get("unified", "") if known["cgroup"] else ""
    now = {file: text for file in ("cpu.max", "memory.max") if (text := cgroupfs.read(directory, file))}
    _change(plan.update, container_id, "update", ("created", "running", "paused"), resources, now)


def delete(container_id, force=False):
    """Remove a container that has stopped, or with force any; only what is its own."""
    known = state.load(container_id)
    if known["status"] != "stopped" and not force:  # "creating": somebody may be at it right now
        raise errors.StateError(f"container {container_id!r} is {known['status']}; delete needs stopped",
                                "or use --force")  # fmt: skip
    remove(known)


def remove(known):
    """Walk the delete plan; a step that fails does not keep the others from being done."""
    first, handles = None, {}
    for step in plan.delete(known, facts.read()):
        if first and step.address == "state.forget":
            break  # what is still there stays known, so that a second delete can take it up
        try:
            list(walk([step], handles))
        except errors.StepFailed as error:
            first = first or error
    let_go(handles)
    if first:
        raise first


def enter(container_id, process, tell=None, handles=None, **options):
    """Run another process in a container that runs; returns the handles of its walk, its PID as `init`."""
    known, here = state.load(container_id), facts.read()
    if known["status"] not in ("created", "running"):
        raise errors.StateError(f"container {container_id!r} is {known['status']}; exec needs running")
    here = plan.at(known, here)
    config = state.config(known) | {"process": process}
    handles = {} if handles is None else handles
    steps = plan.enter(config, here, known["pid"], known["pidStart"], known["cgroupPath"] if known["owned"] else "",
                       directory=known["directory"], **options)  # fmt: skip
    with Guard() as guard:
        try:
            _walk(guard, steps, handles, tell)
        except BaseException:
            let_go(handles)
            child = handles.get("init") or handles.get("joiner")
            if child:
                pid.kill(child, pid.start_time(child), _signal.SIGKILL)
                _reap(child)
            raise
    return handles


def containers():
    """The state of every container, as far as it can be read."""
    found = []
    for container_id in state.list_ids():
        try:
            found.append(state.load(container_id))
        except errors.StateError:
            continue  # removed while we looked
    return found
