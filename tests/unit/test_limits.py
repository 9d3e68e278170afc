"""Limits as words."""

import pytest

from labcore import errors, limits


@pytest.mark.parametrize("text, size", [("512k", 512 << 10), ("64m", 64 << 20), ("0.5G", 1 << 29),
                                        ("1048576", 1 << 20), ("1048576b", 1 << 20)])
def test_size(text, size):
    assert limits.size_bytes(text) == size


@pytest.mark.parametrize("size, text", [(0, "0"), (1 << 26, "64m"), (1536, "1.5k"), (3 << 40, "3072g")])
def test_short_size(size, text):
    assert limits.short_size(size) == text


def test_words_find_their_fields():
    found = limits.resources({
        "memory": "64m", "memory_swap": "-1", "memory_reservation": "32m", "cpus": "0.5", "cpu_shares": "512",
        "cpuset_cpus": "0", "cpuset_mems": "0", "pids_limit": "10", "blkio_weight": "300", "name": "x"})  # fmt: skip
    assert found == {
        "memory": {"limit": 64 << 20, "swap": -1, "reservation": 32 << 20}, "pids": {"limit": 10},
        "cpu": {"quota": 50000, "period": 100000, "shares": 512, "cpus": "0", "mems": "0"}, "blockIO": {"weight": 300},
    }  # fmt: skip
    assert limits.resources({"update": True, "memory": "-1", "pids_limit": "-1", "cpu_quota": "-1"}) == {
        "memory": {"limit": -1}, "pids": {"limit": -1}, "cpu": {"quota": -1}}
    assert limits.resources({}) == {}


@pytest.mark.parametrize("options, said", [
    ({"memory": "64x"}, "--memory '64x': not a size"),
    ({"memory": "m"}, "--memory 'm': not a size"),
    ({"memory": ""}, "--memory '': not a size"),
    ({"memory": "nan"}, "--memory 'nan': not a size"),
    ({"memory": "inf"}, "--memory 'inf': not a size"),
    ({"memory": "511k"}, "--memory 511k: less than 512 KiB, in which no program starts"),
    ({"memory": "-1"}, "--memory -1: less than 512 KiB, in which no program starts"),
    ({"memory": "9999999999g"}, "--memory 9999999999g: more than the kernel can count"),
    ({"memory_swap": "lots"}, "--memory-swap 'lots': not a size"),
    ({"cpus": "many"}, "--cpus 'many': must be a number of processors from 0.01 on"),
    ({"cpus": "0"}, "--cpus '0': must be a number of processors from 0.01 on"),
    ({"cpus": "nan"}, "--cpus 'nan': must be a number of processors from 0.01 on"),
    ({"pids_limit": "0"}, "--pids-limit '0': must be a number from 1 on"),
    ({"pids_limit": "-1"}, "--pids-limit '-1': must be a number from 1 on"),
    ({"pids_limit": "²"}, "--pids-limit '²': must be a number from 1 on"),
    ({"cpu_shares": "9" * 30}, f"--cpu-shares '{'9' * 30}': must be a number from 1 on"),
    ({"update": True, "pids_limit": "-2"}, "--pids-limit '-2': must be a number from -1 on"),
])  # fmt: skip
def test_refused(options, said):
    with pytest.raises(errors.SpecError) as raised:
        limits.resources(options)
    assert raised.value.args[0] == said


def test_more_than_this_machine_has_is_refused():
    with pytest.raises(errors.SpecError, match=r"^--memory 900000g: more than the [\d.]+g that this machine has$"):
        limits.resources({"memory": "900000g"})
    with pytest.raises(errors.SpecError, match=r"^--cpus 5000: more than the \d+ that this machine has$"):
        limits.resources({"cpus": "5000"})
