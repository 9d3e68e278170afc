"""Words that the verbs for engines read themselves."""

import pytest

from labcore import oci
from labcore.options import UsageError


@pytest.mark.parametrize("text, number", [("TERM", 15), ("sigterm", 15), ("SIGKILL", 9), ("9", 9), ("64", 64)])
def test_signal(text, number):
    assert oci._signal_number(text) == number


@pytest.mark.parametrize("text", ["", "0", "65", "99999999999999999999", "\u00b2", "SIG", "_BLOCK", "NSIG", "DFL"])
def test_signal_that_does_not_exist(text):
    with pytest.raises(UsageError, match="unknown signal"):
        oci._signal_number(text)


@pytest.mark.parametrize("text", ["x", "-1", "251", "\u00b2", "1.5"])
def test_descriptors_to_keep_are_a_small_number(text):
    with pytest.raises(UsageError, match="--preserve-fds"):
        oci.preserved({"preserve_fds": text})


def test_no_descriptors_are_kept_unless_asked_for():
    assert (oci.preserved({}), oci.preserved({"preserve_fds": "2"})) == (0, 2)
