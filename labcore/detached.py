"""A new file system, mounted nowhere yet: it gets its attributes before anybody can see it — fsopen(2)."""

import os

from . import syscalls


def new(fstype, parameters, attributes=0):
    """A descriptor for a detached mount; parameters are `key` and `key=value` — fsmount(2)."""
    context = syscalls.fsopen(fstype)
    try:
        for word in parameters:
            key, sign, value = word.partition("=")
            command = syscalls.FSCONFIG_SET_STRING if sign else syscalls.FSCONFIG_SET_FLAG
            syscalls.fsconfig(context, command, key, value if sign else None)
        syscalls.fsconfig(context, syscalls.FSCONFIG_CMD_CREATE)
        return syscalls.fsmount(context, attributes)
    except OSError as error:
        shown = ",".join(w for w in parameters if not w.startswith("source="))
        raise OSError(error.errno, f"{fstype} [{shown}]: {error.strerror}{_said(context)}") from None
    finally:
        os.close(context)


def _said(context):
    """What the file system itself had to say about a refusal."""
    try:
        return "; " + os.read(context, 4096).decode("utf-8", "replace").strip()
    except OSError:
        return ""
