"""Words of a command line to options: a table in, a dict out.

The standard parser takes 8 ms to import, a third of a whole `labcore run`; this is what is needed of it.
"""

from . import errors


class UsageError(errors.LabError):
    """The words cannot be understood; exit 2."""

    exit_code = 2


class Option(tuple):
    """(names, metavar or None for a switch, help, repeatable): names as "-e --env"."""

    __slots__ = ()
    names, metavar, help, many = (property(lambda self, i=i: self[i]) for i in range(4))

    def __new__(cls, names, metavar=None, help="", many=False):
        return super().__new__(cls, (names.split(), metavar, help, many))

    @property
    def key(self):
        """`--pids-limit` is options["pids_limit"]."""
        return self.names[-1].lstrip("-").replace("-", "_")


def parse(words, table):
    """(options, the words after them); options stop at the first word that is none, or at `--`."""
    by_name = {n: o for o in table for n in o.names}
    found, words = {}, list(words)
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "--":
            break
        name, sign, value = word.partition("=")
        if not word.startswith("--") and word not in by_name and len(word) > 2:
            _split_cluster(word, by_name, words)  # -it, -eA=1
            continue
        option = by_name.get(name)
        if option is None:
            raise UsageError(f"unknown option {name}", _similar(name, by_name))
        if option.metavar is None:
            if sign:
                raise UsageError(f"{name} takes no value")
            value = True
        elif not sign:
            if not words:
                raise UsageError(f"{name} needs a value: {name} {option.metavar}")
            value = words.pop(0)
        found[option.key] = [*found.get(option.key, []), value] if option.many else value
    return found, words


def _split_cluster(word, by_name, words):
    head, rest = word[:2], word[2:]
    if head not in by_name:
        raise UsageError(f"unknown option {head}", _similar(head, by_name))
    words[:0] = [head, rest.removeprefix("=")] if by_name[head].metavar else [head, f"-{rest}"]


def _similar(name, by_name):
    near = [n for n in by_name if len(name) > 3 and (n.startswith(name) or name.startswith(n) and len(n) > 3)]
    return f"did you mean {near[0]}?" if near else "--help lists the options"


def one(words):
    """The only word: a container's ID."""
    if len(words) != 1:
        raise UsageError("this needs one container ID")
    return words[0]


def show(table):
    """The table as the lines of a --help text."""
    rows = [(", ".join(o.names) + (f" {o.metavar}" if o.metavar else ""), o.help) for o in table]
    width = max((len(left) for left, _ in rows), default=0)
    return "\n".join(f"  {left:{width}}  {right}" for left, right in rows)


def explain(function, table):
    """Print what a verb does, from its docstring, and its options; the exit code is 0."""
    print("\n".join(line.removeprefix("    ") for line in function.__doc__.rstrip().splitlines()))
    print("\noptions:\n" + show([o for o in table if o.help != "ignored"]))
    return 0
