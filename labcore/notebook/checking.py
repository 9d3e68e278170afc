"""check("1.2", answer): asks the kernel whether an exercise is solved, and says what is wrong if it is not.

A check is a function in labcore/notebook/checks/nbNN.py. It reads the kernel from outside and raises

    NotYet("host-renamed", "the host now has the name meant for alice",
           likely="sethostname ran while she still shared its UTS namespace", look_at="By hand, step 2")

for each mistake it knows; returning means solved. *Observed* says only what was read, and never a number that varies.
check() itself adds three diagnoses: `untouched` (the dots are still there), `raised` (the learner's code raised, with
the line of their code) and `cannot-travel` (it names what an actor cannot have). A machine that cannot be asked
(HostError), or a check that is itself broken, ends in NotChecked, which says that the learner is not to blame.

Importing this module is cheap: standard library only, and little of it.
"""

import contextlib
import importlib
import io
import types

from ..errors import HostError, LabError, describe

PASSED = {}  # exercise -> (answer, its source at that moment): what keep() may believe
PAGE = 4000  # characters of what an answer prints
COLUMN = 41  # where the slug stands in the first line


class NotYet(Exception):
    """An exercise that is not solved yet: the slug names the mistake, for tests and reports."""

    def __init__(self, slug, observed, likely="", look_at="", at=""):
        super().__init__(slug, observed, likely, look_at, at)
        self.slug, self.observed, self.likely, self.look_at, self.at = slug, observed, likely, look_at, at
        self.exercise = ""

    def __str__(self):
        rows = [("observed", self.observed), ("at", self.at), ("likely", self.likely), ("look at", self.look_at)]
        head = f"{self.exercise} not yet".lstrip()
        return "\n".join([f"{head:<{COLUMN}}[{self.slug}]", *(f"  {name:<9} {text}" for name, text in rows if text)])

    def _render_traceback_(self):
        return str(self).splitlines()


class NotChecked(LabError):
    """The check could not be made: the machine or the check is at fault, not the answer."""

    def __init__(self, exercise, why, hint=None):
        super().__init__(f"{exercise} not checked: {why}", hint)

    def _render_traceback_(self):
        return [*str(self).splitlines(), "  this says nothing about your answer"]


def check(exercise, answer):
    """Check one exercise: prints `1.2 ok`, or raises NotYet with a diagnosis."""
    examine = find(exercise)
    PASSED.pop(exercise, None)
    printed = Page()
    try:
        demand_touched(answer)
        with contextlib.redirect_stdout(printed):  # a learner's own print() must not spoil the one stable line
            examine(answer)
    except (Exception, SystemExit) as error:
        print(printed.getvalue(), end="")  # ... but helps to find the mistake
        raise diagnose(exercise, answer, error) from None
    except KeyboardInterrupt as error:
        lines = [f"{exercise} not checked: it was stopped", f"  at        {learner_line(error, answer)}"]
        error._render_traceback_ = lambda: lines  # no traceback of ours
        raise
    PASSED[exercise] = answer, source_of(answer)
    print(f"{exercise} ok")


class Page(io.StringIO):
    """What an answer prints, as much as can be read: a loop prints hundreds of megabytes in a second."""

    def write(self, text):
        """Keep it, up to the end of the page."""
        room = PAGE - self.tell()
        if room > 0:
            super().write(text if len(text) < room else f"{text[:room]}\n(and more)\n")
        return len(text)


def find(exercise):
    """The check function of an exercise, from its notebook's file."""
    return table(exercise, "CHECKS")[exercise]


def table(exercise, name):
    """CHECKS or KEEPS of the file an exercise belongs to."""
    number = exercise.partition(".")[0]
    module = f"{__package__}.checks.nb{number:0>2}"
    try:
        known = getattr(importlib.import_module(module), name, {})
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        known = {}
    if name == "CHECKS" and exercise not in known:
        raise LabError(
            f"exercise {exercise}: there is no such exercise", hint=f"there are: {' '.join(known) or 'none'}"
        )
    return known


def untouched(observed="there is no answer yet"):
    """The diagnosis of an exercise nobody has begun; for checks whose answer is a state of an actor, too."""
    likely = "the cell has not been changed, or not been run since"
    return NotYet("untouched", observed, likely, "the exercise cell above, then its first hint")


def demand_touched(answer):
    """Raise `untouched` for no answer at all, or a function that does nothing."""
    if answer is None or answer is Ellipsis or (hasattr(answer, "__code__") and does_nothing(answer.__code__)):
        raise untouched("there is no answer yet" if answer is None else "the answer is still ...")


def demand_function(answer, name):
    """Raise unless there is a function to call."""
    if not isinstance(answer, types.FunctionType):
        raise NotYet("no-function", f"the answer is a {type(answer).__name__}, not a function",
                     f"the line `def {name}(...):` is gone, or the name means something else now",
                     "the exercise cell: keep its `def` line")  # fmt: skip


def does_nothing(code):
    """Is this the code of a body of dots, `pass` or a bare docstring? (The compiler drops all three.)"""
    import dis

    idle = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "COPY_FREE_VARS"}
    made = list(dis.get_instructions(code))
    values = [i.argval for i in made if i.opname in ("LOAD_CONST", "RETURN_CONST")]
    return all(i.opname in idle for i in made) and set(values) <= {None}


def diagnose(exercise, answer, error):
    """The exception to show for what a check ended in."""
    if isinstance(error, NotYet):
        error.exercise = exercise
        return error
    from .source import CannotShip

    at = learner_line(error, answer)
    if isinstance(error, CannotShip):
        return diagnose(exercise, answer, NotYet("cannot-travel", describe(error), error.hint or "", at=at))
    if isinstance(error, HostError) or (isinstance(error, LabError) and not at):
        return NotChecked(exercise, describe(error), error.hint)
    if not at and not wrong_call(error, answer):
        hint = "the check itself failed: please report it, with the answer that did it"
        return NotChecked(exercise, describe(error), hint)
    likely = f"hint: {error.hint}" if getattr(error, "hint", None) else ""
    no = NotYet("raised", f"your code raised {spoken(error)}", likely, at=at)
    no.exercise = exercise
    return no


def spoken(error):
    """Type and text of an exception, on one line."""
    text = describe(error) if isinstance(error, LabError | OSError) else str(error)
    return f"{type(error).__name__}: {text}".rstrip(": ").replace("\n", " ")


def wrong_call(error, answer):
    """Did the check's own call of the answer not fit: other parameters, or not a function?"""
    name = getattr(answer, "__name__", None)
    uncallable = not callable(answer) and "not callable" in str(error)
    return isinstance(error, TypeError) and (uncallable or bool(name) and str(error).startswith(f"{name}()"))


def learner_line(error, answer):
    """`line 3: sethostname(nam)`, the learner's last line in a traceback, or "".

    An exception that comes back from an actor has no frames here: the toolkit hangs (number, text) on it as `.learner`.
    """
    import linecache

    place = getattr(error, "learner", None)
    names = getattr(answer, "__globals__", None)
    if place and names is not None:
        place = typed_place(answer, place)
    frames = error.__traceback__
    while frames is not None:
        if names is not None and frames.tb_frame.f_globals is names:
            file = frames.tb_frame.f_code.co_filename
            place = frames.tb_lineno, linecache.getline(file, frames.tb_lineno).strip()
        frames = frames.tb_next
    return f"line {place[0]}: {place[1]}".rstrip(": ") if place else ""


def typed_place(function, place):
    """A place in the text that was shipped for a function, as a place in its cell."""
    from . import source

    try:
        return source.typed_at(function, place[0]), place[1]
    except LabError:
        return place


def source_of(answer):
    """The text that would be shipped for an answer, or None if it is not a function that can travel."""
    from . import source

    try:
        return source.self_contained(answer) if callable(answer) else None
    except LabError:
        return None


def keep(address, function):
    """Keep a function that passed its check as mine/ADDRESS.py, to take the place of that step when asked for."""
    from .mine import write_mine

    print(f"kept: {write_mine(address, function)}")
