"""The file tree that a process sees, and what of the host's it can still reach; read from outside, in /proc.

This text is shipped whole to an actor that looks: nothing but what is loaded there anyway.
"""

import os


def survey(pid, other):
    """What the kernel says of a process's `/`; `other` is a process whose `/` is that of its mount namespace."""
    hosts, own = mountinfo("self"), mountinfo(pid)
    at, top = place(f"/proc/{pid}/root"), place(f"/proc/{other}/root")
    free = [number for number in os.listdir(f"/proc/{pid}/fd") if leads_out(f"/proc/{pid}/fd/{number}", at)]
    return {
        "path": os.readlink(f"/proc/{pid}/root"), "changed": at != top,
        "host": os.path.samestat(os.stat(f"/proc/{pid}/root/"), os.stat("/")),
        "mounts": own, "hosts": hosts, "cwd": leads_out(f"/proc/{pid}/cwd", at), "open": len(free),
    }  # fmt: skip


def mountinfo(pid):
    """Each mount that a process can see: (where, what of its file system, device, type, "ro" or "rw") — proc(5)."""
    found = []
    with open(f"/proc/{pid}/mountinfo") as file:
        for line in file:
            words = line.split()
            kind = words[words.index("-") + 1]
            found.append((words[4], words[3], words[2], kind, words[5].split(",")[0]))
    return found


def place(path):
    """(mount, inode) of what a path names: two that are equal are the same place — proc(5), fdinfo."""
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        return where(fd)
    finally:
        os.close(fd)


def where(fd):
    """(mount, inode) of an open descriptor."""
    with open(f"/proc/self/fdinfo/{fd}") as file:
        mount = next(line.split()[1] for line in file if line.startswith("mnt_id:"))
    return int(mount), os.fstat(fd).st_ino


def leads_out(path, root):
    """Is this a directory from which `..` never comes to `root`, but ends somewhere else?"""
    try:
        fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False  # no directory
    try:
        while (here := where(fd)) != root:
            up = os.open("..", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
            os.close(fd)
            fd = up
            if where(fd) == here:
                return True
        return False
    finally:
        os.close(fd)
