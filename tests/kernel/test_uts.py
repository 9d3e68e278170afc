"""A host name of one's own."""

import os

from labcore import uts


def test_name_is_set_here_and_nowhere_else(child):
    before = os.uname().nodename

    def tell():
        uts.set_hostname("box")
        uts.set_domainname("lab.example")
        domain = open("/proc/sys/kernel/domainname").read()
        return [os.uname().nodename, domain]

    assert child(tell, "uts") == ["box", "lab.example\n"]
    assert os.uname().nodename == before


def test_name_of_65_bytes_is_refused(child, refusal):
    def tell():
        uts.set_hostname("h" * 64)
        return [os.uname().nodename, refusal(uts.set_hostname, "h" * 65)]

    assert child(tell, "uts") == ["h" * 64, ["OSError", "sethostname('" + "h" * 35 + "…', 65): Invalid argument"]]
