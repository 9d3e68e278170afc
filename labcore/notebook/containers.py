"""Container: a container of this notebook, made, run and taken down by a walker on the lab host.

    box = Container("web", "busybox", "echo hi", memory="64m")
    box.run()                       # create, start, wait, delete; prints what it prints
    box.create(); box.start(); box.wait(); box.delete()
    box.plan()                      # a picture of the steps, with times after a run
    box.stepper()                   # the same steps, one press of a button each

`mine={"uts.set_hostname": fn}` lets your own function take the place of a step.
"""

import importlib
import os
import signal

from .. import errors, step, wire
from . import link, looking, process
from .travel import CommandFailed, checked, show, sources, spell

YARD = {}  # name → the container of that name


class Container:
    """One container; using a name again takes the earlier one down."""

    def __init__(self, name, image="busybox", command=("sh",), mine=None, bundle=None, **options):
        if name in YARD:
            YARD[name].delete()
        self.name, self.image, self.bundle, self.options = name, image, bundle, options
        self.args = ["sh", "-c", command] if isinstance(command, str) else list(command)
        self.mine = sources(mine)
        self.walker = self.number = self.pid = self.pidfd = self.code = self._config = self._output = None
        self.took = []
        YARD[name] = self

    # -- as one thing

    def run(self):
        """Create, start, wait, delete. What it prints is printed; a status other than 0 stands in a last line."""
        reader, writer = os.pipe()
        null = os.open("/dev/null", os.O_RDONLY)
        try:
            answer = self._ask("run", self._list("run", "known") | {"took": True}, [null, writer, writer],
                               [(reader, show)])  # fmt: skip
        finally:
            for fd in (reader, writer, null):
                os.close(fd)
        self.code, self.took = answer["code"], answer["took"]
        self._leave(well=True)
        if self.code:
            print(f"({spell(self.code)})")

    # -- as the OCI verbs

    def create(self):
        """Make it; init waits inside. Its output is kept in .output."""
        null, self._output = os.open("/dev/null", os.O_RDONLY), os.memfd_create(self.name)
        try:
            answer = self._ask("create", self._list("create") | {"took": True}, [null, self._output, self._output])
        finally:
            os.close(null)
        self.pid, self.took = answer["pid"], answer["took"]
        return self

    def start(self):
        """Let init become the program."""
        if self.pid is None:
            self.create()
        self.took += self._ask("start", {"steps": self._list("start")["steps"], "took": True})["took"]
        return self

    def wait(self, timeout_s=None):
        """Wait until it ends: its exit status; None when it still runs after timeout_s."""
        if self.code is None and self.pidfd is not None and looking.wait_for(self.pidfd, timeout_s):
            self.code = self._hear()[0]["ended"]
        return self.code

    def kill(self, number=signal.SIGKILL):
        """Signal its init."""
        self._ask("kill", {"name": self.name, "signal": int(number)})

    def delete(self):
        """Take it down, whatever state it is in."""
        YARD.pop(self.name, None)
        if self.walker is not None:
            try:
                self._ask("delete", {"name": self.name})
                self._leave(well=True)
            finally:
                self._leave()

    @property
    def output(self):
        """What it has printed so far, when it was created and started by hand."""
        return "" if self._output is None else os.pread(self._output, 1 << 24, 0).decode("utf-8", "replace")

    # -- looking, and more processes inside

    def sh(self, command):
        """Run a shell command in it (OCI's exec) and print what it prints."""
        code = self._exec(command, show)
        if code:
            print(f"({spell(code)})")

    def out(self, command, check=True):
        """The text that a shell command in it prints; CommandFailed if it fails, unless check is False."""
        said = []
        code = self._exec(command, said.append)
        text = b"".join(said).decode("utf-8", "replace")
        if code and check:
            raise CommandFailed(f"{self.name}: {command}: {spell(code)}", text.strip() or None)
        return text

    def look(self):
        """What the kernel says of its init, read from outside."""
        if self.pidfd is None:
            raise errors.StateError(f"container {self.name!r} is not running", f"{self.name}.start() starts it")
        return looking.look(self.pid, self.pidfd)

    def namespaces(self):
        """{kind: "uts:[…]"} of its init — namespaces(7)."""
        return looking.in_order(self.look()["namespaces"])

    def config(self):
        """Its configuration, as OCI's config.json has it."""
        if self._config is None and self.bundle is not None:
            from .. import spec

            self._config = spec.load(self.bundle)
        if self._config is None:
            self._config = self._ask("config", {
                "name": self.name, "image": self.image, "args": self.args, "options": self.options,
                "single": not link.here().known["groups"]})["config"]  # fmt: skip
        return self._config

    def steps(self):
        """The steps of a run, in order, without doing them."""
        return self._list("run")["steps"]

    def plan(self, times=None):
        """A picture of the plan; with the times of the last run if there was one and times is not False."""
        load_steps()
        from .views import plan

        if times is False or not self.took:
            return plan.draw(self.steps(), times=False)
        return plan.draw(rows(self.took))

    def walk(self):
        """Do one step of a run each time this is advanced; closing it takes down what was built."""
        null, self._output = os.open("/dev/null", os.O_RDONLY), os.memfd_create(self.name)
        fds = [null, self._output, self._output]
        try:
            steps = {"steps": self.steps()}
            while not (answer := self._ask("step", steps, fds)).get("done"):
                steps["steps"] = []  # the walker has them by now
                fds, self.pid = [], answer["pid"]
                yield step.Step(*answer["step"]), answer["took"]
        finally:
            os.close(null)
            self.delete()

    def stepper(self):
        """Buttons that walk the real plan, one step at a time."""
        load_steps()
        from .views import stepper

        total = len(self.steps())
        return stepper.Stepper(self.walk(), self.sides, self.walk, total=total, key=f"container {self.name}")

    def sides(self):
        """Host and inside as they are now: what a step may have changed."""
        host = process.Process.host()
        found = {"host": looking.side(host.look(), host.look()), "inside": {}}
        if self.pid:
            try:
                found["inside"] = looking.side(looking.eye_on(self.pid), host.look())
            except OSError:
                pass  # not born yet, or gone
        return found

    def card(self):
        """A picture of what its init has of its own."""
        from .views import card

        return card.draw(looking.facts_for_card(self.name, self.look(), "container"))

    def _repr_mimebundle_(self, include=None, exclude=None):
        if self.pidfd is None or looking.ended(self.pidfd):
            return {"text/plain": repr(self)}
        return self.card()._repr_mimebundle_(include, exclude)

    def __repr__(self):
        state = "not created" if self.pid is None else "ended" if self.code is not None else "created or running"
        return f"<container {self.name}, {state}>"

    # -- how its walker is asked

    def _list(self, verb, *wanted):
        """The plan, made here: it is pure, and a walker does well to have little to think about."""
        from .. import plan, runtime, state

        known, config, bundle = link.here().known, self.config(), self.bundle or "/"
        here, directory = known["facts"], f"{known['state']}/{state.check_id(self.name)}"
        config["linux"]["cgroupsPath"] = config["linux"]["cgroupsPath"] or f"/labcore/lab-{known['hello']}/{self.name}"
        plan.check(config, here)
        first = state.new(self.name, bundle, config, here, runtime.cgroup_path(self.name, config, here), False)
        if verb == "start":
            steps = plan.start(config, directory, attached=True, mine=self.mine)
        else:
            make = plan.run if verb == "run" else plan.create
            steps = make(config, here, bundle, directory, first, attached=True, mine=self.mine)
        known = first | {"directory": directory, "pid": 0, "pidStart": None}
        found = {"name": self.name, "steps": steps, "known": known}
        return {name: found[name] for name in ("name", "steps", *wanted)}

    def _exec(self, command, sink):
        """By a walker of its own: the container's is init's parent, and may have more to do."""
        reader, writer = os.pipe()
        null = os.open("/dev/null", os.O_RDONLY)
        sock, number = link.here().fork("walker")
        try:
            message = {"do": "exec", "with": {"name": self.name, "args": ["sh", "-c", command]}}
            answer, _ = link.talk(sock, message, [null, writer, writer], [(reader, sink)],
                                  lambda: link.HERE.kill(number))  # fmt: skip
        except EOFError:
            raise KeyboardInterrupt from None
        finally:
            sock.close()
            for fd in (reader, writer, null):
                os.close(fd)
        return checked(answer)["code"]

    def _ask(self, do, words, fds=(), sinks=()):
        """One request to its walker. Ctrl-C kills the walker; then another one takes down what there is."""
        if self.walker is None:
            self.walker, self.number = link.here().borrow()
        try:
            talk = link.talk(self.walker, {"do": do, "with": words}, fds, sinks, lambda: link.HERE.kill(self.number))
            return self._take(talk)
        except (EOFError, OSError):
            self._leave()
            if not link.HERE.alive():
                raise errors.LabError(f"container {self.name!r} has ended: the launcher was killed") from None
        self._clean_up()
        raise KeyboardInterrupt

    def _take(self, heard):
        """An answer; before it may stand that init has ended."""
        answer, fds = heard
        if "ended" in answer:
            self.code = answer["ended"]
            return self._take(self._hear())
        if answer.get("fds_are") == "init":
            self.pidfd, = fds
        if answer.get("code") is not None:
            self.code = answer["code"]
        return checked(answer)

    def _hear(self):
        try:
            return wire.receive(self.walker)
        except (EOFError, OSError):
            self._leave()
            raise errors.LabError(f"container {self.name!r} has ended: the launcher was killed") from None

    def _clean_up(self):
        sock, _ = link.here().fork("walker")
        link.talk(sock, {"do": "delete", "with": {"name": self.name}})
        sock.close()

    def _leave(self, well=False):
        """Let go of the walker; one that has walked nothing of a learner's can serve another container."""
        if self.walker is not None and well and not self.mine:
            link.HERE.give_back(self.walker, self.number)
        elif self.walker is not None:
            self.walker.close()
        if self.pidfd is not None:
            os.close(self.pidfd)
        self.walker = self.number = self.pid = self.pidfd = None


def load_steps():
    """Have the modules at hand whose docstrings explain the steps."""
    importlib.import_module("labcore.plan")


def rows(took):
    """Steps and times as views.plan takes them."""
    return [(step.Step(place, address), microseconds) for place, address, microseconds in took]
