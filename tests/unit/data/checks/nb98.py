"""Checks of the sample lesson, which only tests use."""

import os

from labcore.errors import HostError
from labcore.notebook.checking import NotYet


def page_size(answer):
    if not isinstance(answer, int):
        raise NotYet("not-a-number", "the answer is not a whole number", look_at="Look, cell 1")
    if answer != os.sysconf("SC_PAGE_SIZE"):
        raise NotYet("other-size", "the kernel names another page size", "a guess", "Look, cell 1")


def doubles(answer):
    if answer(2) == 4 and answer(3) == 5:
        raise NotYet("added-two", "3 became 5", "2 was added", "By hand, step 1")
    if answer(3) != 6:
        raise NotYet("not-doubled", "3 did not become 6")


def needs_a_machine(answer):
    raise HostError("user namespaces are switched off", hint="sysctl user.max_user_namespaces=1000")


def is_broken(answer):
    return answer.no_such_attribute


CHECKS = {"98.1": page_size, "98.2": doubles, "98.7": needs_a_machine, "98.8": is_broken}
KEEPS = {"98.2": "uts.set_hostname"}
