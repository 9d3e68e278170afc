"""What a user reads when something goes wrong."""

import pytest

from labcore import errors, step


def test_hint_stands_on_a_second_line():
    assert str(errors.LabError("what: why")) == "what: why"
    assert str(errors.SpecError("what: why", "do this")) == "what: why\n  hint: do this"


@pytest.mark.parametrize("error, code", [
    (errors.LabError("x"), 1), (errors.SpecError("x"), 1), (errors.NotFound("x"), 1), (errors.Interrupted(2), 130),
    (errors.Interrupted(15), 143), (errors.CannotExecute("x"), 127), (errors.CannotExecute("x", 126), 126),
])  # fmt: skip
def test_exit_code(error, code):
    assert error.exit_code == code


def test_tree():
    assert issubclass(errors.NotFound, errors.StateError) and issubclass(errors.AlreadyExists, errors.StateError)
    for kind in (errors.SpecError, errors.StateError, errors.HostError, errors.StepFailed, errors.ImageError,
                 errors.CannotExecute, errors.Interrupted):
        assert issubclass(kind, errors.LabError)


@pytest.mark.parametrize("error, said", [
    (OSError(1, "sethostname('x', 1): Operation not permitted"), "sethostname('x', 1): Operation not permitted"),
    (FileNotFoundError(2, "No such file or directory", "/x"), "/x: No such file or directory"),
    (errors.SpecError("a: b", "hint"), "a: b"),
    (KeyError("x"), "KeyError: 'x'"),
    (ValueError(), "ValueError"),
])
def test_one_line_about_any_exception(error, said):
    assert errors.describe(error) == said


def test_failed_step_names_itself_once_and_keeps_hint_and_exit_code():
    cause = errors.CannotExecute("no such program", 127, "PATH is /bin")
    failed = errors.StepFailed(step.Step("inside", "process.find_program"), cause)
    assert str(failed) == "process.find_program: no such program\n  hint: PATH is /bin"
    assert (failed.exit_code, failed.cause, failed.step.place) == (127, cause, "inside")


def test_notebook_shows_no_traceback_of_ours():
    assert errors.NotFound("x", "y")._render_traceback_() == ["NotFound: x\n  hint: y"]
