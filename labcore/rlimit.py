"""Resource limits of a process. (notebook 10)"""

import resource

from . import errors
from .step import inside

_INFINITY = 2**64 - 1


def set_limits(limits):
    """Limit what one process may use — setrlimit(2)."""
    for n, limit in enumerate(limits):
        number = getattr(resource, limit["type"], None)
        if number is None or not limit["type"].startswith("RLIMIT_"):
            raise errors.SpecError(f"process.rlimits[{n}].type: unknown limit {limit['type']!r}")
        soft, hard = (-1 if v >= _INFINITY else v for v in (limit["soft"], limit["hard"]))
        try:
            resource.setrlimit(number, (soft, hard))
        except (ValueError, OSError) as error:
            raise errors.SpecError(f"process.rlimits[{n}]: {limit['type']} soft {limit['soft']} hard {limit['hard']}: "
                                   f"{errors.describe(error)}", "raising a hard limit needs CAP_SYS_RESOURCE") from None


def plan(spec):
    """One step for all of them."""
    if spec["process"]["rlimits"]:
        yield inside(set_limits, limits=spec["process"]["rlimits"])
