"""Words that the verbs read themselves."""

import pytest

from labcore import errors, verbs


def test_learners_functions_are_files_named_like_steps(tmp_path):
    (tmp_path / "uts.set_hostname.py").write_text("def set_hostname(name): ...")
    (tmp_path / "notes.py").write_text("")
    (tmp_path / "uts.set_hostname.txt").write_text("")
    assert verbs._mine({"mine": str(tmp_path)}) == {"uts.set_hostname": "def set_hostname(name): ..."}
    assert verbs._mine({}) is None
    with pytest.raises(errors.SpecError, match="--mine .*/none: No such file or directory"):
        verbs._mine({"mine": f"{tmp_path}/none"})


PROCESS = {"args": ["sh"], "env": ["PATH=/bin", "A=1"], "cwd": "/", "terminal": True, "consoleSize": {}, "rlimits": [],
           "user": {"uid": 0, "gid": 0, "umask": 0, "additionalGids": None, "name": None}, "oomScoreAdj": 5,
           "noNewPrivileges": True, "capabilities": {k: [] for k in ("bounding", "effective", "permitted",
                                                                     "inheritable", "ambient")}}  # fmt: skip


def test_exec_is_like_the_container_but_for_what_the_options_say():
    found = verbs._process_like(PROCESS, ["id"], {"env": ["A=2", "B=3"], "workdir": "/w", "user": "1:2"})
    assert (found["args"], found["cwd"], found["env"]) == (["id"], "/w", ["PATH=/bin", "A=2", "B=3"])
    assert (found["user"]["name"], found["terminal"], found["oomScoreAdj"]) == ("1:2", False, None)
    assert found["noNewPrivileges"] is True
    with pytest.raises(errors.SpecError, match="process.cwd: 'w' is not an absolute path"):
        verbs._process_like(PROCESS, ["id"], {"workdir": "w"})
