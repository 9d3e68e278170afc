"""Undo: remove everything that the lab made on this machine, and nothing else."""

import os

from . import cgroupfs, errors, facts, runtime, state
from .engine import network
from .image import template


def findings():
    """What is there to be removed: [(kind, name)], containers first, in the order of removal."""
    here = facts.read()
    found = [("container", container_id) for container_id in state.list_ids()]
    found += [("network", name) for name in network.names()]
    if here["cgroup"]:
        tops = [here["cgroup2"]] if here["cgroup"] == 2 else dict.fromkeys(here["cgroup1"].values())
        found += [("cgroup", entry.path) for top in tops for entry in os.scandir(top)
                  if entry.name == "labcore" or entry.name.startswith("labcore.")]  # fmt: skip
    for kind, path in (("templates", f"{template.data_directory()}/templates"),
                       ("mount point", template.data_directory() + "/empty"),
                       ("data", template.data_directory()), ("states", state.root_path())):  # fmt: skip
        if os.path.isdir(path):
            found.append((kind, path))
    return found


def remove(kind, name):
    """Remove one finding; a directory that holds something else stays, and is said to."""
    if kind == "container":
        runtime.delete(name, force=True)
    elif kind == "network":
        network.remove(name)
    elif kind == "cgroup":
        cgroupfs.remove(name)
    elif kind == "templates":
        template.remove(name)
    else:
        os.rmdir(name)


def main(dry_run=False):
    """Remove all of it, telling each thing; exit code 1 when something had to stay."""
    left = 0
    for kind, name in findings():
        if dry_run:
            print(f"would remove {kind:11} {name}")
            continue
        try:
            remove(kind, name)
            print(f"removed {kind:11} {name}")
        except FileNotFoundError:
            pass  # it went with something before it
        except (OSError, errors.LabError) as error:
            print(f"left    {kind:11} {name}: {errors.describe(error)}")
            left = 1
    return left
