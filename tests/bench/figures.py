"""The figures: each function is one row group, and yields rows (dictionaries; pairs.cells shows one)."""

import os
import pathlib
import shutil
import statistics
import sys
import time

import pairs
import stage as stages
from stage import LABCORE, MARK, ROOT, Failed, need

MB = 1024  # smaps counts in kB


def alternate(one, other, rounds, tick):
    """A B A B …: ([a], [b]) of what the two return, after a few rounds that do not count."""
    a, b = [], []
    for at in range(-max(2, rounds // 10), rounds):
        pair = one(), other()
        tick(f"{max(at + 1, 0)}/{rounds}")
        if at >= 0:
            a.append(pair[0])
            b.append(pair[1])
    return a, b


def against(what, peer, target, one, other, rounds, tick):
    """A row: the ratio of what two things take, in wall time, and beside it in processor time."""
    a, b = alternate(one, other, rounds, tick)
    ours, theirs = [x["ms"] for x in a], [x["ms"] for x in b]
    row = {"what": what, "against": peer, "target": target, "unit": "×", "rounds": rounds,
           "ours_ms": statistics.median(ours), "theirs_ms": statistics.median(theirs)}  # fmt: skip
    if all("cpu_ms" in x for x in a + b):
        row["cpu"] = sum(x["cpu_ms"] for x in a) / sum(x["cpu_ms"] for x in b)
    return row | pairs.ratio(ours, theirs)


def notebook(stage, rounds, tick):
    """From a notebook, against crun: the same bundle, cgroup version 1."""
    bundle = stage.bundle("/bin/true")
    yield against("a container from a notebook, made, started, waited for and deleted", "crun run", 0.7,
                  lambda: stage.notebook().ask(run=bundle), lambda: stage.crun(bundle), rounds, tick)  # fmt: skip


def holding(stage, rounds, tick):
    """From a notebook that holds 500 MB, against one that holds nothing."""
    bundle = stage.bundle("/bin/true")
    yield against("the same, the notebook holding 500 MB", "holding nothing", 1.2,
                  lambda: stage.notebook(500).ask(run=bundle), lambda: stage.notebook().ask(run=bundle),
                  rounds, tick)  # fmt: skip


def command(stage, rounds, tick):
    """`labcore run` as a process, against `runc run`."""
    bundle = stage.bundle("true")

    def kept():
        stage.names[MARK] = True
        taken = stage.spawn(LABCORE, "run", "--name", MARK, "busybox", "true")
        stage.remove(MARK)
        return taken

    def runc():
        return stage.runc(bundle)

    yield against("labcore run busybox true", "runc run", 1.2, kept, runc, rounds, tick)
    yield against("labcore run --rm busybox true", "runc run", 1.2,
                  lambda: stage.spawn(LABCORE, "run", "--rm", "busybox", "true"), runc, rounds, tick)  # fmt: skip
    yield against("labcore run --bundle, the same bundle", "runc run", 1.2,
                  lambda: stage.spawn(LABCORE, "run", "--bundle", bundle, MARK), runc, rounds, tick)  # fmt: skip


def limits(stage, rounds, tick):
    """What every limit of the command line together adds to a run: to set them, not to have less."""
    cpus = os.cpu_count()
    every = ["--memory", "64m", "--memory-swap", "80m", "--memory-reservation", "32m", "--cpus", str(cpus),
             "--cpu-shares", "1024", "--cpuset-cpus", f"0-{cpus - 1}", "--cpuset-mems", "0", "--pids-limit", "20",
             "--blkio-weight", "300"]  # fmt: skip
    a, b = alternate(lambda: stage.spawn(LABCORE, "run", "--rm", *every, "busybox", "true"),
                     lambda: stage.spawn(LABCORE, "run", "--rm", "busybox", "true"), rounds, tick)  # fmt: skip
    ours, theirs = [x["ms"] for x in a], [x["ms"] for x in b]
    yield {"what": "labcore run with every limit", "against": "beyond none", "target": 2, "unit": "ms",
           "rounds": rounds, "ours_ms": statistics.median(ours), "theirs_ms": statistics.median(theirs),
           } | pairs.difference(ours, theirs)  # fmt: skip


def network(stage, rounds, tick):
    """What a network adds to a run, on a host of the figure's own."""
    need("nft")
    run = ["run", "--rm", "busybox", "true"]
    stage.apart("network", "create", "bench")
    try:
        for what, words in (("a network", []), ("a network and a published port", ["--publish", "8080:80"])):
            there = [run[0], "--network", "bench", *words, *run[1:]]
            a, b = alternate(lambda there=there: stage.apart(*there), lambda: stage.apart(*run), rounds, tick)
            ours, theirs = [x["ms"] for x in a], [x["ms"] for x in b]
            row = {"what": f"labcore run with {what}", "against": "beyond none", "target": 15, "unit": "ms",
                   "rounds": rounds, "ours_ms": statistics.median(ours),
                   "theirs_ms": statistics.median(theirs)}  # fmt: skip
            yield row | pairs.difference(ours, theirs)
    finally:
        stage.apart("network", "rm", "bench")


def imports(stage, rounds, tick):
    """What a notebook's first line takes beyond ipywidgets, in fresh processes."""
    path = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import ipywidgets"
    rows = (("import labcore.notebook", "import labcore.notebook"),
            ("from labcore.notebook import *", "exec('from labcore.notebook import *')"))  # fmt: skip
    for what, code in rows:
        a, b = alternate(lambda code=code: stage.spawn(sys.executable, "-B", "-c", f"{path}; {code}"),
                         lambda: stage.spawn(sys.executable, "-B", "-c", path), rounds, tick)  # fmt: skip
        row = {"what": what, "against": "beyond import ipywidgets", "target": 60, "unit": "ms", "rounds": rounds}
        yield row | pairs.difference([x["ms"] for x in a], [x["ms"] for x in b])


def many(stage, rounds, tick, count=200):
    """Starting one more container when many run, against when one runs; before, full, and after."""
    for what, make, remove in (("labcore run -d", stage.detach, stage.remove), kept_by_notebook(stage)):
        names = [f"{MARK}-{at}" for at in range(2, count)]
        make(f"{MARK}-1")
        one_more(stage, make, remove, 2, tick)
        few = one_more(stage, make, remove, rounds, tick)
        for name in names:
            make(name)
            tick(f"starting {name.rpartition('-')[2]}")
        full = one_more(stage, make, remove, 2 * rounds, tick)
        for at in range(0, len(names), 50):
            remove(*names[at : at + 50])
            tick("removing")
        few += one_more(stage, make, remove, rounds, tick)
        remove(f"{MARK}-1")
        row = {"what": f"starting the {count}th container ({what})", "against": "the 2nd", "target": 1.3, "unit": "×",
               "rounds": 2 * rounds, "ours_ms": statistics.median(ms for ms, _ in full),
               "theirs_ms": statistics.median(ms for ms, _ in few)}  # fmt: skip
        yield row | pairs.ratio([ms / beside for ms, beside in full], [ms / beside for ms, beside in few])


def one_more(stage, make, remove, rounds, tick):
    """[(one more container, a bare Python beside it)] in ms: when others use the processors, both show it.

    The two states cannot be had in turn, so this common measure stands between them.
    """
    taken = []
    for at in range(rounds):
        beside = stage.spawn(sys.executable, "-ISBXutf8", "-c", "pass")["ms"]
        taken.append((make(f"{MARK}-more")["ms"], beside))
        remove(f"{MARK}-more")
        tick(f"one more, {at + 1}/{rounds}")
    return taken


def kept_by_notebook(stage):
    """(what, make, remove) of containers that a notebook created and started."""
    def make(name):
        return stage.notebook().ask(start=name)

    def remove(*names):
        for name in names:
            stage.notebook().ask(delete=name)

    return "from a notebook", make, remove


def pss_kb(pid):
    """A process's share of the memory, shared pages divided by those who share — proc(5), smaps_rollup."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise Failed(f"no Pss for {pid}")


def stat_of(pid):
    """(parent's PID, start time) — proc(5), stat."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return int(fields[1]), int(fields[19])


def beside(init, begun):
    """Processes that a container keeps beside its own: ancestors and siblings born since, whatever they are called."""
    parent, born = stat_of(init)
    found = set()
    while parent > 1 and stat_of(parent)[1] >= begun:
        found.add(parent)
        parent = stat_of(parent)[0]
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and int(entry) != init and stat_of(entry)[0] in found:
                found.add(int(entry))
        except OSError:
            continue
    return found


def cost_kb(names, begun):
    """Per container: PSS of what stands beside its program."""
    costs = []
    for name in names:
        init = pathlib.Path(f"/run/labcore/{name}/init").read_text()
        costs.append(sum(map(pss_kb, beside(int(init.partition('"pid":')[2].partition(",")[0]), begun))))
    return costs


def memory(stage, rounds, tick, count=50):
    """What a detached container costs beyond its program: alone, and as one of many."""
    begun = int(float(pathlib.Path("/proc/uptime").read_text().split()[0]) * os.sysconf("SC_CLK_TCK"))
    names = [f"{MARK}-{at}" for at in range(count)]
    for at, name in enumerate(names):
        stage.detach(name)
        tick(f"starting {at + 1}/{count}")
        if at == 0:
            alone = cost_kb(names[:1], begun)
    together = cost_kb(names, begun)
    stage.remove(*names)
    for what, costs in (("alone", alone), (f"as one of {count}", together)):
        if min(costs) == 0:
            raise Failed("found nothing beside init: its parent is not the monitor")
        row = {"what": f"memory beside a detached container's own program, {what}", "against": "nothing", "target": 4,
               "unit": "MB", "rounds": len(costs)}  # fmt: skip
        yield row | pairs.absolute([kb / MB for kb in costs])


def unit(stage, rounds, tick):
    """The time of tests/unit, as `make test-unit` runs them."""
    taken, said = [], ""
    for at in range(rounds):
        tick(f"{at + 1}/{rounds}")
        begun = time.perf_counter()
        try:
            stage.spawn("sh", "-c", f"cd {ROOT} && exec {sys.executable} -B -m pytest -q -p no:nbval tests/unit")
        except Failed as error:
            said = str(error).splitlines()[-1].partition(" in ")[0]  # "3 failed, 400 passed"
        taken.append(time.perf_counter() - begun)
    row = {"what": "unit tests", "against": "nothing", "target": 5, "unit": "s", "rounds": rounds, "wrong": said}
    yield row | pairs.absolute(taken)


def peers(stage, rounds, tick):
    """For comparison, without a target: what others take for `true` in a container."""
    bundle, rootfs = stage.bundle("/bin/true"), stage.bundle("/bin/true") + "/rootfs"
    unshare = ["unshare", "-m", "-u", "-i", "-n", "-p", "-f", "--mount-proc", "/bin/true"]
    lxc = stage.folder / "lxc.conf"
    lxc.write_text(f"lxc.rootfs.path = dir:{rootfs}\nlxc.uts.name = bench\nlxc.mount.auto = proc sys\n")
    engine = ["podman", "--root", f"{stage.folder}/podman", "--runroot", f"{stage.run}/podman", "--storage-driver",
              "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none", "--runtime", "runc", "run", "--rm",
              "--network", "none", "--log-driver", "k8s-file", "--ulimit", "nofile=1024:2048", "--ulimit",
              "nproc=1024:2048", "--rootfs", rootfs, "/bin/true"]  # fmt: skip
    bare = [sys.executable, "-ISBXutf8", "-c", "pass"]
    candidates = (
        ("/bin/true alone", ["/bin/true"], 1), ("the same Python, doing nothing", bare, 1),
        ("unshare, six namespaces: the floor", unshare, 1),
        ("bubblewrap", ["bwrap", "--unshare-all", "--bind", rootfs, "/", "--proc", "/proc", "--dev", "/dev",
                        "/bin/true"], 1),
        ("lxc-execute", ["lxc-execute", "-P", stage.folder, "-n", MARK, "-f", lxc, "--", "/bin/true"], 1),
        ("runc run", None, 1), ("podman run", engine, 8),
    )  # fmt: skip
    for what, argv, share in candidates:
        if argv and shutil.which(str(argv[0])) is None:
            continue  # these rows illustrate; they promise nothing
        one = (lambda argv=argv: stage.spawn(*argv)) if argv else lambda: stage.runc(bundle)
        try:
            yield against(what, "crun run", None, one, lambda: stage.crun(bundle), max(3, rounds // share), tick)
        except Failed as error:
            yield {"what": what, "against": "crun run", "target": None, "unit": "×", "error": str(error)[-120:]}


# name → (what it measures, rounds, rounds when quick, needs root)
FIGURES = {
    "notebook": (notebook, 60, 15, True), "holding": (holding, 60, 15, True), "command": (command, 40, 10, True),
    "import": (imports, 20, 5, False), "many": (many, 20, 5, True), "memory": (memory, 1, 1, True),
    "unit": (unit, 3, 1, False), "peers": (peers, 40, 8, True), "network": (network, 60, 15, True),
    "limits": (limits, 60, 15, True),
}  # fmt: skip


def measure(name, stage, rounds, tick):
    """The rows of one figure; one that cannot be measured is a row that says why."""
    function, _, _, root = FIGURES[name]
    try:
        need_root(root)
        need("unshare")
        yield from function(stage, rounds, tick)
    except (Failed, OSError, stages.subprocess.SubprocessError) as error:
        yield {"what": function.__doc__.partition("\n")[0].rstrip("."), "against": "", "target": None, "unit": "×",
               "error": str(error)}  # fmt: skip


def need_root(needed):
    """Failed when this needs root and we are not."""
    if needed and os.geteuid():
        raise Failed("needs root: sudo make bench")
