"""Words about namespaces and IDs, as far as no container is needed; the rest is in tests/oci/test_sharing.py."""

import pytest

from labcore import errors, sharing

ROOT = {"root": True, "uid": 0, "gid": 0}
NOBODY = {"root": False, "uid": 4242, "gid": 4243}


def kinds(facts=ROOT, **options):
    return sharing.namespaces(options, facts)


def test_all_six_are_its_own_unless_said_otherwise():
    assert kinds() == ([{"type": k} for k in ("uts", "ipc", "pid", "network", "mount", "cgroup")], None)
    assert kinds(uts="private", network="none") == kinds()


@pytest.mark.parametrize("kind", ["uts", "ipc", "pid", "network"])
def test_host_leaves_one_out(kind):
    assert {"type": kind} not in kinds(**{kind: "host"})[0] and len(kinds(**{kind: "host"})[0]) == 5


def test_the_hosts_processes_are_only_for_root():
    with pytest.raises(errors.SpecError, match="^--pid host: needs root"):
        kinds(NOBODY, pid="host")


def test_maps_of_root_and_of_an_ordinary_user():
    assert sharing.user_maps(None, ROOT) == sharing.user_maps("host", ROOT) == {}
    one = {"containerID": 0, "hostID": 70000, "size": 1000}
    assert sharing.user_maps("0:70000:1000", ROOT) == {"uidMappings": [one], "gidMappings": [one]}
    assert sharing.user_maps(None, NOBODY)["uidMappings"] == [{"containerID": 0, "hostID": 4242, "size": 1}]
    with pytest.raises(errors.SpecError, match="^--userns host: needs root"):
        sharing.user_maps("host", NOBODY)


def test_auto_begins_above_what_is_given_away(tmp_path, monkeypatch):
    files = {"/etc/subuid": "a:100000:65536\nb:300000:10\n", "/etc/subgid": "a:100000:65536\nbroken\n"}
    for path, text in files.items():
        (tmp_path / path.rpartition("/")[2]).write_text(text)
    grants = sharing.user.grants
    monkeypatch.setattr(sharing.user, "grants", lambda path: grants(str(tmp_path / path.rpartition("/")[2])))
    assert sharing.user_maps("auto", ROOT)["uidMappings"] == [{"containerID": 0, "hostID": 300010, "size": 65536}]


def test_who_does_not_own_a_namespace_sees_the_hosts_file_systems_of_it():
    usual = [{"destination": d, "type": t} for d, t in (("/sys", "sysfs"), ("/dev/mqueue", "mqueue"),
                                                        ("/sys/fs/cgroup", "cgroup"))]  # fmt: skip
    assert sharing.mounts(usual, [], None) == usual
    shared = sharing.mounts(usual, [{"type": "pid"}], [{"containerID": 0, "hostID": 1, "size": 1}])
    assert [(m["destination"], m["type"]) for m in shared] == [("/sys", "bind")]
    assert sharing.mounts(usual, [{"type": "network"}, {"type": "ipc"}], [1]) == usual
