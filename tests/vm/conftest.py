"""The tests that ran in the VM are told at the end: outside, a line of INSIDE is one dot."""

import collections


def pytest_terminal_summary(terminalreporter, config):
    report = getattr(config, "vm_report", None)
    if not report:
        return
    count = collections.Counter(outcome for outcome, _ in report.tests.values())
    said = ", ".join(f"{number} {outcome}" for outcome, number in sorted(count.items())) or "nothing came to its end"
    terminalreporter.section(f"in the VM: {said}")
    for test, (outcome, _) in report.tests.items():
        terminalreporter.write_line(f"{outcome} {test}")
