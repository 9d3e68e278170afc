"""The configuration that `labcore run` starts from: what engines give a container by default."""

import os

from . import caps, errors, limits, profile, rootfs, sharing, spec
from .image import template

MASKED = ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
          "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
          "/sys/firmware"]  # fmt: skip
READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def mounts(gid5):
    """What a Linux program expects to be mounted — OCI config-linux, default file systems."""
    pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", *(["gid=5"] if gid5 else [])]
    quiet = ["nosuid", "noexec", "nodev"]
    rows = (
        ("/proc", "proc", quiet), ("/dev", "tmpfs", ["nosuid", "mode=755", "size=65536k"]), ("/dev/pts", "devpts", pts),
        ("/dev/shm", "tmpfs", [*quiet, "mode=1777", "size=65536k"]), ("/dev/mqueue", "mqueue", quiet),
        ("/sys", "sysfs", [*quiet, "ro"]), ("/sys/fs/cgroup", "cgroup", [*quiet, "relatime", "ro"]),
    )  # fmt: skip
    return [{"destination": d, "type": t, "source": t, "options": o} for d, t, o in rows]


def root_of(image):
    """({"path": …}, annotations) for a template's name or a directory."""
    if "/" in image or image in (".", ".."):
        path = os.path.abspath(image)
        if not os.path.isdir(path):
            why = "is not a directory" if os.path.exists(path) else "does not exist"
            raise errors.SpecError(f"root file system {image}: {why}")
        if not os.listdir(path):
            raise errors.SpecError(f"root file system {image}: is empty", "try `labcore run busybox`")
        return path, {}
    if image not in template.NAMES:
        raise errors.SpecError(f"image {image!r}: there is no such template", "templates: busybox; a directory is "
                               f"written with a slash: ./{image}")  # fmt: skip
    return template.busybox(), {rootfs.COPY_ON_WRITE: template.mount_point()}


def config(container_id, image, args, facts, options):
    """A whole configuration, checked, from the options of `labcore run`."""
    path, annotations = root_of(image)
    namespaces, entered = sharing.namespaces(options, facts)
    rootless = bool(options.get("rootless"))  # said to root: the plan that an ordinary user's container has
    linux = {} if entered else sharing.user_maps(options.get("userns"), facts, rootless)
    if linux:
        namespaces.append({"type": "user"})
    ids = (entered or linux).get("gidMappings")
    if ids and facts["root"] and not facts["in_userns"] and not rootless:  # root's files are root's inside, too
        annotations = annotations | {rootfs.MAPPED: template.mount_point()}
    many = not ids or any(m["containerID"] <= 5 < m["containerID"] + m["size"] for m in ids)
    who, default_caps = options.get("user"), list(caps.DEFAULT)
    if facts["root"] and not facts["cgroup"]:
        default_caps.remove("CAP_MKNOD")  # nothing but device rules would stop it from opening a disk
    sets = {name: default_caps for name in ("bounding", "effective", "permitted")}
    security, machine = security_options(options), os.uname().machine
    chosen = security["seccomp"]
    process = {
        "args": args or ["sh"], "cwd": options.get("workdir") or "/", "capabilities": sets,
        "noNewPrivileges": security["no-new-privileges"] == "true",
        "env": _environment(options, who), "terminal": bool(options.get("tty")),
        "user": {"name": who, "umask": 0o022},
    }  # fmt: skip
    linux |= {"namespaces": namespaces, "maskedPaths": MASKED, "readonlyPaths": READONLY,
              "resources": resources(options, facts),
              "seccomp": profile.read(chosen, default_caps, machine) if chosen not in (None, "unconfined") else None,
              }  # fmt: skip
    checked = spec.check({
        "ociVersion": "1.2.0", "hostname": _hostname(container_id, namespaces, options), "annotations": annotations,
        "root": {"path": path, "readonly": bool(options.get("read_only"))}, "process": process, "linux": linux,
        "mounts": sharing.mounts(mounts(many), namespaces, ids) + [volume(v) for v in options.get("volume") or []],
    })  # fmt: skip
    if chosen is None:
        checked["linux"]["seccomp"] = profile.usual(default_caps, machine)  # our own: a test checks it, once for all
    if not many:
        checked["process"]["user"]["additionalGids"] = None  # one group is all there is: setgroups(2) is given up
    return checked


def security_options(options):
    """--security-opt KEY=VALUE words, as engines spell them, over what is usual."""
    found = {"seccomp": None, "no-new-privileges": "true"}
    for word in options.get("security_opt") or []:
        key, _, value = word.partition("=")
        value = value or ("true" if key == "no-new-privileges" else "")
        if key not in found or not value or key != "seccomp" and value not in ("true", "false"):
            raise errors.SpecError(f"--security-opt {word!r}: unknown", "seccomp=unconfined, seccomp=FILE, or "
                                   "no-new-privileges=false")  # fmt: skip
        found[key] = value
    return found


def _hostname(container_id, namespaces, options):
    """Its own name; none where the name would be somebody else's."""
    if {"type": "uts"} in namespaces:
        return options.get("hostname") or container_id[:63]
    if options.get("hostname"):
        raise errors.SpecError(f"--hostname: with --uts {options['uts']} the host name is not this container's own")
    return ""


def _environment(options, who):
    env = {"PATH": PATH.partition("=")[2], "HOME": "/root" if who in (None, "0", "root") else "/",
           "HOSTNAME": options.get("hostname") or ""}  # fmt: skip
    if not env["HOSTNAME"]:
        del env["HOSTNAME"]
    if options.get("tty"):
        env["TERM"] = os.environ.get("TERM", "xterm")
    for word in options.get("env") or []:
        name, sign, value = word.partition("=")
        if not name:
            raise errors.SpecError(f"--env {word!r}: has no name", "write NAME=VALUE, or NAME to pass on your own")
        if sign or name in os.environ:
            env[name] = value if sign else os.environ[name]
    return [f"{k}={v}" for k, v in env.items()]


def volume(text):
    """`SOURCE:TARGET[:OPTIONS]` as an OCI mount."""
    source, _, rest = text.partition(":")
    target, _, words = rest.partition(":")
    if not source or not target:
        raise errors.SpecError(f"--volume {text!r}: must be SOURCE:TARGET or SOURCE:TARGET:ro")
    source = os.path.abspath(source) if source.startswith((".", "/")) else source
    if not source.startswith("/"):
        raise errors.SpecError(f"--volume {text!r}: the source must be a path", f"write ./{source} for one here")
    if not os.path.lexists(source):
        raise errors.SpecError(f"--volume {text!r}: {source} does not exist", "make it first: labcore never guesses")
    words = [w for w in words.split(",") if w]
    below = ["rro"] if "ro" in words else []  # also what is mounted below the source
    return {"destination": target, "type": "bind", "source": source,
            "options": ["rbind", "rprivate", "nodev", *words, *below]}  # fmt: skip


def resources(options, facts):
    """The limits among the options, and who may use devices, where the kernel lets us say it."""
    found = limits.resources(options)
    if facts["cgroup"] and facts["root"] and not (facts["cgroup"] == 2 and facts["in_userns"]):
        found["devices"] = [{"allow": False, "type": "a", "access": "rwm"}]
    return found
