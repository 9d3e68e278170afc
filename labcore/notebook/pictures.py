"""Pictures of living things; what draws them is loaded when the first one is asked for."""


def show_namespaces(*processes, kinds=None):
    """Who shares what: processes and containers down, kinds of namespace across."""
    from .process import Process
    from .views import namespaces

    rows = [(each.name, each.namespaces()) for each in (Process.host(), *processes) if each is not None]
    return namespaces.draw(rows, kinds)


def show_processes(*processes, sentence=None):
    """The family of each process or container, with all numbers that its members have."""
    from . import lineage
    from .views import tree

    return tree.draw(lineage.rows(processes), sentence)


def show_reach(*processes, others=()):
    """Who finds which IPC object, and which of `others`: a path, an abstract socket as `@name`, a key as `key name`."""
    from . import reach
    from .process import Process
    from .views import reach as view

    found = [Process.host(), *processes]
    return view.draw([each.name for each in found], reach.rows(found, others))


def show_plan(container, times=None, only=None):
    """The plan of a container, step by step; `only` names the modules whose steps are wanted."""
    if only is None:
        return container.plan(times)
    from .views import plan

    return plan.draw([step for step in container.steps() if step.address.partition(".")[0] in only], times=False)


def stepper(container):
    """Buttons that walk the real plan of a container, one step at a time."""
    return container.stepper()


def show_machines():
    """A virtual machine and a container side by side."""
    from .views import machine

    return machine.draw()


def show_id_map(*processes):
    """Whose IDs are whose: from the innermost user namespace outwards to the host's."""
    from . import idmaps
    from .views import idmap

    users, groups = idmaps.chain([each.look() for each in processes])
    return idmap.draw([each.name for each in processes] + ["host"], users, groups)


def show_mounts(*processes, below):
    """The mounts at a directory and below, as these processes see them, and which way news of mounts travels."""
    from . import mountinfo
    from .views import mounts

    return mounts.draw([(each.name, mountinfo.below(mountinfo.read(each), below)) for each in processes], below)


def show_root(*processes):
    """The file tree that each process sees: its mounts, and what of the host's tree it still reaches."""
    from . import roots
    from .views import root

    return root.draw([roots.facts(each) for each in processes])


def step_switches(command="hostname; echo /*", directory="mine", **options):
    """A switch for each function kept in `directory`, and a container that runs on those which stand on yours."""
    import contextlib
    import io

    from .containers import Container
    from .mine import kept
    from .views import switches

    sources = kept(directory)

    def run(chosen):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            Container("switched", command=command, mine={each: sources[each] for each in chosen}, **options).run()
        return said.getvalue()

    return switches.Switches(list(sources), run)


def show_network(*processes, sentence=None):
    """Network namespaces, and the cables and bridges between them; the host's comes first."""
    from . import links
    from .process import Process
    from .views import network

    return network.draw(links.gather([Process.host(), *processes]), sentence)
