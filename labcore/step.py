"""What a step of a plan is, and how its address becomes a function.

A step is data: where it runs, which function, with which arguments. Its address, `uts.set_hostname`, is the
function's own name; the first line of that function's docstring is the explanation a learner reads.
"""

import sys

HOST, INSIDE = "host", "inside"


class Step(tuple):
    """(place, address, args, source): source is a learner's own text for the function, else None."""

    __slots__ = ()
    place, address, args, source = (property(lambda self, i=i: self[i]) for i in range(4))

    def __new__(cls, place, address, args=None, source=None):
        return super().__new__(cls, (place, address, args or {}, source))

    def __getnewargs__(self):
        return tuple(self)


def host(function, **args):
    """A step on the caller's side."""
    return Step(HOST, address_of(function), args)


def inside(function, **args):
    """A step played by the helper in the container's namespaces."""
    return Step(INSIDE, address_of(function), args)


def address_of(function):
    """`labcore.uts.set_hostname` as its address `uts.set_hostname`."""
    return f"{function.__module__.removeprefix('labcore.')}.{function.__name__}"


def handle(name):
    """Stands for a value that exists only at run time, under this name in the walk's table."""
    return {"$": name}


def resolve(step):
    """The function of a step: labcore's own, or the learner's source when the step carries one."""
    module, _, name = step.address.rpartition(".")
    if step.source is not None:
        return learned(step.address, step.source)
    # only modules that plan.py has already imported: nothing is loaded by name from anywhere
    return getattr(sys.modules[f"labcore.{module}"], name)


def learned(address, source):
    """A learner's function from its source, with the public names of labcore.syscalls about it."""
    name = address.rpartition(".")[2]
    system_calls = sys.modules["labcore.syscalls"]
    names = {n: v for n, v in vars(system_calls).items() if not n.startswith("_")}
    exec(compile(source, f"<your {address}>", "exec"), names)  # asked for by name: --mine, never from a spec
    return names[name]


def explain(step):
    """The first docstring line of a step's function: what it does and its man page."""
    function = getattr(sys.modules[f"labcore.{step.address.rpartition('.')[0]}"], step.address.rpartition(".")[2])
    return (function.__doc__ or "").strip().partition("\n")[0]


def is_handle(value):
    """Is this {"$": name}?"""
    return type(value) is dict and len(value) == 1 and "$" in value


def handles_in(args):
    """The names of the handles among the arguments: an argument itself, or an item of a list."""
    found = []
    for value in args.values():
        if type(value) is list:
            found += [item["$"] for item in value if is_handle(item)]
        elif is_handle(value):
            found.append(value["$"])
    return found


def fill(args, handles):
    """Arguments with each handle replaced by the value it stands for."""
    filled = {}
    for name, value in args.items():
        if is_handle(value):
            value = handles[value["$"]]
        elif type(value) is list and any(is_handle(item) for item in value):
            value = [handles[item["$"]] if is_handle(item) else item for item in value]
        filled[name] = value
    return filled


class Descriptor(int):
    """A file descriptor among the values that steps return: it travels as a descriptor, not as a number."""
