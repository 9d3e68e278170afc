"""Words to options."""

import pytest

from labcore import options
from labcore.options import Option

TABLE = [Option("-i --interactive"), Option("-t --tty"), Option("-e --env", "NAME=VALUE", "set a variable", many=True),
         Option("-m --memory", "SIZE"), Option("--pids-limit", "N", "how many")]  # fmt: skip


@pytest.mark.parametrize("words, found, rest", [
    ("", {}, []),
    ("-i x -t", {"interactive": True}, ["x", "-t"]),
    ("-it x", {"interactive": True, "tty": True}, ["x"]),
    ("-- -i", {}, ["-i"]),
    ("- -i", {}, ["-", "-i"]),
    ("--memory 64m x", {"memory": "64m"}, ["x"]),
    ("--memory=64m", {"memory": "64m"}, []),
    ("--memory= x", {"memory": ""}, ["x"]),
    ("-m64m", {"memory": "64m"}, []),
    ("-m=64m", {"memory": "64m"}, []),
    ("-itm 64m x", {"interactive": True, "tty": True, "memory": "64m"}, ["x"]),
    ("-e A=1 -eB=2 --env=C=3", {"env": ["A=1", "B=2", "C=3"]}, []),
    ("-m 1 -m 2", {"memory": "2"}, []),
    ("--pids-limit -1", {"pids_limit": "-1"}, []),
])
def test_parsed(words, found, rest):
    assert options.parse(words.split(), TABLE) == (found, rest)


@pytest.mark.parametrize("words, said, hint", [
    ("--what", "unknown option --what", "--help lists the options"),
    ("-x", "unknown option -x", "--help lists the options"),
    ("-ix", "unknown option -x", "--help lists the options"),
    ("--mem 1", "unknown option --mem", "did you mean --memory?"),
    ("--memory", "--memory needs a value: --memory SIZE", None),
    ("-m", "-m needs a value: -m SIZE", None),
    ("--tty=yes", "--tty takes no value", None),
])
def test_refused(words, said, hint):
    with pytest.raises(options.UsageError) as raised:
        options.parse(words.split(), TABLE)
    assert (raised.value.args[0], raised.value.hint, raised.value.exit_code) == (said, hint, 2)


def test_words_are_left_as_they_were():
    words = ["-it", "x"]
    options.parse(words, TABLE)
    assert words == ["-it", "x"]


def test_help_lists_every_option_in_columns():
    lines = options.show(TABLE).splitlines()
    assert lines[2] == "  -e, --env NAME=VALUE  set a variable"
    assert len({line.index(o.help) for line, o in zip(lines, TABLE, strict=True) if o.help}) == 1
