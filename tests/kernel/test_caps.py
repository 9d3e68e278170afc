"""The capability sets of a process, as /proc/PID/status shows them."""

import os

import pytest

from labcore import caps, process


def sets():
    with open("/proc/self/status") as file:
        return {line[3:6]: int(line.split()[1], 16) for line in file if line.startswith("Cap")}


@pytest.mark.parametrize("names", [[], ["CAP_CHOWN"], caps.DEFAULT])
def test_bounding_set_is_exactly_what_is_kept(names, child):
    have = sets()["Bnd"]

    def tell():
        caps.limit_bounding(caps.mask(names))
        return sets()["Bnd"]

    assert child(tell) == caps.mask(names) & have


def test_four_sets_are_exactly_those_asked_for(child):
    def tell():
        caps.limit_bounding(0b11111)
        caps.keep_over_setuid()
        process.set_user(65534, 65534, [], 0o022)
        caps.set(0b0001, 0b0111, 0b0101, 0b0001)
        return sets()

    assert child(tell) == {"Inh": 0b0101, "Prm": 0b0111, "Eff": 0b0001, "Bnd": 0b11111, "Amb": 0b0001}


def test_inheritable_and_ambient_are_clean_though_the_caller_had_some(child):
    def tell():
        caps.set(caps.mask(caps.DEFAULT), caps.mask(caps.DEFAULT), caps.mask(["CAP_CHOWN"]), caps.mask(["CAP_CHOWN"]))
        before = sets()
        caps.set(caps.mask(["CAP_KILL"]), caps.mask(["CAP_KILL"]), 0, 0)
        return [before["Amb"], before["Inh"], sets()]

    *before, after = child(tell)
    kill = caps.mask(["CAP_KILL"])
    assert before == [1, 1] and {k: after[k] for k in ("Inh", "Prm", "Eff", "Amb")} == {
        "Inh": 0, "Prm": kill, "Eff": kill, "Amb": 0}


def test_what_this_machines_root_lacks_is_left_out_and_no_error(child):
    def tell():
        caps.set(1, 0b11, 0, 0)  # from here on CAP_DAC_READ_SEARCH (2) is out of reach
        caps.set(0b111, 0b111, 0b100, 0b100)
        return sets()

    found = child(tell)
    assert (found["Eff"], found["Prm"], found["Inh"], found["Amb"]) == (0b11, 0b11, 0, 0)


def test_ordinary_user_without_capabilities_has_none_after_exec(child):
    def tell():
        caps.limit_bounding(0)
        caps.keep_over_setuid()
        process.set_user(65534, 65534, [], 0o022)
        caps.set(0, 0, 0, 0)
        reader, writer = os.pipe()
        made = os.fork()
        if made == 0:
            os.dup2(writer, 1)
            os.execv("/bin/grep", ["grep", "Cap", "/proc/self/status"])
        os.close(writer)
        os.waitpid(made, 0)
        return {int(line.split()[1], 16) for line in os.read(reader, 1000).decode().splitlines()}.pop()

    assert child(tell) == 0
