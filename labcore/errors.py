"""What can go wrong, as a tree.

LabError                 exit 1; .hint says what to try, on a second line
├─ SpecError             the configuration asks for something it may not
├─ StateError            the container is not in the state the verb needs
│  ├─ NotFound
│  └─ AlreadyExists
├─ HostError             this machine lacks something
├─ StepFailed            a step of a plan failed: .step .cause
├─ CannotExecute         exit 127: there is no such program; 126: it may not be executed
├─ Interrupted           a signal ended the walk: .signal
└─ ImageError            manifest, digest or layer is not what it claims
"""


class LabError(Exception):
    """Something a user can understand and mend; `hint` says how."""

    exit_code = 1

    def __init__(self, message, hint=None):
        super().__init__(message)
        self.hint = hint

    def __str__(self):
        return self.args[0] + (f"\n  hint: {self.hint}" if self.hint else "")

    def _render_traceback_(self):
        """What a notebook prints instead of a traceback of ours."""
        return [f"{type(self).__name__}: {self}"]


class SpecError(LabError):
    """The configuration is wrong: `field.path: why`."""


class StateError(LabError):
    """The container is in another state than the verb needs."""


class NotFound(StateError):
    """There is no such container."""


class AlreadyExists(StateError):
    """The name is taken."""


class HostError(LabError):
    """This machine lacks something."""


class ImageError(LabError):
    """A manifest, digest or layer is not what it claims."""


class Interrupted(LabError):
    """A signal ended the walk; what was built has been taken down."""

    def __init__(self, signal):
        super().__init__(f"interrupted by signal {signal}")
        self.signal = signal
        self.exit_code = 128 + signal


class CannotExecute(LabError):
    """The program is not there (127) or may not be executed (126), as shells say it."""

    def __init__(self, message, exit_code=127, hint=None):
        super().__init__(message, hint)
        self.exit_code = exit_code


class StepFailed(LabError):
    """A step of a plan failed; `cause` is the exception, or its text when it happened inside."""

    def __init__(self, step, cause, hint=None):
        super().__init__(f"{step.address}: {describe(cause)}", hint or getattr(cause, "hint", None))
        self.step, self.cause = step, cause
        self.exit_code = getattr(cause, "exit_code", 1)


def describe(error):
    """One line about an exception: its own words, without Python's decoration."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if not error.filename else f"{error.filename}: {error.strerror}"
    if isinstance(error, LabError):
        return error.args[0]
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
