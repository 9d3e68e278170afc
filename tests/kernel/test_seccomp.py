"""Profiles compiled by libseccomp, what the programs answer, and what the kernel makes of them."""

import errno
import os
import pathlib
import signal

import pytest

from labcore import caps, errors, profile, seccomp, shelf, syscalls

NATIVE = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}[os.uname().machine]
ALLOW = {"defaultAction": "SCMP_ACT_ALLOW"}
KILLED, TRAPPED, LOGGED = 0x80000000, 0x30000, 0x7FFC0000


def rules(*entries, **more):
    return ALLOW | {"syscalls": list(entries)} | more


def deny(names, action="SCMP_ACT_ERRNO", **more):
    return {"names": names.split(), "action": action, **more}


def when(index, op, value, second=0):
    return {"index": index, "op": f"SCMP_CMP_{op}", "value": value, "valueTwo": second}


def program(value, needed=None):
    seccomp.check(value)
    return bytes.fromhex(seccomp.compile(value, needed or {}, None)["filter"])


@pytest.fixture(scope="module")
def library():
    return syscalls.libseccomp()


@pytest.fixture
def ask(library):
    """ask(profile, name, *arguments): what its filter says to this call."""
    def ask(value, name, *arguments):
        number = library.seccomp_syscall_resolve_name(name.encode())
        return seccomp.answer(program(value), library.seccomp_arch_native(), number, arguments)

    return ask


# -- what the program says ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action, more, said", [
    ("ERRNO", {}, 0x50001), ("ERRNO", {"errnoRet": 38}, 0x50026), ("ERRNO", {"errnoRet": 0}, 0x50000),
    ("KILL", {}, 0), ("KILL_THREAD", {}, 0), ("KILL_PROCESS", {}, KILLED), ("TRAP", {}, TRAPPED), ("LOG", {}, LOGGED),
    ("TRACE", {}, 0x7FF00001), ("TRACE", {"errnoRet": 5}, 0x7FF00005), ("NOTIFY", {}, 0x7FC00000),
])  # fmt: skip
def test_every_action(ask, action, more, said):
    value = rules(deny("mkdirat", f"SCMP_ACT_{action}", **more), listenerPath="/agent")
    assert ask(value, "mkdirat") == said
    assert ask(value, "unlinkat") == seccomp.ALLOW


@pytest.mark.parametrize("action, said", [("ERRNO", 0x50001), ("KILL", 0), ("LOG", LOGGED), ("TRACE", 0x7FF00001)])
def test_every_default(ask, action, said):
    value = {"defaultAction": f"SCMP_ACT_{action}", "syscalls": [deny("read", "SCMP_ACT_ALLOW")]}
    assert (ask(value, "read"), ask(value, "write")) == (seccomp.ALLOW, said)


@pytest.mark.parametrize("op, matching, others", [
    ("EQ", (7,), (6, 8, 1 << 32 | 7)), ("NE", (6, 8, 1 << 40), (7,)), ("LT", (0, 6), (7, 8, 1 << 33)),
    ("LE", (0, 7), (8, 1 << 63)), ("GT", (8, 1 << 32), (7, 0)), ("GE", (7, 1 << 60), (6, 0)),
])
@pytest.mark.parametrize("index", [0, 5])
def test_every_operator_on_all_64_bits(ask, op, matching, others, index):
    value = rules(deny("pwritev2", args=[when(index, op, 7)]))
    before = [7 ^ 1] * index
    assert {ask(value, "pwritev2", *before, n) for n in matching} == {0x50001}
    assert {ask(value, "pwritev2", *before, n) for n in others} == {seccomp.ALLOW}


def test_a_mask_is_the_first_value_and_what_must_be_left_of_it_the_second(ask):
    value = rules(deny("ioctl", args=[when(1, "MASKED_EQ", 0xF0, 0x20)]))
    assert [ask(value, "ioctl", 0, n) & 0xFFFF for n in (0x20, 0x2F, 0x30, 0x0)] == [1, 1, 0, 0]


def test_conditions_on_different_arguments_must_all_hold_and_on_the_same_one_any(ask):
    both = rules(deny("socket", args=[when(0, "EQ", 1), when(1, "EQ", 2)]))
    assert [ask(both, "socket", *a) & 0xFFFF for a in ((1, 2), (1, 3), (0, 2))] == [1, 0, 0]
    either = rules(deny("socket", args=[when(0, "EQ", 1), when(0, "EQ", 2)]))
    assert [ask(either, "socket", n) & 0xFFFF for n in (1, 2, 3)] == [1, 1, 0]


def test_other_architectures_are_killed_unless_they_are_named(library):
    value = rules(deny("mkdir"))
    other = {"SCMP_ARCH_X86_64": ("x86", 39), "SCMP_ARCH_AARCH64": ("arm", 39)}[NATIVE]  # mkdir is 39 on both
    token = library.seccomp_arch_resolve_name(other[0].encode())
    assert seccomp.answer(program(value), token, other[1], ()) == 0
    value["architectures"] = [NATIVE, f"SCMP_ARCH_{other[0].upper()}"]
    assert seccomp.answer(program(value), token, other[1], ()) == 0x50001


def test_an_architecture_that_does_not_go_with_this_one_is_named():
    with pytest.raises(errors.SpecError, match=r"^linux\.seccomp\.architectures\[0\]: SCMP_ARCH_S390X does not go"):
        program(rules(architectures=["SCMP_ARCH_S390X"]))


def test_an_unknown_call_may_be_left_out_only_where_that_allows_nothing(ask):
    strict = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [deny("read levitate", "SCMP_ACT_ALLOW")]}
    assert (ask(strict, "read"), ask(strict, "write")) == (seccomp.ALLOW, 0x50001)
    with pytest.raises(errors.SpecError, match=r"syscalls\[0\]\.names\[1\]: this libseccomp knows no call 'levitate'"):
        program(rules(deny("read levitate")))


def test_a_filter_that_would_stop_its_own_installer_is_refused():
    for missing in seccomp.LAST:
        names = " ".join(n for n in seccomp.LAST if n != missing)
        value = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [deny(names, "SCMP_ACT_ALLOW")]}
        with pytest.raises(errors.SpecError, match=f"the filter lets no {missing} pass"):
            program(value, seccomp.LAST)
    with pytest.raises(errors.SpecError, match="the filter lets no sendmsg pass"):
        program(rules(deny("sendmsg", "SCMP_ACT_NOTIFY"), listenerPath="/agent"), seccomp.TELL)
    program(rules(deny("execve", "SCMP_ACT_NOTIFY"), listenerPath="/agent"), seccomp.LAST)  # somebody will answer


# -- the usual profile -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def usual(library):
    """usual(capabilities)(name, *arguments) → allow, or an errno."""
    def usual(capabilities=()):
        made = program(profile.usual(capabilities, os.uname().machine), seccomp.LAST | seccomp.DROP | seccomp.TELL)

        def ask(name, *arguments):
            number = library.seccomp_syscall_resolve_name(name.encode())
            said = seccomp.answer(made, library.seccomp_arch_native(), number, arguments)
            return "allow" if said == seccomp.ALLOW else errno.errorcode[said - 0x50000]

        return ask

    return usual


def test_the_usual_profile_asks_for_capabilities(usual):
    little, much = usual(), usual(list(caps.BITS))
    for name in ("mount", "unshare", "setns", "bpf", "reboot", "chroot", "init_module", "settimeofday", "syslog"):
        assert (little(name), much(name)) == ("EPERM", "allow"), name
    for name in ("keyctl", "add_key", "io_uring_setup", "kexec_load", "userfaultfd", "pivot_root"):
        assert (little(name), much(name)) == ("EPERM", "EPERM"), name
    for name in ("read", "openat2", "clone", "execve", "ptrace", "futex_waitv", "landlock_create_ruleset", "rseq"):
        assert (little(name), much(name)) == ("allow", "allow"), name


def test_the_usual_profile_compares_arguments(usual):
    ask = usual()
    assert [ask("socket", n) for n in (1, 2, 10, 16, 17, 39, 41)] == ["allow"] * 7
    assert [ask("socket", n) for n in (38, 40)] == ["EPERM", "EPERM"]
    assert [ask("personality", n) for n in profile.PERSONALITIES] == ["allow"] * 5
    assert ask("personality", 0x40000) == "ENOSYS"
    assert [ask("clone", f) for f in (17, 0x1200011, 0x3D0F00)] == ["allow"] * 3
    assert {ask("clone", f | 17) for f in (*profile.NEW_NAMESPACES, 0x10020000)} == {"EPERM"}
    assert (ask("clone3"), usual(["CAP_SYS_ADMIN"])("clone3")) == ("ENOSYS", "allow")


def test_a_search_tree_answers_as_the_plain_list_does(library, monkeypatch):
    """libseccomp's optimizer is trusted with the usual profile; here it is compared, call by call."""
    value = profile.usual(caps.DEFAULT, os.uname().machine)
    tree = program(value)
    monkeypatch.setattr(seccomp, "_OPTIMIZE", 7)  # another attribute, which a filter that is not loaded never uses
    plain = program(value)
    assert tree != plain
    tokens = [library.seccomp_arch_resolve_name(n.removeprefix("SCMP_ARCH_").lower().encode())
              for n in value["architectures"]]  # fmt: skip
    arguments = [(n,) for n in (0, 8, 38, 39, 40, 41, 0x20000, 0x10000000, 0x7E020000, 0xFFFFFFFF, 1 << 32)]
    for token in {t for t in tokens if t} | {0x1234}:
        for number in [*range(480), 0x40000000, 0x40000001, 0x40000200, 0xFFFFFFFF]:
            for some in arguments if number in (41, 56, 135, 92, 198, 220, 359, 120, 136) else [()]:
                assert seccomp.answer(tree, token, number, some) == seccomp.answer(plain, token, number, some)


# -- the cache ---------------------------------------------------------------------------------------------------------


def test_a_program_is_compiled_once(tmp_path, monkeypatch):
    place, value = str(tmp_path / "cache"), rules(deny("mkdir"))
    first = seccomp.compile(value, {}, place)
    monkeypatch.setattr(syscalls, "libseccomp", lambda: pytest.fail("compiled again"))
    assert seccomp.compile(value, {}, place) == first


@pytest.mark.parametrize("change", [
    lambda m, v: v["syscalls"][0].update(errnoRet=2), lambda m, v: m.setattr(seccomp, "_version", lambda _: "other"),
    lambda m, v: m.setattr(os, "uname", lambda: os.uname_result(("Linux", "h", "9.9", "#1", "x86_64"))),
])  # fmt: skip
def test_another_profile_library_or_kernel_gets_its_own(tmp_path, monkeypatch, change):
    place, value = str(tmp_path / "cache"), rules(deny("mkdir"))
    seccomp.compile(value, {}, place)
    change(monkeypatch, value)
    seccomp.compile(value, {}, place)
    assert len(os.listdir(place)) == 2


def test_a_filter_that_is_refused_is_not_kept(tmp_path):
    with pytest.raises(errors.SpecError):
        seccomp.compile({"defaultAction": "SCMP_ACT_KILL"}, seccomp.LAST, str(tmp_path / "cache"))
    assert os.listdir(tmp_path / "cache") == []


def test_a_damaged_program_is_compiled_again(tmp_path):
    place, value = tmp_path / "cache", rules(deny("mkdir"))
    first = seccomp.compile(value, {}, str(place))
    (file,) = place.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:32] + program(ALLOW))  # allows everything
    assert seccomp.compile(value, {}, str(place)) == first and file.read_bytes() == whole


def test_without_libseccomp_nothing_runs_unfiltered(monkeypatch):
    monkeypatch.setattr(syscalls.ctypes, "CDLL", lambda name: (_ for _ in ()).throw(OSError(f"{name}: no such file")))
    with pytest.raises(errors.HostError, match="no libseccomp.so.2 on this machine"):
        seccomp.compile(ALLOW, {}, None)
    assert shelf.recall(None, b"") is None


# -- the kernel --------------------------------------------------------------------------------------------------------


def status(word):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(f"{word}:"))


def test_the_kernel_takes_the_program(child):
    made = program(rules(deny("sethostname", errnoRet=errno.EXDEV)))

    def inside():
        before = status("Seccomp")
        seccomp.install(made.hex(), 0)
        try:
            syscalls.sethostname("x")
        except OSError as error:
            return before, status("Seccomp"), error.errno
        return None

    assert child(inside, "uts") == ["0", "2", errno.EXDEV]


@pytest.mark.parametrize("flag", ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
                                  "SECCOMP_FILTER_FLAG_SPEC_ALLOW"])  # fmt: skip
def test_every_flag_is_known_to_the_kernel(child, flag):
    made = program(rules(deny("mkdir"))).hex()
    assert child(lambda: (seccomp.install(made, seccomp.FLAGS[flag]), status("Seccomp"))[1]) == "2"


def test_a_flag_that_the_kernel_does_not_know_is_refused_with_the_call(child, refusal):
    made = program(ALLOW).hex()
    assert child(lambda: refusal(seccomp.install, made, 1 << 30)) == [
        "OSError", f"seccomp(1, {1 << 30}, {{…}}): Invalid argument"]  # fmt: skip


def test_without_privileges_it_needs_no_new_privs(child, refusal):
    made = program(ALLOW).hex()

    def inside():
        os.setresuid(1000, 1000, 1000)
        first = refusal(seccomp.install, made, 0)[1]
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        seccomp.install(made, 0)
        return first, status("Seccomp")

    text, mode = child(inside)
    assert text.endswith("Permission denied") and mode == "2"


def test_another_user_has_to_regain_what_it_may(child):
    made = program(ALLOW).hex()

    def inside():
        caps.keep_over_setuid()
        os.setresuid(1000, 1000, 1000)
        before = syscalls.capget()[0]
        caps.regain()
        seccomp.install(made, 0)
        caps.set(0, 0, 0, 0)
        return before, syscalls.capget()[:2], status("Seccomp"), status("NoNewPrivs")

    assert child(inside) == [0, [0, 0], "2", "0"]


@pytest.mark.parametrize("action", ["KILL", "KILL_THREAD", "KILL_PROCESS"])
def test_kill_kills(action):
    made = program(rules(deny("sethostname", f"SCMP_ACT_{action}"))).hex()
    pid = os.fork()
    if pid == 0:
        try:
            syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
            syscalls.prctl(4, 0)  # no core file
            seccomp.install(made, 0)
            syscalls.sethostname("x" * 65)  # too long: changes nothing even when it is not stopped
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGSYS


def test_a_listener_comes_back_as_a_descriptor(child):
    made = program(rules(deny("mkdir", "SCMP_ACT_NOTIFY"), listenerPath="/agent")).hex()

    def inside():
        found = seccomp.install(made, syscalls.SECCOMP_FILTER_FLAG_NEW_LISTENER)
        return type(found["notify"]).__name__, os.readlink(f"/proc/self/fd/{found['notify']}")

    assert child(inside) == ["Descriptor", "anon_inode:seccomp notify"]
