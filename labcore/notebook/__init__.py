"""What a notebook needs: `from labcore.notebook import *`.

Process, Container, refused, check, keep, eves_list, pictures, and the system calls, which raise here and work in
`alice.call(…)`. Pictures, containers and Eve's list are loaded when they are first used.
"""

import errno as _errno
import importlib as _importlib

_PLACES = {  # name → module here that has it
    "Process": "process", "CommandFailed": "process", "refused": "refusal", "NotRefused": "refusal",
    "check": "checking", "keep": "checking", "Container": "containers", "situation": "link",
    "show_processes": "pictures", "show_namespaces": "pictures", "show_plan": "pictures", "stepper": "pictures",
    "show_machines": "pictures", "eves_list": "eve", "show_id_map": "pictures", "show_mounts": "pictures",
    "show_root": "pictures", "step_switches": "pictures", "kept": "mine", "show_reach": "pictures",
    "show_network": "pictures", "overhear": "sniffing", "serve": "web", "fetch": "web",
}  # fmt: skip


def _calls():
    """The guarded system calls, the constants, and the error numbers."""
    numbers = {name: getattr(_errno, name) for name in _errno.errorcode.values()}
    return numbers | _importlib.import_module(".calls", __name__).NAMES


def __getattr__(name):
    if name == "__all__":
        _importlib.import_module(".magics", __name__).register()
        return ["machine", *_PLACES, *_calls()]
    if name in _PLACES:
        return getattr(_importlib.import_module(f".{_PLACES[name]}", __name__), name)
    if not name.startswith("_") and name in _calls():
        return _calls()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
