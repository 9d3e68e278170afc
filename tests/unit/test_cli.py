"""Is this to be detached? Known before anything is imported, so read without the tables; they must agree."""

import itertools

import pytest

from labcore import cli, control, networks, options, verbs


@pytest.mark.parametrize("line, detached", [
    ("run -d busybox", True), ("run --detach busybox", True), ("run --rm -d busybox", True),
    ("run --name web -d busybox", True), ("run --name=web -d busybox", True), ("run -itd busybox", True),
    ("run -e A=1 -d busybox", True), ("run -eA=1 -d busybox", True), ("run -m 64m -d busybox", True),
    ("--root /x run -d busybox", True), ("--root=/x --debug run -d busybox", True), ("run -dm 64m busybox", True),
    ("run busybox ls -d", False), ("run busybox -d", False), ("run --name -d busybox", False),
    ("run -e -d busybox", False), ("run -ed busybox", False), ("run -- -d", False), ("run -it busybox", False),
    ("exec -d run sh", False), ("-d run busybox", False), ("--root run exec -d x", False), ("", False), ("run", False),
])
def test_detached(line, detached):
    assert cli.runs_detached(line.split()) is detached


def test_every_option_with_a_value_is_known_before_the_tables_are():
    tables = itertools.chain(cli.GLOBAL(options.Option), verbs.RUN)
    assert {name for o in tables if o.metavar for name in o.names} == set(cli._WITH_VALUE)


def test_every_verb_of_the_usage_has_a_help():
    later = control.VERBS | {"network": (networks.call, networks.OPTIONS)}
    assert {verb for verb, entry in verbs.VERBS.items() if entry is None} == set(later)
    for verb, (function, table) in (verbs.VERBS | later).items():
        assert verb in cli.USAGE
        assert function.__doc__.startswith("usage: labcore "), verb
        assert any("--help" in o.names for o in table), verb
