"""Resource limits, as /proc/self/limits shows them."""

from labcore import rlimit


def limits():
    with open("/proc/self/limits") as file:
        return {line[:25].strip(): line[25:].split()[:2] for line in file}


def entry(kind, soft, hard):
    return {"type": kind, "soft": soft, "hard": hard}


def test_limits_are_set(child):
    def tell():
        rlimit.set_limits([entry("RLIMIT_NOFILE", 100, 200), entry("RLIMIT_CORE", 0, 0)])
        return limits()

    found = child(tell)
    assert (found["Max open files"], found["Max core file size"]) == (["100", "200"], ["0", "0"])


def test_largest_number_is_no_limit(child):
    def tell():
        rlimit.set_limits([entry("RLIMIT_CPU", 2**64 - 1, 2**64 - 1)])
        return limits()["Max cpu time"]

    assert child(tell) == ["unlimited", "unlimited"]


def test_refusals_name_the_entry(child, refusal):
    def tell():
        ok = entry("RLIMIT_NOFILE", 10, 10)
        return [refusal(rlimit.set_limits, [ok, entry(kind, soft, hard)]) for kind, soft, hard in
                (("RLIMIT_HATS", 1, 1), ("error", 1, 1), ("RLIMIT_CPU", 2, 1))]

    unknown, other, crossed = child(tell)
    assert unknown == ["SpecError", "process.rlimits[1].type: unknown limit 'RLIMIT_HATS'"]
    assert other == ["SpecError", "process.rlimits[1].type: unknown limit 'error'"]
    assert crossed[0] == "SpecError" and crossed[1].startswith("process.rlimits[1]: RLIMIT_CPU soft 2 hard 1: ")
