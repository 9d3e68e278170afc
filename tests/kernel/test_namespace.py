"""Namespaces, as the links in /proc/PID/ns tell them."""

import os

import pytest

from labcore import namespace


def test_what_is_unshared_is_new_and_the_rest_is_shared(child):
    here = namespace.inspect()

    def tell():
        namespace.unshare(["uts", "cgroup"])
        return namespace.inspect()

    there = child(tell)
    assert {kind for kind in here if here[kind] != there[kind]} == {"uts", "cgroup"}


def test_clone_flags_make_each_kind(child):
    here = namespace.inspect()
    kinds = ["uts", "ipc", "net", "mnt", "pid", "user"]
    there = child(namespace.inspect, *kinds)
    assert {kind for kind in here if here[kind] != there[kind]} == set(kinds)


def test_process_that_is_gone_says_so():
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    with pytest.raises(ProcessLookupError, match="there is no such process"):
        namespace.inspect(gone)
