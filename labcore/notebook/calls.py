"""The system calls as a notebook sees them: each raises here, since it would move the notebook itself.

`alice.call(unshare, CLONE_NEWUTS)` has alice make the call.
"""

import functools
import inspect

from .. import errors, syscalls


def guarded(function):
    """The same name and words, but calling it in the notebook is refused."""

    @functools.wraps(function)
    def refuse(*args, **_):
        shown = "".join(f", {written(a, function.__name__)}" for a in args)
        raise errors.LabError(f"{function.__name__}: this would move the notebook itself",
                              f"write alice.call({function.__name__}{shown})")  # fmt: skip

    refuse.actual = f"labcore.syscalls.{function.__name__}"
    refuse.__signature__ = inspect.signature(function)
    return refuse


def written(value, function):
    """An argument as a learner writes it: namespace flags by their names."""
    if function in ("unshare", "setns", "clone") and isinstance(value, int):
        flags = {n: v for n, v in vars(syscalls).items() if n.startswith("CLONE_NEW") and value & v}
        if flags and sum(flags.values()) == value:
            return " | ".join(flags)
    return repr(value)


NAMES = {name: guarded(value) if inspect.isfunction(value) else value for name, value in vars(syscalls).items()
         if not name.startswith("_") and not inspect.ismodule(value)}  # fmt: skip
