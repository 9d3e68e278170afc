"""Run from an interpreter that nobody can write to, where a container could reach it.

A process that enters a container is visible inside before it is the program. With CAP_SYS_PTRACE the container
may open its /proc/PID/exe, the host's Python, and write to it as soon as nobody runs it (CVE-2019-5736). Only then is
a re-exec of 9 ms worth its time: from a detached read-only mount of the same file, where every write is EROFS.
"""

import os
import sys

from . import syscalls


def needs(config):
    """Could a program of this container look into one that enters? With a user namespace it could not."""
    sets = config["process"]["capabilities"].values()
    in_userns = any(n["type"] == "user" for n in config["linux"]["namespaces"])
    return os.geteuid() == 0 and not in_userns and any("CAP_SYS_PTRACE" in names for names in sets)


def joins_pids(config):
    """Is init born among the processes of another container, whose capabilities nobody knows here?"""
    return os.geteuid() == 0 and any(n["type"] == "pid" and n.get("path") for n in config["linux"]["namespaces"])


def reexecute():
    """Start again from a read-only copy of the mount of this interpreter — open_tree(2), execveat(2)."""
    if os.statvfs("/proc/self/exe").f_flag & os.ST_RDONLY:
        return  # this is it already
    tree = syscalls.open_tree(syscalls.AT_FDCWD, "/proc/self/exe", syscalls.OPEN_TREE_CLONE)
    syscalls.mount_setattr(tree, "", syscalls.MOUNT_ATTR_RDONLY, flags=syscalls.AT_EMPTY_PATH)
    environment = [name + b"=" + value for name, value in os.environb.items()]
    syscalls.prepare_execveat(tree, sys.orig_argv, environment)()
