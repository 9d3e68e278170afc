"""labcore reset: everything that the lab made goes, and nothing else."""

import os
import pathlib
import subprocess
import sys

import pytest

LABCORE = pathlib.Path(sys.executable).with_name("labcore")
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="makes containers as root")

# in a mount namespace of its own, where these are empty: what others have on this machine is not there
SCRIPT = """
set -e
for d in /run /var/lib /var/cache; do mount -t tmpfs none $d; done; mkdir /var/lib/other; echo mine > /run/other
"$0" --root /run/labcore run -d --name kept busybox sleep 1000 >/dev/null
"$0" --root /run/labcore run --name ended busybox true
find /run /var/lib /var/cache | sort > "$1/before"
"$0" --root /run/labcore reset --dry-run > "$1/dry"
find /run /var/lib /var/cache | sort > "$1/dry-after"
"$0" --root /run/labcore reset > "$1/out"
find /run /var/lib /var/cache | sort > "$1/after"
"$0" --root /run/labcore reset > "$1/again"
"""


@ROOT_ONLY
def test_reset_removes_what_the_lab_made_and_leaves_the_rest(tmp_path, leaves_no_trace):
    subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, str(LABCORE), str(tmp_path)],
                   check=True, timeout=60)  # fmt: skip
    text = {f.name: f.read_text() for f in tmp_path.iterdir()}
    assert text["dry-after"] == text["before"]
    assert "would remove container   kept" in text["dry"]
    assert all(w in text["before"] for w in ("/run/labcore/kept", "templates/busybox", "/var/cache/labcore/"))
    after = [line for line in text["after"].split() if not line.startswith("/run/mount")]  # mount(8) keeps notes there
    assert after == ["/run", "/run/other", "/var/cache", "/var/lib", "/var/lib/other"]
    assert "removed container   kept" in text["out"] and "left" not in text["out"]
    assert text["again"] == ""
