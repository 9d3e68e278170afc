"""Words of the verbs about containers that are there, and their tables; what they do is tested black box."""

import pytest

from labcore import control, errors, options


def test_update_needs_a_limit_and_takes_one_kind_of_words():
    with pytest.raises(options.UsageError, match="^update needs a limit"):
        control.update({}, ["box"], None)
    with pytest.raises(options.UsageError, match="^--resources: takes no other limits"):
        control.update({"resources": "x", "memory": "64m"}, ["box"], None)
    with pytest.raises(errors.SpecError, match="^/no/such: No such file or directory"):
        control.update({"resources": "/no/such"}, ["box"], None)
    with pytest.raises(options.UsageError, match="^this needs one container ID"):
        control.update({"memory": "64m"}, [], None)


def test_seconds():
    assert (control._seconds("5"), control._seconds("0.5s")) == (5, 0.5)
    for text in ("0", "-1", "nan", "x", "", "inf"):
        with pytest.raises(options.UsageError, match="^--interval"):
            control._seconds(text)


def test_table_says_what_is_used_of_what(capsys):
    row = {"name": "a", "cpu_percent": None, "memory_bytes": 1 << 20, "memory_limit_bytes": 1 << 26, "pids": 1,
           "pids_limit": None, "read_bytes": 0, "written_bytes": 2048}  # fmt: skip
    control._show([row, row | {"name": "b" * 12, "cpu_percent": 12.34, "memory_bytes": None}], {"no_stream": True})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["NAME", "CPU", "MEMORY", "PROCESSES", "READ", "WRITTEN"]
    assert lines[1].split() == ["a", "-", "1m", "/", "64m", "1", "0", "2k"]
    assert lines[2].split()[:5] == ["b" * 12, "12.3", "%", "-", "/"]
    assert len({len(line) for line in lines}) == 1


def test_a_share_of_the_processor_takes_two_looks(monkeypatch):
    totals = iter([10, 10 + 500])
    monkeypatch.setattr(control.usage, "data", lambda known: {"cpu": {"usage": {"total": next(totals)}}})
    clock = iter([1000, 2000])
    monkeypatch.setattr(control.time, "monotonic_ns", lambda: next(clock))
    known = [{"id": "a", "status": "running"}]
    first, before = control._count(known, {})
    second, _ = control._count(known, before)
    assert (first[0]["cpu_percent"], second[0]["cpu_percent"]) == (None, 50.0)
