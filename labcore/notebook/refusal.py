"""`with refused(EPERM): …` says that the kernel is expected to say no, and fails if it does not."""

import errno
import os

from .. import errors


class NotRefused(errors.LabError):
    """The kernel did not say no, or said it for another reason: mostly in a cell that has run before."""

    def __init__(self, message):
        super().__init__(message, "has this cell run before? then begin again: Run, Run All Above Selected Cell")


class refused:
    """Expect an OSError with one of these numbers; print it in one stable line."""

    def __init__(self, *numbers):
        self.numbers = numbers
        self.words = " or ".join(errno.errorcode.get(n, str(n)) for n in numbers)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None:
            raise NotRefused(f"nothing was refused; expected {self.words}")
        if not isinstance(error, Exception):
            return False
        got = getattr(error, "errno", None)
        if got not in self.numbers:
            name = errno.errorcode.get(got, type(error).__name__)
            raise NotRefused(f"expected {self.words}, got {name}: {errors.describe(error)}") from None
        self.error = error
        text = error.strerror or os.strerror(got)
        text = text if text.endswith(os.strerror(got)) else f"{text}: {os.strerror(got)}"
        print(f"refused: {text} ({errno.errorcode[got]})")
        return True
