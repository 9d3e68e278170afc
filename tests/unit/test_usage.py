"""What the files of a cgroup say, in the words of engines; ordinary files do."""

import pytest

from labcore import runtime, usage


def files(directory, **texts):
    directory.mkdir(exist_ok=True)
    for name, text in texts.items():
        (directory / name.replace("__", ".")).write_text(f"{text}\n")
    return str(directory)


@pytest.fixture
def version1(tmp_path):
    return {
        "cpuacct": files(tmp_path / "cpuacct", cpuacct__usage=3_000_000_000, cpuacct__usage_percpu="1 2",
                         cpuacct__stat="user 200\nsystem 100"),
        "cpu": files(tmp_path / "cpu", cpu__stat="nr_periods 7\nnr_throttled 5\nthrottled_time 9"),
        "memory": files(tmp_path / "memory", memory__usage_in_bytes=4096, memory__limit_in_bytes=9223372036854771712,
                        memory__failcnt=3, memory__stat="cache 5\ntotal_cache 6",
                        memory__oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 2"),
        "pids": files(tmp_path / "pids", pids__current=3, pids__max="max", pids__events="max 4"),
        "blkio": files(tmp_path / "blkio", **{
            "blkio__throttle__io_service_bytes_recursive": "8:0 Read 10\n8:0 Write 20\n8:16 Read 5\nTotal 35"}),
    }  # fmt: skip


def test_version_1(version1, monkeypatch):
    monkeypatch.setattr(runtime, "places", lambda known: version1)
    found = usage.data({"cgroup": 1})
    assert found["cpu"]["usage"] == {"total": 3_000_000_000, "percpu": [1, 2], "kernel": 10**9, "user": 2 * 10**9}
    assert found["cpu"]["throttling"] == {"periods": 7, "throttledPeriods": 5, "throttledTime": 9}
    assert found["memory"]["usage"] == {"usage": 4096, "failcnt": 3}  # no limit, no field
    assert (found["memory"]["cache"], found["memory"]["oomKills"]) == (6, 2)
    assert found["pids"] == {"current": 3, "refused": 4}
    assert found["blkio"]["ioServiceBytesRecursive"][1] == {"major": 8, "minor": 0, "op": "Write", "value": 20}
    row = usage.row({"id": "a", "status": "running"}, found, 1.5)
    assert row == {"name": "a", "status": "running", "cpu_percent": 1.5, "memory_bytes": 4096,
                   "memory_limit_bytes": None, "pids": 3, "pids_limit": None, "read_bytes": 15, "written_bytes": 20,
                   "oom_kills": 2, "forks_refused": 4}


def test_version_2(tmp_path, monkeypatch):
    directory = files(
        tmp_path / "x", cpu__stat="usage_usec 3\nuser_usec 2\nsystem_usec 1\nnr_periods 7\nthrottled_usec 9",
        memory__current=4096, memory__max=8192, memory__stat="file 6", memory__events="max 3\noom_kill 2",
        pids__current=3, pids__max=5, pids__events="max 4", hugetlb__2MB__current=9, hugetlb__2MB__max="max",
        io__stat="8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0")  # fmt: skip
    monkeypatch.setattr(runtime, "places", lambda known: {"unified": directory})
    found = usage.data({"cgroup": 2})
    assert found["cpu"]["usage"] == {"total": 3000, "kernel": 1000, "user": 2000}
    assert found["cpu"]["throttling"] == {"periods": 7, "throttledPeriods": 0, "throttledTime": 9000}
    assert found["memory"]["usage"] == {"usage": 4096, "limit": 8192, "failcnt": 3}
    assert (found["memory"]["cache"], found["memory"]["oomKills"], found["pids"]["refused"]) == (6, 2, 4)
    assert [m["value"] for m in found["blkio"]["ioServiceBytesRecursive"]] == [10, 20]
    assert found["hugetlb"] == {"2MB": {"usage": 9}}
    assert usage.row({"id": "a", "status": "running"}, found)["memory_limit_bytes"] == 8192


def test_where_there_is_nothing_nothing_is_made_up(monkeypatch):
    assert usage.data({"cgroup": 0}) == {}
    for version, paths in ((1, {"systemd": "/no/such"}), (2, {"unified": "/no/such"})):
        monkeypatch.setattr(runtime, "places", lambda known, paths=paths: paths)
        row = usage.row({"id": "a", "status": "running"}, usage.data({"cgroup": version}))
        assert row["memory_bytes"] is row["pids"] is None and row["oom_kills"] == 0
