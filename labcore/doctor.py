"""What this machine can do for the lab: one finding per subject, each with its fix. (notebook 00)

    findings() ─► [Finding(name, status, found, fix)] ─► render | summary | --json

`missing` blocks the lab (exit 1), `note` limits single lessons. What can be tried is tried: each kind of namespace is
made by a throw-away child, unshare(1), and the child reads its own link. Nothing is changed: no sysctl, no mount, no
rule. How the machine is asked: machine.py.

Left out on purpose: yama's ptrace_scope. It restricts attaching only, and the lab reads /proc/PID/ns, which asks for
less. — namespaces(7), user_namespaces(7), cgroups(7), ptrace(2)
"""

import argparse
import collections
import json
import os
import re
import sys
import textwrap

from . import facts
from .machine import (  # noqa: F401
    COMPLETE,
    FLAGS,
    SYSCTLS,
    Way,
    admin,
    ask,
    available_mb,
    first_user,
    forward_chains,
    free_controllers,
    install,
    is_static,
    made,
    missing_capabilities,
    ordinary_user,
    os_release,
    propagation,
    read,
    restrictions,
    root_mounts,
    script,
    subordinate_ids,
    sysctl,
    try_ways,
    version,
    which,
)

Finding = collections.namedtuple("Finding", "name status found fix", defaults=("",))
OK, NOTE, MISSING = "ok", "note", "missing"
KERNEL, PYTHON, SPACE_MB = (5, 15), (3, 11), 1024
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
NEEDED = ("uts", "ipc", "pid", "net", "mnt", "proc")    # without one of these there is no container
WITHOUT = {"CAP_SYS_ADMIN": "root makes no namespaces and no mounts", "CAP_NET_ADMIN": "root configures no network",
           "CAP_SYS_CHROOT": "no chroot", "CAP_SETUID": "no change of user", "CAP_SETGID": "no change of group",
           "CAP_SETPCAP": "the bounding set cannot shrink", "CAP_MKNOD": "no device nodes",
           "CAP_SYS_RESOURCE": "root cannot raise hard limits", "CAP_SYS_PTRACE": "no strace of other processes"}
# name, Debian package, status when absent, what it is for
TOOLS = (("ip", "iproute2", NOTE, "04 net, run --network"), ("nft", "nftables", NOTE, "04 net, run --network"),
         ("unshare", "util-linux", MISSING, "this report and every lesson"), ("nsenter", "util-linux", NOTE, "lessons"),
         ("mount", "mount", NOTE, "05 mount"), ("newuidmap", "uidmap", NOTE, "06 user, more than one id"),
         ("newgidmap", "uidmap", NOTE, "06 user, more than one id"), ("strace", "strace", NOTE, "optional: watching"),
         ("crun", "crun", NOTE, "optional: comparison"), ("runc", "runc", NOTE, "optional: comparison"),
         ("podman", "podman", NOTE, "optional: comparison"))


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
        yield Finding("forward policy", NOTE, f"drop ({family} {table} {chain}): containers of a network reach "
                      "nothing outside, and nobody their published ports; lessons are not affected", admin(fix))
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
