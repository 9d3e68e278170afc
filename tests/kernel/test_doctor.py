"""Does the doctor say what plain tools say, does it notice a machine that is broken on purpose, and change nothing?

Each broken machine is a throw-away set of namespaces: unshare(1) makes it, the doctor looks, the process ends.
"""

import glob
import json
import os
import shlex
import shutil
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it breaks machines of its own")

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCTOR = [os.path.realpath(sys.executable), "-ISB", "-X", "utf8", "-c",
          f"import sys; sys.path.append({ROOT!r}); from labcore import doctor; sys.exit(doctor.main(sys.argv[1:]))"]
AS_USER = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
DOCTOR_WORDS = " ".join(map(shlex.quote, [*DOCTOR, "--json"]))


def run(argv, **options):
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, **options)


def tell(argv):
    return run(argv, check=True).stdout.strip()


def diagnose(*prefix, before="", then=()):
    """(exit code, {name: finding}) of a doctor behind a prefix such as unshare, shell commands, a second prefix."""
    done = run([*prefix, "sh", "-ec", f"{before}\nexec {' '.join(then)} {DOCTOR_WORDS}"])
    assert not done.stderr, done.stderr
    return done.returncode, {row["name"]: row for row in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def here():
    return diagnose()


def test_kernel_and_architecture_are_those_of_uname(here):
    assert here[1]["kernel"]["found"].startswith(tell(["uname", "-r"]))
    assert here[1]["architecture"]["found"].startswith(tell(["uname", "-m"]))


def test_the_root_is_as_findmnt_says(here):
    assert here[1]["mount /"]["found"].partition(";")[0] == tell(["findmnt", "-no", "PROPAGATION", "/"]).split("\n")[-1]


def test_ip_forward_is_as_sysctl_says(here):
    with open("/proc/sys/net/ipv4/ip_forward") as file:
        assert here[1]["ip_forward"]["found"][0] == file.read(1)


def test_the_cgroup_mode_is_as_stat_says(here):
    top = tell(["stat", "-f", "-c", "%T", "/sys/fs/cgroup"])
    unified = os.path.isdir("/sys/fs/cgroup/unified")
    assert here[1]["cgroups"]["found"] == ("v2" if top == "cgroup2fs" else "hybrid" if unified else "v1")


def test_tools_are_where_the_shell_finds_them(here):
    for name in ("ip", "unshare", "mount"):
        assert os.path.samefile(here[1][name]["found"], tell(["sh", "-c", f"command -v {name}"]))


def test_every_kind_the_kernel_shows_has_its_line(here):
    shown = {os.path.basename(path) for path in glob.glob("/proc/self/ns/*") if "children" not in path}
    assert {name.split()[1] for name in here[1] if name.startswith("namespace ")} >= shown


@pytest.mark.parametrize("prefix", [[], AS_USER], ids=["root", "uid-1000"])
def test_every_finding_that_is_not_ok_has_a_fix(prefix):
    code, found = diagnose(*prefix)
    assert code == (1 if any(row["status"] == "missing" for row in found.values()) else 0)
    assert [name for name, row in found.items() if bool(row["fix"]) != (row["status"] != "ok")] == []


def test_root_and_an_ordinary_user_read_the_same_summary():
    argv = [*DOCTOR[:-1], DOCTOR[-1].partition("sys.exit")[0] + "print(doctor.summary(doctor.findings()))"]
    assert tell(argv) == tell([*AS_USER, *argv])
    assert not any(letter.isdigit() for letter in tell(argv))


def marks():
    """What a doctor could disturb: settings, rules, mounts, the host name."""
    commands = ("sysctl net.ipv4.ip_forward; sysctl -a --pattern '^(user|vm.memfd)'", "nft list ruleset",
                "cat /proc/self/mountinfo /proc/net/ip_tables_names", "hostname; ulimit -a; umask")
    return {command: run(["sh", "-c", command]).stdout for command in commands}


@pytest.mark.parametrize("prefix", [[], AS_USER], ids=["root", "uid-1000"])
def test_it_changes_nothing(prefix):
    def children():
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return file.read()
    before, mine = marks(), children()
    diagnose(*prefix)
    assert marks() == before
    assert children() == mine


@pytest.mark.parametrize("prefix", [[], AS_USER], ids=["root", "uid-1000"])
def test_it_writes_to_nothing_but_the_id_maps_of_its_own_children(prefix, tmp_path):
    log = tmp_path / "log"
    calls = "openat,open,creat,mkdir,mkdirat,unlink,unlinkat,rename,symlink,chmod,fchmodat,chown,fchownat"
    # strace stays root, or sudo could not become root under it.
    run(["strace", "-f", "-qq", "-o", str(log), "-e", f"trace=?{',?'.join(calls.split(','))}", *prefix, *DOCTOR],
        check=True)
    calls = [line for line in log.read_text().splitlines() if "(" in line and "ENOENT" not in line and
             ("open" not in line or any(word in line for word in ("O_WRONLY", "O_RDWR", "O_CREAT")))]
    allowed = ("/dev/null", "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups", "/dev/tty")
    assert [line for line in calls if not any(f'"{path}"' in line for path in allowed)] == []


def test_in_process_it_leaves_no_descriptor_and_no_child():
    from labcore import doctor
    before = sorted(os.listdir("/proc/self/fd"))
    doctor.findings()
    assert sorted(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_it_does_not_register_a_legacy_table():
    done = run(["unshare", "--net", "sh", "-c", f"{DOCTOR_WORDS} >/dev/null; cat /proc/net/ip_tables_names"])
    assert done.stdout == ""


def test_it_takes_less_than_a_second():
    start = time.monotonic()
    diagnose()
    assert time.monotonic() - start < 1


def test_without_cgroups_it_is_a_note_and_names_the_lessons():
    code, found = diagnose("unshare", "--mount", before="umount -l -R /sys/fs/cgroup")
    assert code == 0
    assert found["cgroups"] | {"fix": ""} == {
        "name": "cgroups", "status": "note", "found": "none is mounted; limits 08 and 09", "fix": ""}
    assert found["limits"]["status"] == "note"


def test_without_proc_it_still_answers():
    code, found = diagnose("unshare", "--mount", before="umount -l -R /proc")
    assert code == 1 and found["namespace uts"]["status"] == "missing"


@pytest.mark.parametrize("environment", [{}, {"PATH": ""}, {"PATH": "/nowhere", "LANG": "xx_YY.latin1", "HOME": "/no"}],
                         ids=["empty", "empty-PATH", "odd"])
def test_in_an_odd_environment_it_says_the_same(environment, here):
    done = run([*DOCTOR, "--json"], env=environment)
    rows = {row["name"]: row["status"] for row in json.loads(done.stdout)}
    assert rows == {name: row["status"] for name, row in here[1].items()}


def test_with_closed_standard_descriptors_it_says_the_same():
    assert run(["sh", "-c", f"{DOCTOR_WORDS} <&- 2>&-"]).returncode == 0


@pytest.mark.parametrize("hide", ["mount --bind /dev/null", "mount --bind /usr/bin/env"], ids=["no-program", "dynamic"])
def test_a_busybox_that_is_not_static_blocks_the_lab(hide, here):
    busybox = here[1]["busybox"]["found"].partition(":")[0]
    code, found = diagnose("unshare", "--mount", before=f"{hide} {busybox}")
    assert code == 1
    assert found["busybox"]["status"] == "missing" and "busybox-static" in found["busybox"]["fix"]


def test_a_forward_policy_of_drop_is_seen_and_its_fix_mends_it():
    chain = "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }"
    drop = f"nft 'add table ip filter; {chain}'"
    _, found = diagnose("unshare", "--net", before=drop)
    assert found["forward policy"]["status"] == "note"
    _, mended = diagnose("unshare", "--net", before=f"{drop}\n{found['forward policy']['fix']}")
    assert mended["forward policy"]["found"] == "accept"


def test_a_policy_in_the_legacy_tables_is_seen_too():
    if run(["unshare", "--net", "iptables-legacy", "-S", "FORWARD"]).returncode:
        pytest.skip("this kernel has no legacy tables")
    _, found = diagnose("unshare", "--net", before="iptables-legacy -P FORWARD DROP")
    assert found["forward policy"]["status"] == "note"
    assert found["forward policy"]["fix"] == "iptables-legacy -P FORWARD ACCEPT"


def test_ip_forward_is_the_one_of_this_network_namespace():
    _, found = diagnose("unshare", "--net", before="echo 1 >/proc/sys/net/ipv4/ip_forward")
    assert found["ip_forward"]["found"] == "1: on"


def test_a_user_namespace_without_further_ones_is_no_way_into_the_lab():
    before = "echo 0 >/proc/sys/user/max_user_namespaces"
    code, found = diagnose("unshare", "--user", "--map-root-user", before=before)
    assert "user.max_user_namespaces is 0" in found["user namespaces"]["found"]
    assert "sysctl -w user.max_user_namespaces=" in found["user namespaces"]["fix"]
    # root in there still makes the other kinds: a way in, and the doctor says of which sort
    assert code == 0 and "root of a user namespace" in found["privilege"]["found"]


def test_a_masked_proc_keeps_an_ordinary_user_from_a_proc_of_their_own():
    code, found = diagnose("unshare", "--mount", before="mount --bind /dev/null /proc/version")
    assert code == 0
    assert found["user namespaces"]["status"] == "note" and "masked" in found["user namespaces"]["found"]
    assert found["privilege"]["found"] == "root"


def test_without_root_and_with_a_masked_proc_the_lab_is_blocked():
    before = "mount --bind /dev/null /proc/version\n! sudo=$(command -v sudo) || mount --bind /dev/null $sudo"
    code, found = diagnose("unshare", "--mount", before=before, then=AS_USER)
    assert code == 1
    assert found["privilege"]["status"] == "missing"


@pytest.mark.skipif(not shutil.which("sudo"), reason="needs sudo")
def test_sudo_is_missed_and_its_fix_mends_it():
    empty = "mount -t tmpfs -o mode=755 tmpfs /etc/sudoers.d"
    _, found = diagnose("unshare", "--mount", before=empty, then=AS_USER)
    assert found["sudo"]["status"] == "note"
    fix = found["sudo"]["fix"].removeprefix("as root: ")
    _, mended = diagnose("unshare", "--mount", before=f"{empty}\n{fix}", then=AS_USER)
    assert mended["sudo"]["found"] == "`sudo -n` gives root"
    assert mended["privilege"]["found"] == "root (sudo); rootless works too"
    assert mended["namespace uts"]["found"] == "made as root (sudo) and as uid 1000"
    assert mended["forward policy"]["status"] == "ok"


def test_a_capability_that_root_lacks_is_named():
    _, found = diagnose("setpriv", "--bounding-set=-mknod", "--inh-caps=-mknod")
    assert "CAP_MKNOD (no device nodes)" in found["capabilities"]["found"]


def test_root_without_cap_sys_admin_cannot_run_the_lab_but_an_ordinary_user_can():
    _, found = diagnose("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
    assert found["namespace uts"]["found"] == "made as uid 1000; as root: Operation not permitted"
    assert found["namespace user"]["found"] == "made as root and as uid 1000"


@pytest.mark.skipif(not os.path.exists("/proc/sys/vm/memfd_noexec"), reason="needs Linux 6.3")
def test_forbidden_memory_files_block_the_lab():
    # The setting belongs to a PID namespace: ours keeps its own.
    code, found = diagnose("unshare", "--pid", "--fork", "--mount-proc", before="echo 2 >/proc/sys/vm/memfd_noexec")
    assert code == 1
    assert found["memfd"]["status"] == "missing" and "vm.memfd_noexec=1" in found["memfd"]["fix"]
