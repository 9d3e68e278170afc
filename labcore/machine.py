"""What the machine says when it is asked: text that it offers, and things that are tried and undone.

The functions of the first half take text and touch nothing; the second half reads the machine. doctor.py draws the
conclusions. — proc(5), unshare(1)
"""

import collections
import os
import pwd
import re
import select
import shlex
import shutil
import signal
import struct
import time

from . import caps, namespace

Way = collections.namedtuple("Way", "who made")         # made: {kind: "" or why not}

TIMEOUT_S = 30      # an emulated machine needs 0.3 s and more to start one program
FLAGS = {kind: "--mount" if kind == "mnt" else f"--{kind}" for kind in namespace.KINDS}
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
COMPLETE = "nft-complete"       # the script says so after a list that nft could read
SYSCTLS = ("user.max_user_namespaces", "kernel.unprivileged_userns_clone",
           "kernel.apparmor_restrict_unprivileged_userns")


# Reading text ---------------------------------------------------------------------------------------------------------

def version(text):
    """The first two numbers of a version — uname(2)."""
    match = re.match(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def os_release(text):
    """The fields of /etc/os-release — os-release(5)."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def root_mounts(mountinfo):
    """(tags, type) of what is mounted at `/`, the topmost last — proc_pid_mountinfo(5)."""
    lines = (line.partition(" - ") for line in mountinfo.splitlines())
    return [({tag.partition(":")[0] for tag in left.split(" ")[6:]}, right.split(" ")[0])
            for left, _, right in lines if left.split(" ")[4:5] == ["/"]]


def propagation(mountinfo):
    """How `/` passes mounts on, in findmnt's words; None when `/` is no mount point — mount_namespaces(7)."""
    roots = root_mounts(mountinfo)
    if not roots:
        return None
    tags = roots[-1][0]
    words = ["shared" if "shared" in tags else "private"]
    return ",".join(words + ["slave"] * ("master" in tags) + ["unbindable"] * ("unbindable" in tags))


def free_controllers(proc_cgroups, v2_controllers):
    """Controllers that no hierarchy holds, so that a v1 hierarchy of one's own can — cgroups(7)."""
    rows = [line.split() for line in proc_cgroups.splitlines() if not line.startswith("#")]
    return [row[0] for row in rows if row[1:2] == ["0"] and row[3:] == ["1"] and row[0] not in v2_controllers]


def missing_capabilities(status, last):
    """Capabilities outside the bounding set: not even root gets them — capabilities(7)."""
    match = re.search(r"^CapBnd:\s*([0-9a-f]+)", status, re.M)
    bounding = int(match[1], 16) if match else 0
    return caps.names(~bounding & (2 << last) - 1)


def forward_chains(nft_chains):
    """(family, table, chain, policy) of each IPv4 forward hook in `nft list chains` — nft(8)."""
    found, family, table, chain = [], "", "", ""
    for line in nft_chains.splitlines():
        if match := re.match(r"\s*table (\S+) (\S+) \{", line):
            family, table = match.groups()
        elif match := re.match(r"\s*chain (\S+) \{", line):
            chain = match[1]
        elif (match := re.search(r"hook forward .*policy (\w+)", line)) and family in ("ip", "inet"):
            found.append((family, table, chain, match[1]))
    return found


def is_static(image):
    """Whether a 64-bit ELF image names no loader, so that it runs in an empty root — elf(5)."""
    if image[:6] != b"\x7fELF\x02\x01" or len(image) < 64:
        return False
    offset, size, count = struct.unpack_from("<Q", image, 32)[0], *struct.unpack_from("<HH", image, 54)
    if offset + size * count > len(image):
        return False
    PT_INTERP = 3
    return all(struct.unpack_from("<I", image, offset + size * i)[0] != PT_INTERP for i in range(count))


def subordinate_ids(text, user, uid):
    """(how many ids /etc/subuid gives a user, by name or number, the first id nobody has) — subuid(5)."""
    rows = [line.split(":") for line in text.splitlines()]
    rows = [(row[0], int(row[1]), int(row[2])) for row in rows if len(row) == 3 and (row[1] + row[2]).isdigit()]
    count = sum(size for owner, _, size in rows if owner in (user, str(uid)))
    return count, max([100000, *(start + size for _, start, size in rows)])


def first_user(passwd):
    """(name, uid, gid) of the first ordinary user — passwd(5)."""
    rows = [line.split(":") for line in passwd.splitlines()]
    users = [(int(row[2]), int(row[3]), row[0]) for row in rows if len(row) == 7 and (row[2] + row[3]).isdigit()]
    uid, gid, name = min((user for user in users if 1000 <= user[0] < 60000), default=(65534, 65534, "nobody"))
    return name, uid, gid


def available_mb(meminfo):
    """Memory that programs can still have, in MB — proc_meminfo(5)."""
    match = re.search(r"^MemAvailable:\s*(\d+) kB", meminfo, re.M)
    return int(match[1]) // 1024 if match else 0


def script(unshare, readlink, nft="", as_user=False):
    """Shell lines, one per kind: make it, and let the child print its own link — unshare(1)."""
    make = f"{shlex.quote(unshare)} {'--map-root-user ' if as_user else ''}--fork"
    look = f"{shlex.quote(readlink)} /proc/self"
    lines = [f'echo "{kind} $({make} {flag} {look}/ns/{kind} 2>&1)"' for kind, flag in FLAGS.items()]
    lines.append(f'echo "proc $({make} --mount --pid --mount-proc {look} 2>&1)"')
    return "\n".join([*lines, f"{shlex.quote(nft)} list chains && echo {COMPLETE}"] if nft else lines)


def made(text, own):
    """What the script's output proves: {kind: "" if made, else why not}; `own` are our links — namespaces(7)."""
    answers = dict.fromkeys([*FLAGS, "proc"], "no answer")
    for line in text.splitlines():
        kind, _, answer = line.partition(" ")
        if kind in answers:
            link = answer.startswith(f"{kind}:[")
            # In a PID namespace with a /proc of its own the child is process 1.
            good = answer == "1" if kind == "proc" else link and answer != own.get(kind)
            answers[kind] = "" if good else "nothing changed" if link else answer.rpartition(": ")[2] or "no answer"
    return answers


def restrictions(sysctls):
    """What keeps an ordinary user from user namespaces: [(why, fix)] — user_namespaces(7)."""
    bad = {SYSCTLS[0]: "0", SYSCTLS[1]: "0", SYSCTLS[2]: "1"}
    good = {SYSCTLS[0]: "10000", SYSCTLS[1]: "1", SYSCTLS[2]: "0"}
    return [(f"{name} is {bad[name]}", f"sysctl -w {name}={good[name]}")
            for name in SYSCTLS if sysctls.get(name) == bad[name]]


# Asking the machine ---------------------------------------------------------------------------------------------------

def read(path, limit=1 << 20):
    """A file's text, or nothing when it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(limit)
    except OSError:
        return ""


def sysctl(name):
    """A kernel setting as text, empty when this kernel has none of that name — sysctl(8)."""
    return read("/proc/sys/" + name.replace(".", "/")).strip()


def which(name):
    """Where a tool is; an ordinary user's PATH often lacks the sbin directories, and ours may be empty."""
    return shutil.which(name, path=":".join(filter(None, [os.environ.get("PATH"), SYSTEM_PATH])))


def spawn(argv):
    """Start a command without a terminal: (pid, the reading end of what it prints) — posix_spawn(3)."""
    reader, writer = os.pipe()
    actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, writer, 1),
               (os.POSIX_SPAWN_DUP2, writer, 2)]
    try:
        # A session of its own: one signal reaches all of it, and sudo finds no terminal, as with the launcher.
        pid = os.posix_spawn(argv[0], argv, {"PATH": SYSTEM_PATH, "LC_ALL": "C"}, file_actions=actions, setsid=True)
    except OSError:
        os.close(reader)
        return None, None
    finally:
        os.close(writer)
    return pid, reader


def collect(pid, reader, deadline):
    """What a command printed until it ended or its time was over."""
    if pid is None:
        return ""
    text, ended, poll = b"", False, select.poll()
    poll.register(reader, select.POLLIN)
    try:
        while not ended and poll.poll(max(0, deadline - time.monotonic()) * 1000):
            block = os.read(reader, 65536)
            text, ended = text + block, not block
    finally:
        os.close(reader)
        try:
            if not ended:
                os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except OSError:         # not ours to kill (sudo), or nobody to wait for (SIGCHLD is ignored here)
            pass
    return text.decode(errors="replace")


def ask(commands):
    """Run commands side by side; one text each."""
    deadline = time.monotonic() + TIMEOUT_S
    started = [spawn(argv) if argv[0] else (None, None) for argv in commands]
    return [collect(pid, reader, deadline) for pid, reader in started]


def ordinary_user():
    """(name, uid, gid) of the ordinary user the report speaks of: the caller, who called sudo, or the first one."""
    uid = os.geteuid() or int("0" + re.sub(r"\D", "", os.environ.get("SUDO_UID", "")))
    if not uid:
        return first_user(read("/etc/passwd"))
    try:
        return pwd.getpwuid(uid).pw_name, uid, pwd.getpwuid(uid).pw_gid
    except KeyError:
        return str(uid), uid, os.getgid()


def try_ways():
    """Make every kind as root or through sudo, and as an ordinary user: ([Way] or [], Way, what root's script said)."""
    root, (_, uid, gid) = os.geteuid() == 0, ordinary_user()
    unshare, readlink, shell = which("unshare"), which("readlink"), which("sh")
    # -k: a remembered password does not count, and sudo leaves no record of the question in /run/sudo/ts.
    become = [] if root else [which("sudo"), "-n", "-k"]
    drop = [which("setpriv"), f"--reuid={uid}", f"--regid={gid}", "--clear-groups"] if root else []
    commands = [[*become, shell, "-c", script(unshare, readlink, which("nft"))],
                [*drop, shell, "-c", script(unshare, readlink, as_user=True)]] if unshare and readlink and shell else []
    by_root, by_user = ask(commands) if commands else ("", "")
    own = namespace.inspect() if os.path.exists("/proc/self/ns") else {}
    # Without a single answer sudo let nobody through: then that way does not exist.
    through = root or re.search(r"^uts ", by_root, re.M)
    return [Way("root" if root else "root (sudo)", made(by_root, own))] * bool(through), \
        Way(f"uid {uid}", made(by_user, own)), by_root


def admin(command):
    """A command as this user has to type it."""
    return command if os.geteuid() == 0 else f"sudo {command}"


def install(package):
    """How to get a package: apt's words on Debian and its relatives."""
    release = os_release(read("/etc/os-release"))
    if {"debian", "ubuntu"} & {release.get("ID"), *release.get("ID_LIKE", "").split()}:
        return admin(f"apt install {package}")
    return f"install {package} (its name in Debian) with this system's package manager"
