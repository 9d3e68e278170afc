"""config.json: read, checked, defaults filled in. What comes out is a plain dict that plan.py can rely on.

Unknown properties are ignored, as the OCI runtime specification says. Known ones that this runtime cannot do yet are
refused: a container never starts without something that it was asked to have.
"""

from . import caps, errors, jsonfile, namespace, resources, seccomp

SETS = ("bounding", "effective", "permitted", "inheritable", "ambient")
_ID_MAP = [{"containerID": int, "hostID": int, "size": int}]
_DEVICE = {"path": str, "type": str, "major": int, "minor": int, "fileMode": int, "uid": int, "gid": int}
SHAPE = {
    "ociVersion": str, "hostname": str, "domainname": str, "annotations": {"*": str},
    "root": {"path": str, "readonly": bool},
    "mounts": [{"destination": str, "type": str, "source": str, "options": [str]}],
    "process": {
        "args": [str], "env": [str], "cwd": str, "terminal": bool, "consoleSize": {"height": int, "width": int},
        "user": {"uid": int, "gid": int, "additionalGids": [int], "umask": int, "name": str},
        "capabilities": {name: [str] for name in SETS}, "noNewPrivileges": bool, "oomScoreAdj": int,
        "rlimits": [{"type": str, "soft": int, "hard": int}],
    },
    "linux": {
        "namespaces": [{"type": str, "path": str}], "uidMappings": _ID_MAP, "gidMappings": _ID_MAP,
        "devices": [_DEVICE], "cgroupsPath": str, "sysctl": {"*": str}, "maskedPaths": [str], "readonlyPaths": [str],
        "rootfsPropagation": str, "seccomp": seccomp.SHAPE, "resources": resources.SHAPE,
    },
}  # fmt: skip
# known to the specification, not to us yet: refused when set to anything
NOT_YET = {
    "": ("hooks", "intelRdt", "vm", "solaris", "windows", "zos"),
    "process": ("apparmorProfile", "selinuxLabel", "scheduler", "ioPriority", "execCPUAffinity"),
    "linux": ("mountLabel", "intelRdt", "personality", "timeOffsets", "memoryPolicy", "netDevices"),
    "mounts[]": ("uidMappings", "gidMappings"),
}
_PROPAGATION = ("", "private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable")


def load(bundle):
    """The checked configuration of a bundle directory."""
    return check(read(f"{bundle}/config.json", "a bundle is a directory with a config.json"))


def read(path, hint):
    """The value in a JSON file that somebody named."""
    try:
        return jsonfile.read(path)
    except OSError as error:
        raise errors.SpecError(f"{path}: {error.strerror}", hint) from None
    except ValueError as error:
        raise errors.SpecError(f"{path}: not JSON: {error}") from None


def check(value):
    """A configuration with every field of SHAPE present and valid; SpecError names the field and why."""
    check_shape(value, SHAPE, "")
    spec = _fill(value)
    if not value.get("ociVersion"):
        raise errors.SpecError("ociVersion: missing")
    if not value["ociVersion"].startswith("1."):
        raise errors.SpecError(f"ociVersion: {value['ociVersion']!r} is not a 1.x version")
    if not spec["root"]["path"]:
        raise errors.SpecError("root.path: missing")
    if spec["process"] is not None:
        check_process(spec["process"])
    _check_mounts(spec["mounts"])
    _check_linux(spec)
    _check_names(spec)
    return spec


def load_process(path):
    """The process in a JSON file, as `exec --process` names it, checked and filled."""
    return process(read(path, "a process is an object with args and cwd"))


def process(value):
    """A process alone, as `exec --process` gives it, checked and filled."""
    check_shape(value, SHAPE["process"], "process")
    filled = _fill_process(value)
    check_process(filled)
    return filled


# -- shape -------------------------------------------------------------------------------------------------------------


def check_shape(value, shape, where):
    """Is everything of the kind that SHAPE says?"""
    if isinstance(shape, type):
        if type(value) is not shape:
            raise errors.SpecError(f"{where}: must be {_a(shape)}, not {_a(type(value))}")
        if shape is str and "\0" in value:
            raise errors.SpecError(f"{where}: holds a NUL byte")
        if shape is str and not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise errors.SpecError(f"{where}: holds half a character (a lone surrogate)")
        if shape is int and not -(2**63) <= value < 2**64:
            raise errors.SpecError(f"{where}: {value} does not fit 64 bits")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise errors.SpecError(f"{where}: must be a list, not {_a(type(value))}")
        for n, item in enumerate(value):
            check_shape(item, shape[0], f"{where}[{n}]")
    else:
        _check_object(value, shape, where)


def _check_object(value, shape, where):
    if not isinstance(value, dict):
        raise errors.SpecError(f"{where or 'config.json'}: must be an object, not {_a(type(value))}")
    generic = "mounts[]" if where.startswith("mounts[") else where
    for name in NOT_YET.get(generic, ()):
        if value.get(name):
            raise errors.SpecError(f"{where + '.' if where else ''}{name}: this runtime cannot do it yet",
                                   "remove it only if you can do without it")  # fmt: skip
    for name, item in value.items():
        inner = shape.get("*") or shape.get(name)
        if inner is not None and item is not None:  # null means absent
            check_shape(item, inner, f"{where}.{name}" if where else name)


def _a(kind):
    return {str: "a string", int: "a number", bool: "true or false", list: "a list", dict: "an object",
            float: "a fraction", type(None): "null"}[kind]  # fmt: skip


# -- defaults ----------------------------------------------------------------------------------------------------------


def _get(value, name, default):
    found = value.get(name)
    return default if found is None else found


def _fill(value):
    root, linux = _get(value, "root", {}), _get(value, "linux", {})
    mounts = [{"destination": _get(m, "destination", ""), "type": _get(m, "type", "bind" if _binds(m) else ""),
               "source": _get(m, "source", ""), "options": _get(m, "options", [])}
              for m in _get(value, "mounts", [])]  # fmt: skip
    lists = ("namespaces", "uidMappings", "gidMappings", "devices", "maskedPaths", "readonlyPaths")
    return {
        "ociVersion": value.get("ociVersion"), "hostname": _get(value, "hostname", ""),
        "domainname": _get(value, "domainname", ""), "annotations": _get(value, "annotations", {}),
        "root": {"path": _get(root, "path", ""), "readonly": _get(root, "readonly", False)},
        "process": _fill_process(value["process"]) if value.get("process") is not None else None,
        "mounts": mounts,
        "linux": {name: _get(linux, name, []) for name in lists} | {
            "cgroupsPath": _get(linux, "cgroupsPath", ""), "sysctl": _get(linux, "sysctl", {}),
            "rootfsPropagation": _get(linux, "rootfsPropagation", ""), "seccomp": linux.get("seccomp"),
            "resources": resources.filled(_get(linux, "resources", {})),
        },
    }  # fmt: skip


def _binds(m):
    return any(word in ("bind", "rbind") for word in _get(m, "options", []))


def _fill_process(p):
    user, sets = _get(p, "user", {}), _get(p, "capabilities", {})
    return {
        "args": _get(p, "args", []), "env": _get(p, "env", []), "cwd": _get(p, "cwd", ""),
        "terminal": _get(p, "terminal", False), "consoleSize": p.get("consoleSize"),
        "user": {"uid": _get(user, "uid", 0), "gid": _get(user, "gid", 0), "umask": _get(user, "umask", 0o022),
                 "additionalGids": _get(user, "additionalGids", []), "name": user.get("name")},
        "capabilities": {name: _get(sets, name, []) for name in SETS},
        "noNewPrivileges": _get(p, "noNewPrivileges", False), "oomScoreAdj": p.get("oomScoreAdj"),
        "rlimits": _get(p, "rlimits", []),
    }  # fmt: skip


# -- values ------------------------------------------------------------------------------------------------------------


def check_process(p):
    """Values that the kernel would refuse, or worse, understand differently."""
    if not p["args"]:
        raise errors.SpecError("process.args: must not be empty")
    if not p["cwd"].startswith("/"):
        raise errors.SpecError(f"process.cwd: {p['cwd']!r} is not an absolute path")
    _check_size(p["consoleSize"])
    user = p["user"]
    for name, number in (("uid", user["uid"]), ("gid", user["gid"]), *(("additionalGids", g)
                         for g in user["additionalGids"])):  # fmt: skip
        if not 0 <= number <= 0xFFFFFFFE:
            raise errors.SpecError(f"process.user.{name}: {number} is out of range")
    if not 0 <= user["umask"] <= 0o777:
        raise errors.SpecError(f"process.user.umask: {user['umask']} is out of range")
    for name in SETS:
        caps.mask(p["capabilities"][name], f"process.capabilities.{name}")
    seen = set()
    for n, limit in enumerate(p["rlimits"]):
        missing = [k for k in ("type", "soft", "hard") if limit.get(k) is None]
        if missing:
            raise errors.SpecError(f"process.rlimits[{n}].{missing[0]}: missing")
        if limit["type"] in seen:
            raise errors.SpecError(f"process.rlimits[{n}].type: {limit['type']} twice")
        seen.add(limit["type"])


def _check_size(size):
    for name in ("height", "width") if size else ():
        if size.get(name) is None:
            raise errors.SpecError(f"process.consoleSize.{name}: missing")
        if not 0 <= size[name] <= 0xFFFF:
            raise errors.SpecError(f"process.consoleSize.{name}: {size[name]} is out of range")


def _check_mounts(mounts):
    for n, m in enumerate(mounts):
        if not m["destination"].startswith("/"):
            raise errors.SpecError(f"mounts[{n}].destination: {m['destination']!r} is not an absolute path")
        if all(part in ("", ".", "..") for part in m["destination"].split("/")):
            raise errors.SpecError(f"mounts[{n}].destination: {m['destination']!r} would cover the root file system")
        if not m["type"]:
            raise errors.SpecError(f"mounts[{n}].type: missing")


def _check_linux(spec):
    linux, seen = spec["linux"], set()
    for n, entry in enumerate(linux["namespaces"]):
        kind = entry.get("type")
        if kind not in namespace.OCI_TYPES or kind == "time":
            raise errors.SpecError(f"linux.namespaces[{n}].type: unknown namespace {kind!r}")
        if kind in seen:
            raise errors.SpecError(f"linux.namespaces[{n}].type: {kind} twice")
        seen.add(kind)
        if entry.get("path") and not entry["path"].startswith("/"):
            raise errors.SpecError(f"linux.namespaces[{n}].path: {entry['path']!r} is not an absolute path")
    if "mount" not in seen or any(n["type"] == "mount" and n.get("path") for n in linux["namespaces"]):
        raise errors.SpecError("linux.namespaces: a new mount namespace is needed, or the host's root would change")
    if ".." in linux["cgroupsPath"].split("/"):
        raise errors.SpecError(f"linux.cgroupsPath: {linux['cgroupsPath']!r} leaves its place with '..'")
    if linux["rootfsPropagation"] not in _PROPAGATION:
        raise errors.SpecError(f"linux.rootfsPropagation: unknown value {linux['rootfsPropagation']!r}")
    seccomp.check(linux["seccomp"])
    resources.check(linux["resources"])
    _check_maps(linux, "user" in seen)
    _check_devices(linux)


def _check_maps(linux, wanted):
    for name in ("uidMappings", "gidMappings"):
        for n, m in enumerate(linux[name]):
            missing = [k for k in ("containerID", "hostID", "size") if m.get(k) is None]
            if missing:
                raise errors.SpecError(f"linux.{name}[{n}].{missing[0]}: missing")
            if m["size"] < 1 or min(m["containerID"], m["hostID"]) < 0:
                raise errors.SpecError(f"linux.{name}[{n}]: IDs start at 0 and size at 1")
            _check_range(m, f"linux.{name}", n, linux[name][:n])
        if linux[name] and not wanted:
            raise errors.SpecError(f"linux.{name}: needs a user namespace")
        new = any(e["type"] == "user" and not e.get("path") for e in linux["namespaces"])
        if new and not linux[name]:
            raise errors.SpecError(f"linux.{name}: a user namespace needs a map")


def _check_range(m, where, n, earlier):
    """No ID twice, on either side, and none that does not exist: the kernel would only say that the map is invalid."""
    for side in ("containerID", "hostID"):
        first, end = m[side], m[side] + m["size"]
        if end > 0xFFFFFFFF:
            raise errors.SpecError(f"{where}[{n}].{side}: {first} and {m['size']} IDs go beyond the last one")
        for k, other in enumerate(earlier):
            if first < other[side] + other["size"] and other[side] < end:
                raise errors.SpecError(f"{where}[{n}].{side}: {first} to {end - 1} overlaps {where}[{k}]")


def _check_devices(linux):
    for n, d in enumerate(linux["devices"]):
        if d.get("type") not in ("c", "u", "b", "p"):
            raise errors.SpecError(f"linux.devices[{n}].type: must be c, u, b or p, not {d.get('type')!r}")
        if not (d.get("path") or "").startswith("/"):
            raise errors.SpecError(f"linux.devices[{n}].path: must be an absolute path")
        for name in ("major", "minor"):
            if d["type"] != "p" and d.get(name) is None:
                raise errors.SpecError(f"linux.devices[{n}].{name}: missing")
        given = {k: v for k, v in d.items() if v is not None}
        linux["devices"][n] = {"major": 0, "minor": 0, "fileMode": 0o666, "uid": 0, "gid": 0} | given


def _check_names(spec):
    kinds = {n["type"] for n in spec["linux"]["namespaces"]}
    for field in ("hostname", "domainname"):
        length = len(spec[field].encode("utf-8", "surrogateescape"))
        if length > 64:
            raise errors.SpecError(f"{field}: {length} bytes, but the kernel takes at most 64")
        if spec[field] and "uts" not in kinds:
            raise errors.SpecError(f"{field}: needs a UTS namespace, or the host would be renamed")
