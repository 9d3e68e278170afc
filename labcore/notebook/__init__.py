"""What a notebook needs: `from labcore.notebook import *`.

Process, refused, check, keep, the system calls (which raise here and work in `alice.call(…)`), containers, pictures.
Pictures and containers are loaded when they are first named.
"""

import errno as _errno
import importlib as _importlib

_PLACES = {  # name → module here that has it
    "Process": "process", "CommandFailed": "process", "refused": "refusal", "NotRefused": "refusal",
    "check": "checking", "keep": "checking", "Container": "containers", "situation": "link",
    "show_namespaces": "pictures", "show_plan": "pictures", "stepper": "pictures", "show_machines": "pictures",
}  # fmt: skip
_CALLS = None


def _calls():
    global _CALLS
    if _CALLS is None:
        from .calls import NAMES

        numbers = {name: getattr(_errno, name) for name in _errno.errorcode.values()}
        _CALLS = {**numbers, **NAMES}
    return _CALLS


def __getattr__(name):
    if name == "__all__":
        from .magics import register

        register()
        return [*_PLACES, "machine", *_calls()]
    if name in _PLACES:
        return getattr(_importlib.import_module(f".{_PLACES[name]}", __name__), name)
    if not name.startswith("_") and name in _calls():
        return _calls()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
