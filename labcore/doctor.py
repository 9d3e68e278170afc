"""What this machine can do for the lab: one finding per subject, each with its fix. (notebook 00)

    findings() ─► [Finding(name, status, found, fix)] ─► render | summary | --json

`missing` blocks the lab (exit 1), `note` limits single lessons. What can be tried is tried: each kind of namespace is
made by a throw-away child, unshare(1), and the child reads its own link. Nothing is changed: no sysctl, no mount, no
rule. The functions of the first half take text and touch nothing; the second half reads the machine.

Left out on purpose: yama's ptrace_scope. It restricts attaching only, and the lab reads /proc/PID/ns, which asks for
less. — namespaces(7), user_namespaces(7), cgroups(7), ptrace(2)
"""

import argparse
import collections
import json
import os
import pwd
import re
import select
import shlex
import shutil
import signal
import struct
import sys
import textwrap
import time

from . import caps, facts, namespace

Finding = collections.namedtuple("Finding", "name status found fix", defaults=("",))
Way = collections.namedtuple("Way", "who made")         # made: {kind: "" or why not}

OK, NOTE, MISSING = "ok", "note", "missing"
KERNEL, PYTHON, SPACE_MB = (5, 15), (3, 11), 1024
TIMEOUT_S = 30      # an emulated machine needs 0.3 s and more to start one program
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
FLAGS = {kind: "--mount" if kind == "mnt" else f"--{kind}" for kind in namespace.KINDS}
NEEDED = ("uts", "ipc", "pid", "net", "mnt", "proc")    # without one of these there is no container
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
COMPLETE = "nft-complete"       # the script says so after a list that nft could read
WITHOUT = {"CAP_SYS_ADMIN": "root makes no namespaces and no mounts", "CAP_NET_ADMIN": "root configures no network",
           "CAP_SYS_CHROOT": "no chroot", "CAP_SETUID": "no change of user", "CAP_SETGID": "no change of group",
           "CAP_SETPCAP": "the bounding set cannot shrink", "CAP_MKNOD": "no device nodes",
           "CAP_SYS_RESOURCE": "root cannot raise hard limits", "CAP_SYS_PTRACE": "no strace of other processes"}
SYSCTLS = ("user.max_user_namespaces", "kernel.unprivileged_userns_clone",
           "kernel.apparmor_restrict_unprivileged_userns")
# name, Debian package, status when absent, what it is for
TOOLS = (("ip", "iproute2", NOTE, "04 net"), ("nft", "nftables", NOTE, "04 net"),
         ("unshare", "util-linux", MISSING, "this report and every lesson"), ("nsenter", "util-linux", NOTE, "lessons"),
         ("mount", "mount", NOTE, "05 mount"), ("newuidmap", "uidmap", NOTE, "06 user, more than one id"),
         ("newgidmap", "uidmap", NOTE, "06 user, more than one id"), ("strace", "strace", NOTE, "optional: watching"),
         ("crun", "crun", NOTE, "optional: comparison"), ("runc", "runc", NOTE, "optional: comparison"),
         ("podman", "podman", NOTE, "optional: comparison"))


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


# Findings -------------------------------------------------------------------------------------------------------------

def system():
    """Kernel, architecture, Python."""
    name, kernel = os_release(read("/etc/os-release")).get("PRETTY_NAME", "unknown"), os.uname()
    yield Finding("system", OK, name)
    yield Finding("kernel", OK if version(kernel.release) >= KERNEL else MISSING,
                  f"{kernel.release}; 5.15 or later is needed", "install a newer kernel, or use the Vagrant VM")
    known = kernel.machine in MACHINES and sys.maxsize > 1 << 32
    yield Finding("architecture", OK if known else MISSING,
                  kernel.machine + (f" ({MACHINES[kernel.machine]})" if known else ": no system call numbers for it"),
                  "use a 64-bit system on amd64 or arm64")
    yield Finding("python", OK if sys.version_info >= PYTHON else MISSING,
                  f"{sys.version.split()[0]}; 3.11 or later is needed", install("python3") + " (Debian 12 or later)")


def namespaces(as_root, as_user):
    """Which kinds were made, by whom; which ways into the lab that leaves."""
    ways = [*as_root, as_user]
    for kind in FLAGS:
        able = [way.who for way in ways if not way.made[kind]]
        unable = [f"as {way.who}: {way.made[kind]}" for way in ways if way.made[kind]]
        present = os.path.exists(f"/proc/self/ns/{kind}")
        found = "; ".join([f"made as {' and as '.join(able)}"] * bool(able) + unable)
        fix = ("use a kernel built with it" if not present else install("util-linux") if not which("unshare") else
               "start the outer container with CAP_SYS_ADMIN, or see `user namespaces`")
        yield Finding(f"namespace {kind}", OK if able and present else MISSING if kind in NEEDED else NOTE,
                      found if present else "not in this kernel", fix)


def user_namespaces(as_user):
    """What stands between an ordinary user and a container of their own."""
    limits = restrictions({name: sysctl(name) for name in SYSCTLS})
    refused = [kind for kind, why in as_user.made.items() if why and kind != "proc"]
    # The kernel lets a new user namespace mount proc only if the outer one is fully visible: mount_too_revealing().
    hidden = as_user.made["proc"] and not refused
    if limits:
        why, fix = "; ".join(why for why, _ in limits), "; ".join(admin(fix) for _, fix in limits)
    elif hidden:
        why = f"{as_user.who} may not mount /proc: parts of the outer one are masked ({as_user.made['proc']})"
        fix = "start the outer container with /proc unmasked: podman --security-opt unmask=ALL, docker --privileged"
    elif refused:
        why, fix = f"{as_user.who} cannot make: {' '.join(refused)}", "work as root or with sudo; see `namespace` above"
    else:
        return Finding("user namespaces", OK, f"{as_user.who} makes all kinds and mounts /proc")
    return Finding("user namespaces", NOTE, f"{why}; limits --rootless", fix)


def privilege(as_root, as_user, rootless):
    """Who can run the lab: root, an ordinary user with sudo, an ordinary user alone."""
    usable = [way.who for way in as_root if not any(way.made[kind] for kind in NEEDED)]
    alone = rootless and not any(as_user.made[kind] for kind in (*NEEDED, "user"))
    if usable and read("/proc/self/uid_map").split()[2:] != ["4294967295"]:
        return Finding("privilege", NOTE, f"{usable[0]} of a user namespace only: no device nodes, often no limits",
                       "work outside of this container, or start it without a user namespace")
    if usable:
        return Finding("privilege", OK, f"{usable[0]}{'; rootless works too' if alone else ''}")
    if alone:
        return Finding("privilege", OK, "rootless: everything happens in a user namespace")
    if as_root:
        return Finding("privilege", MISSING, "root cannot make the namespaces and mounts of a container",
                       "use the Vagrant VM, or start the outer container with --privileged")
    return Finding("privilege", MISSING, "neither sudo nor user namespaces give a container", "see `sudo` below")


def kernel_features():
    """Capabilities, seccomp, executable memory files, overlayfs."""
    gone = missing_capabilities(read("/proc/self/status"), int(sysctl("kernel.cap_last_cap") or 40))
    why = [name + (f" ({WITHOUT[name]})" if name in WITHOUT else "") for name in gone]
    yield Finding("capabilities", NOTE if gone else OK, f"root lacks {', '.join(why)}" if gone else "root can have all",
                  "the machine or the outer container withholds them: start it with --cap-add, or live without")
    seccomp = sysctl("kernel.seccomp.actions_avail")
    yield Finding("seccomp", OK if seccomp else NOTE, "filters work" if seccomp else "not in this kernel; limits 10",
                  "use a kernel with CONFIG_SECCOMP_FILTER")
    sealed = sysctl("vm.memfd_noexec") == "2"       # the trampoline is executed from a sealed memory file
    yield Finding("memfd", MISSING if sealed else OK, "programs may run from memory files" if not sealed else
                  "vm.memfd_noexec is 2: no program may run from a memory file, so no container starts",
                  admin("sysctl -w vm.memfd_noexec=1"))
    modules = f"/lib/modules/{os.uname().release}"
    loaded = re.search(r"\boverlay$", read("/proc/filesystems"), re.M)
    there = loaded or any("/overlay.ko" in read(f"{modules}/{name}", 1 << 24)
                          for name in ("modules.builtin", "modules.dep"))
    yield Finding("overlayfs", OK if there else NOTE, "in the kernel" if loaded else "a module, loaded at first use"
                  if there else "not in this kernel; limits 13", "use a kernel with CONFIG_OVERLAY_FS")


def cgroups(mountinfo):
    """Which cgroup trees there are, which controllers are on each, which the lab will use."""
    v1, v2 = facts.cgroup_mounts(mountinfo)
    on_v2 = read(f"{v2}/cgroup.controllers").split() if v2 else []
    free = free_controllers(read("/proc/cgroups"), on_v2)
    mode = "hybrid" if v1 and v2 else "v1" if v1 else "v2" if v2 else "none is mounted; limits 08 and 09"
    # Over /sys/fs/cgroup itself the new mount would hide the v1 hierarchies.
    place = "/sys/fs/cgroup/unified" if v1 else "/sys/fs/cgroup"
    mount = "; ".join([admin(f"mkdir -p {place}")] * bool(v1) + [admin(f"mount -t cgroup2 cgroup2 {place}")])
    yield Finding("cgroups", OK if v1 or v2 else NOTE, mode, mount)
    yield Finding("cgroup v1", OK if v1 or free else NOTE,
                  f"{' '.join(sorted(v1)) or 'not mounted'}; free: {' '.join(free) or 'none'}",
                  "for 08 use a kernel with cgroup v1 controllers")
    yield Finding("cgroup v2", OK if v2 else NOTE,
                  f"{v2}: {' '.join(on_v2) or 'no controllers'}" if v2 else "not mounted; limits 09", mount)
    # The same choice as the plan's: see facts.read.
    yield limits("v2", dict.fromkeys(on_v2, v2)) if v2 and ("memory" in on_v2 or not v1) else limits("v1", v1)


def limits(tree, places):
    """Where the lab sets limits; `places` is {controller: directory} of the version it uses."""
    wanted = ("memory", "cpu", "pids")
    uses = " ".join(name for name in wanted if name in places)
    absent = " ".join(name for name in wanted if name not in places)
    # An ordinary user may not write there anyway; `sudo` above speaks of that.
    fixed = [name for name in uses.split() if os.geteuid() == 0 and not os.access(places[name], os.W_OK)]
    if absent:
        return Finding("limits", NOTE, f"{tree}: {uses or 'none'}; no controller for {absent}",
                       "boot with the controllers on, as in cgroup_enable=memory, and bound to one version")
    if fixed:
        return Finding("limits", NOTE, f"{tree}: not writable: {' '.join(fixed)}",
                       "start the outer container with its own writable cgroups (--privileged)")
    return Finding("limits", OK, f"as root the lab sets {uses} on cgroup {tree}")


def root_mount(mountinfo):
    """Whether `/` can be left by pivot_root, and whom mounts reach."""
    how = propagation(mountinfo)
    if how is None:
        return Finding("mount /", MISSING, "not a mount point (a chroot?): pivot_root and user namespaces are refused",
                       "leave the chroot")
    if root_mounts(mountinfo)[-1][1] == "rootfs":
        return Finding("mount /", MISSING, "the kernel's first root: pivot_root is refused", "boot from a file system")
    return Finding("mount /", OK, f"{how}; systemd machines say shared")


def network(by_root):
    """Whether this machine passes packets on; `by_root` is what root's script said, nft's chains last."""
    forward = sysctl("net.ipv4.ip_forward")
    words = {"0": "0: off; lessons switch on their own", "1": "1: on"}
    yield Finding("ip_forward", OK if forward else NOTE, words.get(forward, forward or "not readable; limits 04"),
                  "mount /proc with its sys directory")
    hooks = forward_chains(by_root)
    # Asking iptables-legacy creates its filter table: ask only where that table is in use already.
    if "filter" in read("/proc/net/ip_tables_names").split() and which("iptables-legacy"):
        policy = re.search(r"^-P FORWARD (\w+)", ask([[which("iptables-legacy"), "-S", "FORWARD"]])[0], re.M)
        hooks += [("iptables-legacy", "filter", "FORWARD", policy[1].lower())] if policy else []
    drop = next((hook for hook in hooks if hook[3] == "drop"), None)
    if drop:
        family, table, chain, _ = drop
        fix = (f"iptables-legacy -P {chain} ACCEPT" if family == "iptables-legacy" else
               f"nft 'chain {family} {table} {chain} {{ policy accept; }}'")
        yield Finding("forward policy", NOTE, f"drop ({family} {table} {chain}): a bridge of this machine reaches "
                      "nothing outside; lessons are not affected", admin(fix))
    elif COMPLETE not in by_root:
        root = os.geteuid() == 0
        yield Finding("forward policy", NOTE, "nft could not list it" if root else "only root can read it, with nft",
                      f"{install('nftables')}; a kernel with nf_tables" if root else "run labcore doctor as root")
    else:
        yield Finding("forward policy", OK, "accept" if hooks else "accept: no rules")


def busybox():
    """The root file system of the embedded template is one static program."""
    path, image = which("busybox"), b""
    if path:
        with open(path, "rb", 0) as file:
            image = file.read(4096)
    found = f"{path}: static" if is_static(image) else f"{path}: needs a loader" if path else "not installed"
    return Finding("busybox", OK if is_static(image) else MISSING, found, install("busybox-static"))


def tools():
    """The programs that lessons call, and the ids an ordinary user may map."""
    yield busybox()
    for name, package, status, purpose in TOOLS:
        path = which(name)
        yield Finding(name, OK if path else status, path or f"not installed ({purpose})", install(package))
    yield subordinate(*ordinary_user()[:2])


def subordinate(user, uid):
    """The further ids that newuidmap lets an ordinary user map — subuid(5)."""
    given = [subordinate_ids(read(path), user, uid) for path in ("/etc/subuid", "/etc/subgid")]
    count, start = min(count for count, _ in given), max(start for _, start in given)
    ids = f"{start}-{start + 65535}"
    if user == "nobody":
        return Finding("subuid", OK, "no ordinary user on this machine")
    return Finding("subuid", OK if count >= 65536 else NOTE, f"{user} may map {count} further ids; 06 maps 65536",
                   admin(f"usermod --add-subuids {ids} --add-subgids {ids} {user}"))


def sudo(as_root):
    """Whether an ordinary user's notebook can start its launcher as root — sudo(8)."""
    if os.geteuid() == 0:
        return Finding("sudo", OK, "not needed: this is root")
    if as_root:
        return Finding("sudo", OK, "`sudo -n` gives root")
    why = "`sudo -n` is refused (a password?)" if which("sudo") else "not installed"
    return Finding("sudo", NOTE, f"{why}: the lab works rootless; limits 08 and 09",
                   f"as root: echo '#{os.geteuid()} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/labcore")


def space():
    """Memory and disk — statvfs(3)."""
    memory = available_mb(read("/proc/meminfo"))
    yield Finding("memory", OK if memory >= SPACE_MB else NOTE, f"{memory / 1024:.1f} GB available; the lab needs 1 GB",
                  "end other programs, or give the virtual machine more")
    path = "/var/lib/labcore" if os.geteuid() == 0 else os.path.expanduser("~/.local/share/labcore")
    while not os.path.isdir(path):
        path = os.path.dirname(path) or "/"
    disk = os.statvfs(path)
    free = disk.f_bavail * disk.f_frsize >> 20
    yield Finding("disk", OK if free >= SPACE_MB else NOTE, f"{free / 1024:.1f} GB free at {path}; images need 1 GB",
                  "make room on that file system")


def findings():
    """Everything the doctor looks at, in the order of the report."""
    as_root, as_user, by_root = try_ways()
    mountinfo, alone = read("/proc/self/mountinfo"), user_namespaces(as_user)
    rows = [*system(), privilege(as_root, as_user, alone.status == OK), sudo(as_root), *namespaces(as_root, as_user),
            alone, *kernel_features(), *cgroups(mountinfo), root_mount(mountinfo), *network(by_root), *tools(),
            *space()]
    return [row if row.status != OK else row._replace(fix="") for row in rows]


def blocking(found):
    """The names of what keeps the lab from running."""
    return [finding.name for finding in found if finding.status == MISSING]


def verdict(found):
    """One sentence without numbers."""
    missing = blocking(found)
    return f"this machine cannot run the lab yet: {', '.join(missing)}" if missing else "this machine can run the lab"


def render(found):
    """The report: one line per finding, what to do below it, at most 80 columns."""
    lines = []
    for name, status, what, fix in found:
        first, rest = f"{status:<8}{name + ':':<18}", " " * 26
        lines += textwrap.wrap(what, 80, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
        if fix:
            lines += textwrap.wrap(fix, 80, initial_indent=rest + "fix: ", subsequent_indent=rest + "     ",
                                   break_long_words=False, break_on_hyphens=False)
    notes = sum(finding.status == NOTE for finding in found)
    return "\n".join([*lines, "", verdict(found) + (f"; notes: {notes}, each limits single lessons" if notes else "")])


def summary(found):
    """A few lines that read the same on every machine that can run the lab, whoever asks."""
    by_name = {finding.name: finding for finding in found}
    kinds = [kind for kind in FLAGS if by_name[f"namespace {kind}"].found.startswith("made")]
    words = {"kernel": "new enough", "architecture": "one the lab knows", "python": "new enough",
             "busybox": "static, so it runs in an empty root"}
    lines = [f"{name:<14}{words[name] if by_name[name].status == OK else by_name[name].found}" for name in words]
    return "\n".join([*lines, f"{'namespaces':<14}{' '.join(kinds) or 'none can be made'}", verdict(found)])


def main(argv):
    """`labcore doctor [--json]`: print the report; 1 when something blocks the lab."""
    parser = argparse.ArgumentParser(prog="labcore doctor", description="Report what this machine can do for the lab.")
    parser.add_argument("--json", action="store_true", help="for programs: a list of name, status, found, fix")
    options = parser.parse_args(argv)
    found = findings()
    print(json.dumps([finding._asdict() for finding in found], indent=2) if options.json else render(found))
    return 1 if blocking(found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
