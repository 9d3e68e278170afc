"""The order of the steps, as a text that people can review: tests/unit/golden/NAME.txt, made anew with LAB_GOLDEN=1."""

import os
import pathlib
import re

import pytest

from labcore import default, errors, jsonfile, plan, runtime, state, step

GOLDEN = pathlib.Path(__file__).parent / "golden"
V1 = {"root": True, "uid": 0, "gid": 0, "in_userns": False, "cgroup": 1, "cgroup2": "/cg/unified",
      "cgroup1": {"memory": "/cg/memory", "cpu": "/cg/cpu", "pids": "/cg/pids", "systemd": "/cg/systemd"}}
V2 = V1 | {"cgroup": 2, "cgroup1": {}, "cgroup2": "/cg"}
NONE = V1 | {"cgroup": 0, "cgroup1": {}, "cgroup2": None}
ORDINARY = NONE | {"root": False, "uid": 4242, "gid": 4243}  # nobody: no names in passwd(5), no subordinate IDs
LIMITS = {"memory": "64m", "cpus": "0.5", "pids_limit": "10"}
NETWORK = {"name": "lab", "directory": "/run/labcore/.networks/lab", "subnet": "10.89.0.0/24", "gateway": "10.89.0.1",
           "bridge": "lab-lab", "link": "lab012345678901", "container": "box", "names": ["shop"],
           "ports": ["0.0.0.0:8080:80/tcp"]}  # fmt: skip
CASES = {
    "v1": (V1, LIMITS, {}),
    "v2": (V2, LIMITS, {"attached": True}),
    "no-cgroup": (NONE, {"read_only": True}, {"pid_file": "/pid", "keep": 2}),
    "rootless": (ORDINARY, {}, {"attached": True}),
    "userns": (NONE, {"userns": "0:70000:1000", "volume": ["/usr:/host:ro,slave"]}, {}),
    "terminal": (V2, {"tty": True, "user": "user:user", "volume": ["/usr:/host:ro"]}, {"console_socket": "/console"}),
    "network": (V2, {}, {"network": NETWORK}),
}


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "rootfs"
    (path / "bin").mkdir(parents=True)
    return str(path)


def plans(config, facts, network=None, **options):
    """All plans of a container called box, as (verb, steps)."""
    first = state.new("box", "/", config, facts, runtime.cgroup_path("box", config, facts), False, network)
    directory, path = "/run/labcore/box", first["cgroupPath"]
    started = {k: v for k, v in options.items() if k in ("attached", "keep")}
    owned = list(plan.CGROUPS[facts["cgroup"]].places(facts, path).values()) if path else []
    known = first | {"directory": directory, "pid": 99, "pidStart": 5, "owned": owned, "status": "stopped"}
    return {"run": plan.run(config, facts, "/", directory, first, **({"attached": False} | options)),
            "create": plan.create(config, facts, "/", directory, first, **options),
            "start": plan.start(config, directory, **started),
            "enter": plan.enter(config, facts, 99, 5, path, **started),
            "delete": plan.delete(known, facts)}


def make(name, rootfs):
    facts, options, more = CASES[name]
    return plans(default.config("box", rootfs, ["true"], facts, options), facts, **more)


def show(steps, rootfs):
    for s in steps:
        words = " ".join(sorted((f"{k}={jsonfile.dumps(v)}" for k, v in s.args.items()), key=len))  # short ones first
        words = re.sub(r'"created":\d+', '"created":0', words).replace(rootfs, "/rootfs")
        words = words.replace(os.environ.get("TERM", "xterm"), "xterm")
        yield f"{s.place:6} {s.address:30} {words if len(words) < 160 else words[:158] + '…'}".rstrip()


@pytest.mark.parametrize("name", CASES)
def test_plan_is_the_one_that_was_reviewed(name, rootfs):
    text = "".join(f"{verb}\n" + "".join(f"  {line}\n" for line in show(steps, rootfs))
                   for verb, steps in make(name, rootfs).items())
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("LAB_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(text)
    assert text.splitlines() == file.read_text().splitlines()


@pytest.mark.parametrize("name", CASES)
def test_every_step_leads_to_a_function_that_names_its_man_page(name, rootfs):
    for verb, steps in make(name, rootfs).items():
        for s in steps:
            assert callable(step.resolve(s)), s.address
            assert re.search(r" — (.*\w+\(\d\)|overlayfs|OCI \S+)(, [\w/. ]+)*\.?$", step.explain(s)), (verb, s.address)
            assert s.place in (step.HOST, step.INSIDE)


@pytest.mark.parametrize("name", CASES)
def test_plan_is_json_and_nothing_else(name, rootfs):
    for steps in make(name, rootfs).values():
        again = [step.Step(*s) for s in jsonfile.loads(jsonfile.dumps([list(s) for s in steps]))]
        assert again == steps


def test_plan_looks_at_nothing(rootfs):
    """Not a path of this machine is opened: facts of another one, a bundle that is not there."""
    config = default.config("box", rootfs, ["true"], V2, {})
    config["root"]["path"] = "nowhere"
    steps = plan.create(config, V2, "/no/such/bundle", "/no/such/state", state.new("box", "/", config, V2, "/x", False))
    assert next(s.args["path"] for s in steps if s.address == "rootfs.open") == "/no/such/bundle/nowhere"
    assert plan.create(config, V2, "/", "/s", {"cgroupPath": "/x"}) == plan.create(config, V2, "/", "/s",
                                                                                     {"cgroupPath": "/x"})


def addresses(steps):
    return [s.address for s in steps]


def before(steps, *order):
    found = [addresses(steps).index(a) for a in order]
    return found == sorted(found)


def test_orders_that_the_kernel_demands(rootfs):
    v1, rootless = make("v1", rootfs)["create"], make("rootless", rootfs)["create"]
    assert before(v1, "cgroup1.enter", "namespace.unshare", "mount.set_propagation", "rootfs.open", "rootfs.pivot",
                  "process.find_program", "helper.park")
    assert before(rootless, "user.write_maps", "user.become_root", "pid.hide", "namespace.unshare")
    assert before(v1, "state.claim", "state.listen", "cgroup1.create", "state.own", "cgroup1.set_limits",
                  "helper.clone")
    tail = addresses(make("v2", rootfs)["start"])[1:-1]
    assert tail == ["process.set_no_new_privileges", "caps.limit_bounding", "caps.keep_over_setuid", "process.set_user",
                    "caps.set", "process.close_descriptors", "process.reset_signals", "process.die_with_parent",
                    "process.enter_directory", "process.execute"]


def test_orders_of_a_network(rootfs):
    made = make("network", rootfs)
    assert before(made["run"], "state.claim", "lease.take", "net.publish", "helper.clone", "net.attach",
                  "net.set_loopback_up", "mount.attach", "net.await_connection", "net.set_address", "net.add_route",
                  "rootfs.pivot", "state.created", "process.execute")  # fmt: skip
    assert before(made["delete"], "pid.kill", "net.unpublish", "net.detach", "net.give_back", "state.forget")


def test_init_carries_the_steps_of_start(rootfs):
    for name in CASES:
        made = make(name, rootfs)
        parked = next(s for s in made["create"] if s.address == "helper.park").args["steps"]
        assert [step.Step(*s) for s in parked] == made["start"][1:-1]


def test_run_is_create_and_start_without_the_door(rootfs):
    door = {"state.listen", "helper.park", "helper.connect", "state.started"}
    for name in CASES:
        made = make(name, rootfs)
        both = [s for s in [*made["create"], *made["start"]] if s.address not in door]
        assert [s for s in made["run"] if s.address != "process.outlive_parent"] == both


def test_program_that_is_not_attached_may_outlive_its_maker(rootfs):
    assert "process.die_with_parent" not in addresses(make("v1", rootfs)["start"])
    assert "process.die_with_parent" in addresses(make("v2", rootfs)["start"])
    assert "process.outlive_parent" in addresses(make("v1", rootfs)["run"])
    assert "process.outlive_parent" not in addresses(make("v2", rootfs)["run"])


def test_learners_source_takes_the_place_of_a_step_only_when_asked_for(rootfs):
    config = default.config("box", rootfs, ["true"], NONE, {})
    first = state.new("box", "/", config, NONE, "", False)
    mine = {"uts.set_hostname": "def set_hostname(name): pass", "caps.set": "def set(**k): pass", "no.such": ""}
    steps = plan.create(config, NONE, "/", "/s", first, mine=mine)
    assert [s.address for s in steps if s.source] == ["uts.set_hostname"]
    parked = next(s for s in steps if s.address == "helper.park").args["steps"]
    assert [s[1] for s in parked if s[3]] == ["caps.set"]
    assert not [s for s in plan.create(config, NONE, "/", "/s", first) if s.source]


def test_joined_namespaces_are_entered_by_a_helper_first(rootfs):
    config = default.config("box", rootfs, ["true"], NONE, {})
    config["linux"]["namespaces"] = [{"type": "network", "path": "/run/netns/x"}, {"type": "mount"}]
    steps = plan.create(config, NONE, "/", "/s", {"cgroupPath": ""})
    assert before(steps, "helper.fork", "helper.join") and "helper.clone" not in addresses(steps)
    join = next(s for s in steps if s.address == "helper.join")
    assert (join.args["paths"], join.args["new"]) == ([["net", "/run/netns/x"]], ["mnt"])
    assert "net.set_loopback_up" not in addresses(steps)  # somebody else's network


def test_delete_touches_only_what_is_owned():
    known = {"pid": 0, "cgroup": 1, "cgroupPath": "/labcore/x", "directory": "/s", "status": "stopped"}
    def cgroup_steps(**more):
        steps = plan.delete(known | more, V1)
        assert steps[-1].address == "state.forget"
        return [(s.address, s.args["paths"]) for s in steps if s.address.startswith("cgroup")]

    own = {"memory": "/cg/memory/labcore/x"}
    assert cgroup_steps(owned=[]) == []
    assert cgroup_steps(owned=list(own.values())) == [("cgroup1.kill", own), ("cgroup1.remove", own)]
    perhaps_made = cgroup_steps(owned=[], status="creating")
    assert [a for a, _ in perhaps_made] == ["cgroup1.remove_empty"]  # never killed in


def test_limits_without_a_cgroup_are_refused_before_anything_is_made(rootfs):
    config = default.config("box", rootfs, ["true"], NONE, {"memory": "64m"})
    with pytest.raises(errors.HostError, match=r"^linux\.resources\.memory: no cgroup here"):
        plan.check(config, NONE)
    plan.check(config, V2)
    plan.check(default.config("box", rootfs, ["true"], NONE, {}), NONE)
