"""Black box: a bundle, a runtime as a process, and a look at what the kernel says.

RUNTIME=crun or RUNTIME=runc in the environment runs the tests marked `oci` (those that say nothing about labcore's
own words and verbs) against another runtime: a red test then tells whether we or the test is wrong.
"""

import os
import pathlib
import subprocess

import pytest

from labcore.image import template
from tests.oci.box import RUNTIME, SILENT, Bundle, Lab, plain
from tests.oci.world import World


def pytest_configure(config):
    config.addinivalue_line("markers", "oci: holds for every OCI runtime, not only for this one")


def pytest_collection_modifyitems(config, items):
    here = pathlib.Path(__file__).parent
    mine = [i for i in items if here in i.path.parents]
    for item in mine:
        if os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root"))
        elif RUNTIME != "labcore" and not item.get_closest_marker("oci"):
            item.add_marker(pytest.mark.skip(reason="is about labcore itself"))


@pytest.fixture
def lab(tmp_path, leaves_no_trace):
    """The runtime. After the test every container goes, and nothing of it may be left."""
    lab = Lab(tmp_path / "states", tmp_path)
    yield lab
    lab.clean()
    assert lab.ids() == []


@pytest.fixture(scope="session")
def busybox(tmp_path_factory):
    """A root file system that tests share and none may change."""
    return pathlib.Path(template.busybox(into=str(tmp_path_factory.mktemp("template"))))


@pytest.fixture
def bundle(tmp_path, busybox):
    """make(args…, copy=False) → Bundle; with copy=True its root file system may be changed."""
    count = 0

    def make(*args, copy=False):
        nonlocal count
        count += 1
        path = tmp_path / f"bundle{count}"
        path.mkdir()
        config = plain(*args)
        config["root"]["path"] = str(busybox)
        if copy:
            subprocess.run(["cp", "-a", busybox, path / "rootfs"], check=True)
            config["root"]["path"] = str(path / "rootfs")
        return Bundle(path, config)

    return make


@pytest.fixture
def run(lab, bundle):
    """run(shell text, edit=None, …) → the output of a container that runs it."""

    def run(text, edit=None, code=0, copy=False, before=None, words=(), **options):
        made = bundle("sh", "-c", text, copy=copy)
        made.config["linux"]["cgroupsPath"] = f"/labcore.{lab.id()}"
        if edit:
            edit(made.config)
        if before:
            before(made.rootfs)
        container_id = lab.id()
        done = lab("run", *words, "--bundle", made.write(), container_id, code=None, **options)
        if container_id in lab.ids():
            lab("delete", "--force", container_id, code=None)
        assert code is None or done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def running(lab, bundle):
    """running(args…) → the ID of a container that was created and started and waits."""

    def running(*args, edit=None, copy=False):
        made = bundle(*(args or ("sleep", "1000")), copy=copy)
        container_id = lab.id()
        made.config["linux"]["cgroupsPath"] = f"/labcore.{container_id}"
        if edit:
            edit(made.config)
        lab("create", "--bundle", made.write(), container_id, **SILENT)
        lab("start", container_id)
        return container_id

    return running


@pytest.fixture
def world(lab):
    """A host of the test's own, in which the runtime lives, and an outside world. After the test it is what it was."""
    made = World(lab)
    yield made
    made.clean()
