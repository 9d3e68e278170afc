"""Kernel parameters, through a procfs of our own."""

import pytest

from labcore import sysctl


def value(name):
    with open(f"/proc/sys/{name}") as file:
        return file.read().strip()


def test_parameters_change_here_and_not_on_the_machine(child):
    before = value("kernel/msgmax"), value("net/ipv4/ip_default_ttl")

    def tell():
        sysctl.write({"kernel.msgmax": "5000", "net.ipv4.ip_default_ttl": "42"})
        return [value("kernel/msgmax"), value("net/ipv4/ip_default_ttl")]

    assert child(tell, "ipc", "net", "mnt") == ["5000", "42"]
    assert (value("kernel/msgmax"), value("net/ipv4/ip_default_ttl")) == before


@pytest.mark.parametrize("name, given, said", [
    ("kernel.none", "1", "linux.sysctl.kernel.none: '1': No such file or directory"),
    ("kernel.msgmax", "many", "linux.sysctl.kernel.msgmax: 'many': Invalid argument"),
    ("../1/environ", "x", "linux.sysctl.../1/environ: 'x': No such file or directory"),
    ("net..core", "x", "linux.sysctl.net..core: 'x': Is a directory"),
])
def test_refusal_names_the_parameter(name, given, said, child, refusal):
    assert child(lambda: refusal(sysctl.write, {name: given}), "ipc", "net", "mnt") == ["SpecError", said]


def test_procfs_of_the_container_may_lie(child, tmp_path):
    """What is mounted at /proc does not matter: an image cannot redirect the write."""
    from labcore import mount

    def tell():
        mount.attach(__import__("os").open("/", 0o10000000), "/proc", "tmpfs", "tmpfs", mount.options([]), False)
        sysctl.write({"kernel.msgmax": "5000"})
        return __import__("os").listdir("/proc")

    assert child(tell, "ipc", "mnt") == []
