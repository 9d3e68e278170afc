"""Templates: a root file system from what this machine has, without a network. (notebooks 07, 11)

`busybox` is one static program that is a shell and 300 commands; a root file system around it is a few directories
and links. It is made once and shared: a container writes to a layer of its own.
"""

import os

from .. import errors

DIRECTORIES = ("bin", "dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "usr", "var", "var/tmp")
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n"
                  "nobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "etc/hostname": "busybox\n", "etc/resolv.conf": "",
}  # fmt: skip
NAMES = ("busybox",)
DATA = None  # said by a launcher whose user ID is not the one it began with


def data_directory():
    """Where templates are kept: /var/lib/labcore, or the user's own."""
    if DATA:
        return DATA
    if os.geteuid() == 0:
        return "/var/lib/labcore"
    home = os.environ.get("HOME")
    return f"{home}/.local/share/labcore" if home and os.access(home, os.W_OK) else f"/tmp/labcore-data-{os.geteuid()}"


def busybox(into=None):
    """The directory of the busybox root file system, made when missing or when the machine's busybox has changed."""
    program = _static_busybox()
    found = os.stat(program)
    top = into or f"{data_directory()}/templates"
    path = f"{top}/busybox-{found.st_size:x}-{found.st_mtime_ns:x}"
    if not os.path.isdir(path):
        os.makedirs(top, 0o755, exist_ok=True)
        _make(program, path)
    return path


def mount_point():
    """An empty directory: containers mount their root over it, each in a mount namespace of its own."""
    path = f"{data_directory()}/empty"
    os.makedirs(path, 0o755, exist_ok=True)
    return path


def _static_busybox():
    for path in ("/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox"):
        if os.access(path, os.X_OK):
            with open(path, "rb") as file:
                head = file.read(4096)
            if b"/ld-" not in head and head[:4] == b"\x7fELF":  # no dynamic loader named: it needs nothing else
                return path
    raise errors.HostError("busybox: no static busybox on this machine", "apt install busybox-static")


def _make(program, path):
    """Made under another name and renamed: two at once do no harm, and half a template is never used."""
    fresh = f"{path}.{os.getpid()}"
    try:
        _fill(program, fresh)
        os.rename(fresh, path)
    except BaseException as error:
        if os.path.isdir(fresh):
            remove(fresh)
        if not isinstance(error, OSError) or not os.path.isdir(path):  # else another was faster
            raise


def _fill(program, fresh):
    for name in ("", *DIRECTORIES):
        os.mkdir(f"{fresh}/{name}", 0o755)
    os.chmod(f"{fresh}/tmp", 0o1777)
    os.chmod(f"{fresh}/var/tmp", 0o1777)
    os.chmod(f"{fresh}/root", 0o700)
    for name, text in FILES.items():
        with open(f"{fresh}/{name}", "w") as file:
            file.write(text)
    _copy(program, f"{fresh}/bin/busybox")
    for name in _commands(program):
        os.symlink("busybox", f"{fresh}/bin/{name}")
    for name in ("sbin", "usr/bin", "usr/sbin"):
        os.symlink("../bin" if "/" in name else "bin", f"{fresh}/{name}")


def _copy(source, target):
    with open(source, "rb") as a, open(target, "wb") as b:
        while os.sendfile(b.fileno(), a.fileno(), None, 1 << 30):  # copy_file_range(2) stays within a file system
            pass
        os.fchmod(b.fileno(), 0o755)


def _commands(program):
    """The names that this busybox answers to."""
    reader, writer = os.pipe()
    child = os.posix_spawn(program, ["busybox", "--list"], {}, file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)])
    os.close(writer)
    with open(reader) as pipe:
        names = [n for n in pipe.read().split() if "/" not in n and n != "busybox"]
    os.waitpid(child, 0)
    return names


def remove(path):
    """Remove a tree that we made; never follows a link — unlinkat(2)."""
    for entry in os.scandir(path):
        if entry.is_dir(follow_symlinks=False):
            remove(entry.path)
        else:
            os.unlink(entry.path)
    os.rmdir(path)
