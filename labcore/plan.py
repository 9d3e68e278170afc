"""THE ORDER: run, create, start, enter and delete, each as a list of small steps.

Pure functions: from a configuration and the facts of a machine to data. They need no root and no kernel. Why this
order: docs/architecture.md.
"""

from . import caps, cgroup1, cgroup2, device, errors, helper, ipc, mount, namespace, net, pid, process, rlimit, rootfs
from . import seccomp, state, sysctl, tty, user, uts
from .step import INSIDE, Step, handle, host, inside

CGROUPS = {1: cgroup1, 2: cgroup2}


def run(spec, facts, bundle, directory, first_state, attached=True, keep=0, mine=None, **options):
    """From nothing to the program, by one who stays: create and start in one list, without a door between them."""
    pid_file = options.pop("pid_file", None)
    steps = [host(state.claim, directory=directory, state=first_state, config=spec)]
    steps += _build(spec, facts, bundle, directory, first_state, keep=keep, **options)
    steps.append(host(state.created, directory=directory, init=handle("init"), pid_file=pid_file))
    if not attached:
        steps.append(inside(process.outlive_parent))
    return _with([*steps, *_tail(spec, attached, keep, directory)], mine)


def create(spec, facts, bundle, directory, first_state, attached=False, keep=0, mine=None, **options):
    """From nothing to init, which waits behind a door for start."""
    pid_file = options.pop("pid_file", None)
    steps = [host(state.claim, directory=directory, state=first_state, config=spec),
             host(state.listen, directory=directory)]  # fmt: skip
    steps += _build(spec, facts, bundle, directory, first_state, keep=keep, **options)
    tail = [list(s) for s in _with(_tail(spec, attached, keep, directory), mine) if s.place == INSIDE]
    carried = [handle("filter")] if spec["linux"]["seccomp"] else []
    steps.append(inside(helper.park, listener=handle("listener"), steps=tail, attached=attached, carry=carried))
    steps.append(host(state.created, directory=directory, init=handle("init"), pid_file=pid_file))
    return _with(steps, mine)


def _build(spec, facts, bundle, directory, first_state, sibling=False, keep=0, console_socket=None):
    """What lies between the claim and the program: the container itself."""
    yield from seccomp.plan_host(spec, facts)
    path, network = first_state["cgroupPath"], first_state.get("network")
    lease, cable, address = net.plan_connect(network)
    yield from lease
    cgroup = CGROUPS.get(facts["cgroup"]) if path else None
    if cgroup:
        own = not spec["linux"]["cgroupsPath"]  # a place that somebody chose may be there before us
        make, *limit = cgroup.plan_make(facts, path, spec["linux"]["resources"], own)
        yield from (make, host(state.own, directory=directory, made=handle("made")), *limit)
    yield from _init(spec, facts, path, sibling, keep)
    yield from cable
    if cgroup:
        yield from cgroup.plan_enter(facts, path)
    yield from process.plan_host(spec)
    yield from user.plan_host(spec)
    yield from rootfs.plan_host(spec, bundle)
    yield from mount.plan_host(spec, bundle, facts)
    yield from user.plan(spec)
    yield from pid.plan(spec)
    yield from namespace.plan(spec)
    yield from uts.plan(spec)
    yield from ipc.plan(spec)
    yield from net.plan(spec)
    yield inside(mount.set_propagation, propagation="slave")
    yield from rootfs.plan_open(spec, bundle, facts)
    yield from mount.plan(spec, bundle, facts)
    for m in spec["mounts"]:
        if m["type"] in ("cgroup", "cgroup2") and cgroup:
            yield from cgroup.plan_show(spec, facts, path, m)
    yield from device.plan(spec, facts)
    yield from tty.plan(spec)
    yield from address
    yield from sysctl.plan(spec)
    yield from mount.plan_protect(spec)
    yield from rootfs.plan(spec)
    yield from rlimit.plan(spec)
    yield from process.plan_find(spec)
    yield from tty.plan_host(spec, console_socket)


def start(spec, directory, attached=False, keep=0, mine=None):
    """From the waiting init to the program. The inside steps are with init already."""
    steps = [host(helper.connect, directory=directory), *_tail(spec, attached, keep, directory)]
    return _with([*steps, host(state.started, directory=directory)], mine)


def enter(spec, facts, target, started, cgroup_path, keep=0, sibling=False, attached=False, console_socket=None,
          pid_file=None, directory=None):  # fmt: skip
    """Exec: another process, in the namespaces and the cgroup of a container that runs."""
    kinds = [namespace.OCI_TYPES[n["type"]] for n in spec["linux"]["namespaces"]]
    cgroup = CGROUPS[facts["cgroup"]] if cgroup_path else None
    born_in = handle("cgroup") if cgroup is cgroup2 else None
    steps = [*seccomp.plan_host(spec, facts)]
    steps += [host(cgroup2.open, paths=cgroup2.places(facts, cgroup_path))] if born_in else []
    steps.append(host(helper.fork, cgroup=born_in, sibling=sibling, keep=keep, steps=handle("steps")))
    if cgroup:
        steps += cgroup.plan_enter(facts, cgroup_path)
    steps.append(host(helper.join, helper=handle("helper"), joiner=handle("joiner"), paths=[],
                      target=[target, started], kinds=kinds, new=[]))  # fmt: skip
    steps += process.plan_host(spec)
    steps += user.plan(spec)
    steps += pid.plan(spec)
    steps += ipc.plan(spec)
    steps += tty.plan_enter(spec)
    steps += rlimit.plan(spec)
    steps += process.plan_find(spec)
    steps += tty.plan_host(spec, console_socket)
    if pid_file:
        steps.append(host(state.write_pid_file, path=pid_file, number=handle("init")))
    if not attached:
        steps.append(inside(process.outlive_parent))
    return [*steps, *_tail(spec, attached, keep, directory, handle("init"))]


def delete(known, facts):
    """From whatever there is to nothing: only what is the container's own."""
    steps, facts = [], at(known, facts)
    if known.get("status") == "paused":
        steps += pause(known, facts, thaw=True)  # nobody dies frozen
    if known["pid"]:
        steps.append(host(pid.kill, pid=known["pid"], started=known["pidStart"], signal=9))
    else:
        steps.append(host(state.dismiss, directory=known["directory"]))
    ports, cable = net.plan_delete(known.get("network"))
    steps += ports
    if known.get("cgroupPath"):
        cgroup = CGROUPS[known["cgroup"]]
        places = {k: v for k, v in cgroup.places(facts, known["cgroupPath"]).items() if v in known["owned"]}
        if places:
            steps += [host(cgroup.kill, paths=places), host(cgroup.remove, paths=places)]
        elif known["status"] == "creating":  # named, but never marked as made: nobody is in it, or it is not ours
            steps.append(host(cgroup.remove_empty, paths=cgroup.places(facts, known["cgroupPath"])))
    return [*steps, *cable, host(state.forget, directory=known["directory"])]


def at(known, facts):
    """The facts as they are for this container: its maker's part of the tree may be another one than ours."""
    return facts | {"cgroup2": known["cgroupTop"]} if known.get("cgroupTop") else facts


def pause(known, facts, thaw=False):
    """Stop every process of a container where it is, or let them go on."""
    cgroup = CGROUPS[known["cgroup"]]
    return [host(cgroup.thaw if thaw else cgroup.freeze, paths=cgroup.places(at(known, facts), known["cgroupPath"]))]


def update(known, facts, resources, now):
    """Other limits for a container that exists; `now` holds the files that the new ones have to know."""
    return [*CGROUPS[known["cgroup"]].plan_change(at(known, facts), known["cgroupPath"], resources, now)]


def _init(spec, facts, path, sibling, keep):
    """Init by one clone; where namespaces are joined, through a helper that enters them first."""
    kinds = {namespace.OCI_TYPES[n["type"]]: n.get("path") for n in spec["linux"]["namespaces"]}
    new = [k for k, path in kinds.items() if not path and k != "cgroup"]
    joined = [[k, path] for k, path in kinds.items() if path]
    cgroup = handle("cgroup") if facts["cgroup"] == 2 and path else None
    if not joined:
        return [host(helper.clone, kinds=new, cgroup=cgroup, sibling=sibling, keep=keep, steps=handle("steps"))]
    return [host(helper.fork, cgroup=cgroup, sibling=sibling, keep=keep, steps=handle("steps")),
            host(helper.join, helper=handle("helper"), joiner=handle("joiner"), paths=joined, target=None, kinds=[],
                 new=new)]  # fmt: skip


def _tail(spec, attached, keep, directory, pid=None):
    """What stands between the waiting init and the program; nothing may come after it."""
    profile, last, drop = spec["linux"]["seccomp"], [*seccomp.plan(spec)], [*caps.plan(spec)]
    if profile and seccomp.notifies(profile):
        last.append(host(state.send_listener, directory=directory, notify=handle("notify"), pid=pid,
                         path=profile["listenerPath"], metadata=profile.get("listenerMetadata")))  # fmt: skip
    ready = [*process.plan_prepare(spec, attached, keep)]
    if last and not spec["process"]["noNewPrivileges"]:
        last = [*ready, inside(caps.regain), *last, *drop]  # it takes CAP_SYS_ADMIN, which another user has lost
    else:
        last = [*drop, *ready, *last]
    return [*process.plan_privileges(spec), *caps.plan_bounding(spec), *process.plan_user(spec), *last,
            *process.plan_execute(spec)]  # fmt: skip


def _with(steps, mine):
    """The same steps, but a learner's own source in place of those that were asked for by name."""
    known = {s.address for s in steps}
    for address in mine or ():
        if address not in known:
            continue
        steps = [Step(s.place, s.address, s.args, mine[address]) if s.address == address else s for s in steps]
    return steps


def check(spec, facts):
    """Limits that the machine cannot keep are refused before anything is made."""
    resources = spec["linux"]["resources"]
    wanted = {k: v for k, v in resources.items() if v and k != "devices"}
    if wanted and not facts["cgroup"]:
        raise errors.HostError(f"linux.resources.{next(iter(wanted))}: no cgroup here that this user may write to",
                               "limits need root, or a delegated cgroup")  # fmt: skip
    unmet = CGROUPS[facts["cgroup"]].unmet(resources, facts) if facts["cgroup"] else None
    if unmet:
        raise errors.HostError(f"linux.resources.{unmet[0]}: {unmet[1]}", "see `labcore doctor` for what there is")
