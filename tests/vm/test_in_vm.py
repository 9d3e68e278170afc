"""What needs a version 2 tree runs here: one start of the VM, one pytest inside, and each line of INSIDE is a test.

    make test-vm                                 all of it
    make test-vm ARGS='-k cgroup2 -s'            some of it, and -s shows the inner pytest at work
"""

import subprocess
from xml.etree import ElementTree

import pytest

from tests.vm.test_run import NEEDS_A_VM, ROOT, RUN

# A file, or a test of one, as on pytest's command line. To have something run in the VM, add a line; see that it is
# worth its time: `pytest --durations=0` inside. What skips outside for want of version 2 stands in expected-skips.txt.
INSIDE = (
    "tests/vm/check_machine.py",
    "tests/kernel/test_cgroup2.py",
    "tests/kernel/test_runtime.py::test_limits_are_the_kernels_and_go_with_the_container",
    "tests/kernel/test_runtime.py::test_memory_limit_kills",
    "tests/kernel/test_runtime.py::test_exec_is_in_the_same_namespaces_and_cgroup",
    "tests/oci/test_run.py::test_too_much_memory_is_a_kill",
    "tests/oci/test_run.py::test_pids_limit",
    "tests/oci/test_run.py::test_limits_hold_from_the_first_moment",
    "tests/oci/test_limits.py::test_every_limit_of_the_command_line_is_kept",
    "tests/oci/test_limits.py::test_limits_change_while_the_container_runs",
    "tests/oci/test_limits.py::test_a_paused_container_stands_still_and_goes_on",
    "tests/oci/test_limits.py::test_stats_once_as_a_table_and_as_json",
    "tests/oci/test_rootless.py::test_limits_are_kept_in_a_part_of_the_tree_that_was_handed_over",
)
LONGEST_S = 600  # all of it; the wall time that CI spends is about a quarter of this
PYTEST = [
    "env", f"PYTHONPATH={ROOT}/tests/vm/lean",
    # 120 seconds are not enough for a test that takes 8 outside; nbval and anyio only cost time to load
    ".venv/bin/python", "-m", "pytest", "-v", "-p", "no:nbval", "-p", "no:anyio", "--timeout", "300", "--color=no",
    "-o", "junit_family=xunit1", "--durations=5",
]  # fmt: skip

pytestmark = [*NEEDS_A_VM, pytest.mark.timeout(LONGEST_S + 60)]


class Report:
    """What the inner pytest said: an outcome and a text for each test, and everything that was printed."""

    def __init__(self, code, text, xml):
        self.code, self.text, self.tests = code, text, {}
        for case in ElementTree.parse(xml).iter("testcase") if xml.exists() else ():
            outcome, told = "passed", ""
            for child in case:
                if child.tag in ("failure", "error", "skipped"):
                    outcome = child.tag
                    told += f"{child.get('message')}\n{child.text or ''}\n"
            self.tests[f"{case.get('file')}::{case.get('name')}"] = (outcome, told)

    def of(self, line):
        """{test: (outcome, text)} of one line of INSIDE."""
        return {test: found for test, found in self.tests.items() if belongs(test, line)}


def belongs(test, line):
    return test == line or test.startswith((f"{line}[", f"{line}::"))


def faults(report, line):
    """Why a line is not good: nothing of it ran, or a test of it did anything but pass."""
    ran = report.of(line)
    if not ran:
        said = "\n".join(report.text.splitlines()[-15:])
        return f"no test of {line} came to its end in the VM (exit status {report.code}); the last lines were\n{said}"
    bad = [f"{outcome} in the VM: {test}\n{text}" for test, (outcome, text) in ran.items() if outcome != "passed"]
    return "\n".join(bad)


@pytest.fixture(scope="session")
def report(request, tmp_path_factory):
    """The one start of the VM, with the lines that were asked for."""
    asked = [item.callspec.params["line"] for item in request.session.items if item.name.startswith("test_inside[")]
    lines = asked or INSIDE
    files = tmp_path_factory.mktemp("vm")
    inside = [*PYTEST, "--junitxml", "/run/out/report.xml", *lines]
    words = [*RUN, "--timeout", str(LONGEST_S), "--files", files, *inside]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, errors="replace") as vm:  # fmt: skip
        try:
            said = []
            for line in vm.stdout:
                print(line, end="")
                said.append(line)
        finally:
            vm.terminate()
    found = Report(vm.returncode, "".join(said), files / "report.xml")
    request.config.vm_report = found
    return found


@pytest.mark.parametrize("line", INSIDE)
def test_inside(line, report):
    if found := faults(report, line):
        pytest.fail(found, pytrace=False)


def test_inner_pytest_is_content(report):
    assert report.code == 0, "\n".join(report.text.splitlines()[-15:])


# ---- is a fault told? --------------------------------------------------------------------------------------------

XML = """<testsuites><testsuite>
  <testcase file="tests/a.py" name="test_good[1]"/>
  <testcase file="tests/a.py" name="test_bad"><failure message="assert 1 == 2">the inner text</failure></testcase>
  <testcase file="tests/b.py" name="test_skips"><skipped message="no such thing here">b.py:3</skipped></testcase>
  <testcase file="tests/c.py" name="test_torn"><error message="left: a cgroup">in teardown</error></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize("line, told", [
    ("tests/a.py", ["failure in the VM: tests/a.py::test_bad", "assert 1 == 2", "the inner text"]),
    ("tests/a.py::test_bad", ["assert 1 == 2"]),
    ("tests/a.py::test_good", []),
    ("tests/a.py::test_go", ["no test of tests/a.py::test_go came to its end", "exit status 1", "last line"]),
    ("tests/b.py", ["skipped in the VM: tests/b.py::test_skips", "no such thing here"]),
    ("tests/c.py::test_torn", ["error in the VM", "left: a cgroup", "in teardown"]),
    ("tests/missing.py", ["no test of tests/missing.py came to its end"]),
])
def test_a_failure_a_skip_or_nothing_at_all_is_a_fault(line, told, tmp_path):
    (tmp_path / "report.xml").write_text(XML)
    found = faults(Report(1, "first line\nlast line\n", tmp_path / "report.xml"), line)
    assert all(words in found for words in told) and bool(found) == bool(told)


def test_without_a_report_every_line_is_a_fault(tmp_path):
    report = Report(124, "tests/a.py::test_hangs \nvm: not done after 480 s\n", tmp_path / "none.xml")
    assert all("test_hangs" in faults(report, line) for line in INSIDE)
