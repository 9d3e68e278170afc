"""A configuration is refused with the field's name and the reason, before anything is made."""

import copy

import pytest

from labcore import errors, jsonfile, spec

MINIMAL = {
    "ociVersion": "1.2.0", "root": {"path": "rootfs"}, "process": {"args": ["true"], "cwd": "/"},
    "linux": {"namespaces": [{"type": "mount"}]},
}  # fmt: skip
GONE = object()


def changed(path, value):
    """MINIMAL with one field changed: `linux.namespaces.0.type`."""
    config = copy.deepcopy(MINIMAL)
    *way, last = path.split(".")
    at = config
    for name in way:
        at = at[int(name)] if isinstance(at, list) else at.setdefault(name, {})
    if value is GONE:
        del at[last]
    else:
        at[last] = value
    return config


def refusal(config):
    with pytest.raises(errors.SpecError) as raised:
        spec.check(config)
    return raised.value.args[0]


def test_little_is_needed_and_the_rest_is_filled_in():
    found = spec.check(MINIMAL)
    assert found["process"]["user"] == {"uid": 0, "gid": 0, "umask": 0o022, "additionalGids": [], "name": None}
    assert found["process"]["capabilities"] == {name: [] for name in spec.SETS}
    assert (found["hostname"], found["mounts"], found["root"]["readonly"]) == ("", [], False)
    assert found["linux"]["resources"] == {"devices": []}
    assert spec.check(found | {"process": None})["process"] is None


def test_what_is_checked_can_be_checked_again():
    once = spec.check(changed("linux.devices", [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}]))
    assert spec.check(jsonfile.loads(jsonfile.dumps(once))) == once


@pytest.mark.parametrize("path, value", [
    ("unknown", {"a": [1]}), ("process.unknown", 1), ("linux.unknown", "x"), ("annotations", {"a.b": "c"}),
    ("hooks", {}), ("hooks", None), ("linux.seccomp", None),
])
def test_unknown_properties_and_empty_ones_are_ignored(path, value):
    spec.check(changed(path, value))


@pytest.mark.parametrize("path", [
    "hostname", "mounts", "annotations", "process.env", "process.user", "process.capabilities", "process.consoleSize",
    "process.rlimits", "process.oomScoreAdj", "linux.resources", "linux.devices", "linux.sysctl", "linux.maskedPaths",
    "linux.cgroupsPath", "process.user.uid", "process.user.additionalGids", "linux.resources.memory",
    "linux.resources.memory.limit", "linux.resources.devices", "root.readonly", "linux.uidMappings",
])
def test_null_means_absent(path):
    assert spec.check(changed(path, None)) | {"linux": 0} == spec.check(MINIMAL) | {"linux": 0}


def test_null_in_a_device_is_the_default():
    device = {"path": "/dev/x", "type": "c", "major": 1, "minor": 3, "fileMode": None, "uid": None}
    assert spec.check(changed("linux.devices", [device]))["linux"]["devices"][0]["fileMode"] == 0o666


@pytest.mark.parametrize("path, value, said", [
    ("ociVersion", GONE, "ociVersion: missing"),
    ("ociVersion", "2.0", "ociVersion: '2.0' is not a 1.x version"),
    ("root", GONE, "root.path: missing"),
    ("root", [], "root: must be an object, not a list"),
    ("root.readonly", "yes", "root.readonly: must be true or false, not a string"),
    ("process", "sh", "process: must be an object, not a string"),
    ("process.args", [], "process.args: must not be empty"),
    ("process.args", GONE, "process.args: must not be empty"),
    ("process.args", "true", "process.args: must be a list, not a string"),
    ("process.args", ["a", None], "process.args[1]: must be a string, not null"),
    ("process.args", ["a\0b"], "process.args[0]: holds a NUL byte"),
    ("process.env", ["A=\udc80"], "process.env[0]: holds half a character (a lone surrogate)"),
    ("hostname", "\ud800", "hostname: holds half a character (a lone surrogate)"),
    ("process.cwd", "x", "process.cwd: 'x' is not an absolute path"),
    ("process.cwd", GONE, "process.cwd: '' is not an absolute path"),
    ("process.user", {"uid": 1.5}, "process.user.uid: must be a number, not a fraction"),
    ("process.user", {"uid": True}, "process.user.uid: must be a number, not true or false"),
    ("process.user", {"uid": 4294967295}, "process.user.uid: 4294967295 is out of range"),
    ("process.user", {"gid": -1}, "process.user.gid: -1 is out of range"),
    ("process.user", {"additionalGids": [0, -2]}, "process.user.additionalGids: -2 is out of range"),
    ("process.user", {"umask": 512}, "process.user.umask: 512 is out of range"),
    ("process.user", {"uid": 1 << 70}, f"process.user.uid: {1 << 70} does not fit 64 bits"),
    ("process.capabilities", {"effective": ["CAP_FLY"]},
     "process.capabilities.effective: unknown capability 'CAP_FLY'"),
    ("process.rlimits", [{"type": "RLIMIT_NOFILE", "soft": 1}], "process.rlimits[0].hard: missing"),
    ("process.rlimits", [{"type": "A", "soft": 1, "hard": 1}] * 2, "process.rlimits[1].type: A twice"),
    ("process.consoleSize", {"height": 24}, "process.consoleSize.width: missing"),
    ("process.consoleSize", {"height": 70000, "width": 1}, "process.consoleSize.height: 70000 is out of range"),
    ("process.apparmorProfile", "x", "process.apparmorProfile: this runtime cannot do it yet"),
    ("hooks", {"prestart": []}, "hooks: this runtime cannot do it yet"),
    ("linux.seccomp", {"defaultAction": "x"}, "linux.seccomp.defaultAction: unknown action 'x'"),
    ("linux.seccomp", {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": [5]}]},
     "linux.seccomp.syscalls[0].names[0]: must be a string, not a number"),
    ("linux.resources", {"unified": {"a": "b"}},
     "linux.resources.unified['a']: is not the name of a cgroup's file, like memory.high"),
    ("linux.resources", {"pids": {"limit": 0}},
     "linux.resources.pids.limit: 0 must be from 1 to 4194304, or -1 for no limit"),
    ("mounts", [{"destination": "/x", "type": "tmpfs", "uidMappings": [1]}],
     "mounts[0].uidMappings: this runtime cannot do it yet"),
    ("mounts", [{"destination": "x", "type": "tmpfs"}], "mounts[0].destination: 'x' is not an absolute path"),
    ("mounts", [{"destination": "/x"}], "mounts[0].type: missing"),
    ("linux.namespaces", [], "linux.namespaces: a new mount namespace is needed, or the host's root would change"),
    ("linux.namespaces", [{"type": "mount", "path": "/proc/1/ns/mnt"}],
     "linux.namespaces: a new mount namespace is needed, or the host's root would change"),
    ("linux.namespaces", [{"type": "mount"}, {"type": "mount"}], "linux.namespaces[1].type: mount twice"),
    ("linux.namespaces", [{"type": "hats"}], "linux.namespaces[0].type: unknown namespace 'hats'"),
    ("linux.namespaces", [{}], "linux.namespaces[0].type: unknown namespace None"),
    ("linux.namespaces", [{"type": "mount"}, {"type": "pid", "path": "x"}],
     "linux.namespaces[1].path: 'x' is not an absolute path"),
    ("linux.namespaces", [{"type": "mount"}, {"type": "user"}], "linux.uidMappings: a user namespace needs a map"),
    ("linux.uidMappings", [{"containerID": 0, "hostID": 0, "size": 1}], "linux.uidMappings: needs a user namespace"),
    ("linux.uidMappings", [{"containerID": 0, "hostID": 0}], "linux.uidMappings[0].size: missing"),
    ("linux.gidMappings", [{"containerID": 0, "hostID": 0, "size": 0}],
     "linux.gidMappings[0]: IDs start at 0 and size at 1"),
    ("linux.cgroupsPath", "/a/../../b", "linux.cgroupsPath: '/a/../../b' leaves its place with '..'"),
    ("linux.rootfsPropagation", "public", "linux.rootfsPropagation: unknown value 'public'"),
    ("linux.devices", [{"path": "/dev/x", "type": "q"}], "linux.devices[0].type: must be c, u, b or p, not 'q'"),
    ("linux.devices", [{"path": None, "type": "p"}], "linux.devices[0].path: must be an absolute path"),
    ("linux.devices", [{"path": "/dev/x", "type": "c", "major": 1}], "linux.devices[0].minor: missing"),
    ("hostname", "h", "hostname: needs a UTS namespace, or the host would be renamed"),
    ("hostname", "ä" * 33, "hostname: 66 bytes, but the kernel takes at most 64"),
    ("domainname", "d" * 65, "domainname: 65 bytes, but the kernel takes at most 64"),
])  # fmt: skip
def test_refused(path, value, said):
    assert refusal(changed(path, value)) == said


@pytest.mark.parametrize("value, kind", [([], "a list"), (None, "null"), ("x", "a string"), (1, "a number")])
def test_configuration_that_is_no_object(value, kind):
    assert refusal(value) == f"config.json: must be an object, not {kind}"


def test_hostname_of_64_bytes_is_taken():
    namespaces = {"linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}]}}
    assert spec.check(MINIMAL | namespaces | {"hostname": "h" * 64})["hostname"] == "h" * 64


@pytest.mark.parametrize("text, said", [
    (b"{", "not JSON: "), (b"\xff", "not JSON: 'utf-8' codec can't decode byte 0xff"), (b"", "not JSON: "),
    (b"[" * 100_000, "not JSON: nested too deeply"), (b"{} x", "not JSON: "), (b'{"a": NaN}', "not JSON: "),
])  # fmt: skip
def test_broken_file_is_refused_with_its_path(text, said, tmp_path):
    (tmp_path / "config.json").write_bytes(text)
    with pytest.raises(errors.SpecError) as raised:
        spec.load(tmp_path)
    assert raised.value.args[0].startswith(f"{tmp_path}/config.json: {said}")


def test_bundle_without_a_configuration(tmp_path):
    with pytest.raises(errors.SpecError, match="config.json: No such file or directory") as raised:
        spec.load(tmp_path)
    assert raised.value.hint == "a bundle is a directory with a config.json"


def test_process_alone_is_checked_as_part_of_a_configuration_is(tmp_path):
    assert spec.process({"args": ["a"], "cwd": "/"})["env"] == []
    with pytest.raises(errors.SpecError, match=r"^process\.args: must not be empty"):
        spec.process({"cwd": "/"})
    (tmp_path / "process").write_text('{"args": ["a"], "cwd": 1}')
    with pytest.raises(errors.SpecError, match=r"^process\.cwd: must be a string, not a number"):
        spec.load_process(tmp_path / "process")


def test_memory_of_any_type_but_a_whole_number_is_refused():
    for value in ("64m", 1.5, True, []):
        assert refusal(changed("linux.resources.memory", {"limit": value})).startswith(
            "linux.resources.memory.limit: must be a number, not ")
