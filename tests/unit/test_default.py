"""What `labcore run` asks for when nothing else is said."""

import os

import pytest

from labcore import caps, default, errors, spec

V1 = {"root": True, "uid": 0, "gid": 0, "in_userns": False, "cgroup": 1, "cgroup1": {"memory": "/cg"}, "cgroup2": None}
V2 = V1 | {"cgroup": 2, "cgroup2": "/cg"}
NONE = V1 | {"cgroup": 0, "cgroup1": {}}
NOBODY = {"root": False, "uid": 4242, "gid": 4243, "in_userns": False, "cgroup": 0, "cgroup1": {}, "cgroup2": None}


@pytest.fixture
def rootfs(tmp_path):
    (tmp_path / "bin").mkdir()
    return f"{tmp_path}/"


def config(rootfs, facts=V2, args=("true",), **options):
    return default.config("box", rootfs, list(args), facts, options)


def test_default_is_what_spec_check_would_make_of_it(rootfs):
    assert spec.check(config(rootfs)) == config(rootfs)


def test_program_gets_no_new_privileges_and_few_capabilities(rootfs):
    process = config(rootfs, V1)["process"]
    assert process["noNewPrivileges"] is True
    assert process["capabilities"]["bounding"] == caps.DEFAULT
    assert process["capabilities"]["inheritable"] == process["capabilities"]["ambient"] == []
    assert "CAP_MKNOD" not in config(rootfs, NONE)["process"]["capabilities"]["bounding"]  # no device rules to stop it


def test_seven_namespaces_without_root_six_with(rootfs):
    kinds = [n["type"] for n in config(rootfs)["linux"]["namespaces"]]
    assert sorted(kinds) == ["cgroup", "ipc", "mount", "network", "pid", "uts"]
    assert [n["type"] for n in config(rootfs, NOBODY)["linux"]["namespaces"]][-1] == "user"


def test_ordinary_user_without_subordinate_ids_maps_one_and_gives_up_setgroups(rootfs):
    found = config(rootfs, NOBODY)
    assert found["linux"]["uidMappings"] == [{"containerID": 0, "hostID": 4242, "size": 1}]
    assert found["linux"]["gidMappings"] == [{"containerID": 0, "hostID": 4243, "size": 1}]
    assert found["process"]["user"]["additionalGids"] is None
    pts = next(m for m in found["mounts"] if m["destination"] == "/dev/pts")
    assert "gid=5" not in pts["options"]  # there is no group 5 in such a namespace


def test_options_find_their_fields(rootfs):
    found = config(rootfs, args=[], hostname="h", env=["A=1", "HOME=/x", "NOT_SET_ANYWHERE"], workdir="/w", user="a:b",
                   read_only=True, volume=["/usr:/u:ro"])
    process = found["process"]
    assert (process["args"], process["cwd"], process["user"]["name"]) == (["sh"], "/w", "a:b")
    assert {"A=1", "HOME=/x", "HOSTNAME=h"} <= set(process["env"])
    assert not [e for e in process["env"] if e.startswith("NOT_SET")]
    assert (found["hostname"], found["root"]["readonly"]) == ("h", True)
    assert found["mounts"][-1]["destination"] == "/u" and found["mounts"][-1]["options"][-2:] == ["ro", "rro"]


def test_host_name_is_the_containers_and_fits(rootfs):
    assert config(rootfs)["hostname"] == "box"
    assert len(default.config("n" * 200, rootfs, [], V2, {})["hostname"]) == 63


def test_variable_without_a_value_is_passed_on(rootfs, monkeypatch):
    monkeypatch.setenv("MINE", "x=y")
    assert "MINE=x=y" in config(rootfs, env=["MINE"])["process"]["env"]


@pytest.mark.parametrize("options, said", [
    ({"volume": ["/usr"]}, "--volume '/usr': must be SOURCE:TARGET or SOURCE:TARGET:ro"),
    ({"volume": ["usr:/x"]}, "--volume 'usr:/x': the source must be a path"),
    ({"volume": ["/not/there:/x"]}, "--volume '/not/there:/x': /not/there does not exist"),
    ({"volume": ["/usr:x"]}, "mounts[7].destination: 'x' is not an absolute path"),
    ({"env": ["=x"]}, "--env '=x': has no name"),
    ({"hostname": "h" * 65}, "hostname: 65 bytes, but the kernel takes at most 64"),
    ({"workdir": "tmp"}, "process.cwd: 'tmp' is not an absolute path"),
])  # fmt: skip
def test_refused(options, said, rootfs):
    with pytest.raises(errors.SpecError) as raised:
        config(rootfs, **options)
    assert raised.value.args[0] == said


def test_limits_become_resources(rootfs):
    resources = config(rootfs, memory="64m", cpus="0.5", pids_limit="10")["linux"]["resources"]
    assert resources == {"memory": {"limit": 64 << 20}, "cpu": {"quota": 50000, "period": 100000},
                         "pids": {"limit": 10}, "devices": resources["devices"]}
    for facts in (V1, V2):
        assert config(rootfs, facts)["linux"]["resources"]["devices"][0]["allow"] is False
    for facts in (NONE, NOBODY, V2 | {"in_userns": True}):
        assert config(rootfs, facts)["linux"]["resources"]["devices"] == []


def test_root_file_system_is_a_directory_with_something_in_it(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for name, why in (("none", "does not exist"), ("file", "is not a directory"), ("empty", "is empty")):
        with pytest.raises(errors.SpecError) as raised:
            default.root_of(f"{tmp_path}/{name}")
        assert raised.value.args[0] == f"root file system {tmp_path}/{name}: {why}"
    assert default.root_of(os.path.join(tmp_path, "empty", "..")) == (str(tmp_path), {})


def test_word_without_a_slash_is_a_template():
    with pytest.raises(errors.SpecError, match="image 'debian': there is no such template") as raised:
        default.root_of("debian")
    assert "./debian" in raised.value.hint
