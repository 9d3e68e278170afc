"""mine/: a learner's own functions, each in a file named after the step it can replace.

Nothing uses them unasked: `labcore run --mine mine`.
"""

import importlib
import inspect
import os

from ..errors import LabError
from . import source
from .checking import PASSED, table


def write_mine(address, function, directory="mine"):
    """Write a function that passed its check as DIRECTORY/ADDRESS.py; returns the path."""
    exercise = passed_as(address, function)
    demand_same_parameters(address, function)
    text = source.self_contained(function, address.rpartition(".")[2])
    if PASSED[exercise][1] != source.self_contained(function):
        raise LabError(
            f"keep {address}: something it uses has changed since its check", hint="run the check cell again"
        )
    path = os.path.join(directory, f"{address}.py")
    note = f"# {address}: yours, from exercise {exercise}. Used only when asked for: labcore run --mine {directory}\n"
    try:
        os.makedirs(directory, exist_ok=True)
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(note + text)
        os.replace(f"{path}.new", path)
    except OSError as error:
        raise LabError(f"keep {address}: {path}: {error.strerror}") from None
    return path


def kept(directory="mine"):
    """{address: source} of every function that has been kept."""
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(".py") and name.count(".") == 2)
    except FileNotFoundError:
        return {}
    found = {}
    for name in names:
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            found[name.removesuffix(".py")] = file.read()
    return found


def passed_as(address, function):
    """The exercise in which this very function passed its check."""
    hint = f'run check(...) on it first, then keep("{address}", ...) again'
    for exercise, (answer, _) in PASSED.items():
        if answer is function:
            for_step = table(exercise, "KEEPS").get(exercise, address)
            if for_step == address:
                return exercise
            hint = f"it passed exercise {exercise}, which is about {for_step}"
    raise LabError(f"keep {address}: this function has not passed its check", hint)


def demand_same_parameters(address, function):
    """Raise unless a function takes the parameters of the step it is to replace."""
    module, _, name = address.rpartition(".")
    try:
        reference = getattr(importlib.import_module(f"labcore.{module}"), name)
    except (ImportError, AttributeError):
        raise LabError(f"keep {address}: there is no such step") from None
    wanted, given = (list(inspect.signature(f).parameters) for f in (reference, function))
    if wanted != given:
        takes, has = (f"({', '.join(names)})" for names in (wanted, given))
        hint = f"the runtime calls it by these names: def {function.__name__}{takes}:"
        raise LabError(f"keep {address}: takes {takes}, yours has {has}", hint)
