"""Actors: Process, %%on and refused, asked of the kernel. Each test is a fresh notebook."""

import importlib.util
import os
import pathlib

import pytest

spec = importlib.util.spec_from_file_location("launcher_tests", pathlib.Path(__file__).with_name("test_launcher.py"))
launcher_tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(launcher_tests)
notebook = launcher_tests.notebook
pytestmark = [
    pytest.mark.usefixtures("leaves_no_trace"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
CTRL_C = """
        import os, signal, threading, time
        def ctrl_c(after=0.5):
            threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()
"""


def test_a_call_happens_in_the_actor_and_is_seen_from_outside():
    said = notebook("""
        host, alice = Process.host(), Process("alice")
        alice.call(unshare, CLONE_NEWUTS)
        alice.call(sethostname, "shop")
        print(alice.hostname(), host.hostname(), alice.ns("uts") != host.ns("uts"), alice.ns("net") == host.ns("net"))
    """)
    assert said == "shop host True True\n"


def test_values_travel_both_ways_and_what_cannot_is_refused():
    said = notebook("""
        alice = Process("alice")
        def same(*values):
            return values
        print(alice.call(same, 1, "ä", b"\\x00", None, [1.5, (2,)], {3: {4}}))
        for what in (object(), lambda: 1):
            try:
                alice.call(same, what)
            except Exception as error:
                print(type(error).__name__)
        def file():
            return sorted
        try:
            alice.call(file)
        except TypeError as error:
            print(error)
    """)
    assert said.splitlines() == [
        "(1, 'ä', b'\\x00', None, [1.5, (2,)], {3: {4}})",
        "LabError", "LabError",
        "a builtin_function_or_method cannot travel to the notebook: return numbers, text, or lists of them",
    ]  # fmt: skip


def test_refused_prints_one_stable_line_and_fails_when_nothing_was_refused():
    said = notebook("""
        alice = Process("alice")
        with refused(EINVAL):
            alice.call(sethostname, "x" * 65)
        for body in (lambda: None, lambda: alice.call(setns, 999, 0), lambda: 1 / 0):
            try:
                with refused(EPERM):
                    body()
            except NotRefused as error:
                print(error.args[0])
    """)
    assert said.splitlines() == [
        f"refused: sethostname('{'x' * 35}…', 65): Invalid argument (EINVAL)",
        "nothing was refused; expected EPERM",
        "expected EPERM, got EBADF: setns(999, 0): Bad file descriptor",
        "expected EPERM, got ZeroDivisionError: ZeroDivisionError: division by zero",
    ]


def test_an_error_carries_the_line_of_the_learners_own_function():
    said = notebook("""
        def rename(name):
            name = name * 65
            sethostname(name)
        alice = Process("alice")
        try:
            alice.call(rename, "x")
        except OSError as error:
            print(error.errno == EINVAL, error.learner, error._render_traceback_()[-1])
    """)
    assert said == "True (3, 'sethostname(name)')   in alice, line 3: sethostname(name)\n"


def test_a_guarded_call_raises_in_the_notebook():
    said = notebook("""
        for call in (lambda: unshare(CLONE_NEWUTS), lambda: sethostname("x")):
            try:
                call()
            except Exception as error:
                print(error)
    """)
    assert said.splitlines() == [
        "unshare: this would move the notebook itself", "  hint: write alice.call(unshare, CLONE_NEWUTS)",
        "sethostname: this would move the notebook itself", "  hint: write alice.call(sethostname, 'x')",
    ]  # fmt: skip


def test_sh_prints_what_is_printed_and_shows_a_failure():
    said = notebook("""
        alice = Process("alice")
        alice.sh("echo out; echo err >&2; read x || echo no input; exit 3")
        alice.sh("kill -9 $$")
        print(repr(alice.out("printf a")))
        try:
            alice.out("echo why >&2; false")
        except CommandFailed as error:
            print(error)
    """)
    assert said.splitlines() == [
        "out", "err", "no input", "(exit status 3)", "(killed by signal 9, SIGKILL)", "'a'",
        "alice: echo why >&2; false: exit status 1", "  hint: why",
    ]  # fmt: skip


def test_after_clone_newpid_sh_refuses_and_a_fork_is_pid_1_until_it_ends():
    said = notebook("""
        import os
        alice = Process("alice")
        alice.call(unshare, CLONE_NEWPID)
        try:
            alice.sh("true")
        except Exception as error:
            print(error)
        web = alice.fork("web")
        print(web.call(os.getpid), web.pid > 1, web.look()["status"]["NSpid"].split()[-1])
        web.end()
        with refused(ENOMEM):
            alice.fork("later")
    """)
    assert said.splitlines() == [
        "alice: the next child would be PID 1 of the new PID namespace, and a command ends at once",
        '  hint: make a child that stays: box = alice.fork("box"), then box.sh(...)',
        "1 True 1",
        "refused: Cannot allocate memory (ENOMEM)",
    ]


def test_a_name_used_again_ends_the_earlier_process_and_its_children():
    said = notebook("""
        first = Process("alice")
        child, job = first.fork("child"), first.start("sleep 1000")
        Process("alice")
        print(first, child, job.wait.__self__.actor is first)
        from labcore.notebook.process import wait_for
        print(wait_for(job.pidfd, 5))
    """)
    assert said == "<alice, ended> <child, ended> True\nTrue\n"


def test_a_command_in_the_background_can_be_watched_waited_for_and_killed():
    said = notebook("""
        alice = Process("alice")
        job = alice.start("echo here; exit 4")
        print(job.wait(), job.output.strip(), job)
        job = alice.start("exec sleep 1000")
        print(job.wait(0), job)
        job.kill()
        print(job.wait())
    """)
    assert said.splitlines() == [
        "4 here <alice: echo here; exit 4, ended>", "None <alice: exec sleep 1000, running>", "-15",
    ]  # fmt: skip


def test_ctrl_c_ends_the_command_and_not_the_actor():
    said = notebook(CTRL_C + """
        alice = Process("alice")
        def loop():
            while True:
                pass
        for do in (lambda: alice.sh("sleep 1000"), lambda: alice.call(loop)):
            ctrl_c()
            try:
                do()
            except KeyboardInterrupt:
                alice.sh("echo alive")
    """)
    assert said == "alive\nalive\n"


def test_imports_are_refused_once_the_root_has_changed_and_no_planted_module_runs(tmp_path):
    (tmp_path / "wave.py").write_text("open('/ran', 'w')")
    said = notebook(f"""
        alice = Process("alice")
        alice.call(__import__("os").chroot, {str(tmp_path)!r})
        from labcore.notebook.magics import on
        on("alice", "import sys; sys.path.insert(0, '/')")
        for word in ("wave", "json"):
            try:
                on("alice", f"import {{word}}")
            except ImportError as error:
                print(error)
        on("alice", "print('ä'.encode('latin-1'))")
    """)
    refusal = "is not loaded: this process has another / now, and an import would run whatever file lies there"
    assert said.splitlines() == [f"wave {refusal}", f"json {refusal}", "b'\\xe4'"]
    assert not (tmp_path / "ran").exists()


def test_on_runs_a_cell_in_the_actor_and_shows_prints_values_and_the_line_of_an_error():
    said = notebook("""
        from labcore.notebook.magics import on
        alice = Process("alice")
        on("alice", "unshare(CLONE_NEWUTS)\\nsethostname('cell')\\nprint(os.uname().nodename)\\n1 + 1")
        on("alice", "x = 1")
        for cell in ("print(x)", "y = 1\\nsethostname('z' * 65)", "def broken("):
            try:
                on("alice", cell)
            except Exception as error:
                print(type(error).__name__, getattr(error, "learner", ""))
        try:
            on("nobody", "1")
        except Exception as error:
            print(error)
    """)
    assert said.splitlines() == [
        "cell", "2", "NameError (1, 'print(x)')", "OSError (2, \"sethostname('z' * 65)\")", "SyntaxError ",
        "%%on nobody: there is no such process", "  hint: there are: alice",
    ]  # fmt: skip


def test_a_card_says_the_same_every_time():
    script = """
        alice = Process("alice")
        alice.call(unshare, CLONE_NEWUTS)
        print(alice._repr_mimebundle_())
    """
    assert notebook(script) == notebook(script)


def test_ps_knows_an_actor_by_the_notebooks_name_for_it():
    said = notebook("""
        alice = Process("alice")
        shop = alice.fork("a-name-that-is-too-long")
        print(alice.out(f"ps -o comm= -p {alice.pid}; ps -o comm= -p {shop.pid}"))
    """)
    assert said.split() == ["alice", "a-name-that-is-"]


def test_number_1_can_be_ended_although_its_guests_have_parents_outside():
    said = notebook("""
        alice, bob = Process("alice"), Process("bob")
        alice.call(unshare, CLONE_NEWPID)
        first, second = alice.fork("first"), alice.fork("second")
        bob.call(setns, first, CLONE_NEWPID)
        guest = bob.fork("guest")
        first.end()
        print(first.alive, second.alive, guest.alive, alice.alive, bob.alive)
    """)
    assert said == "False False False True True\n"


def test_ending_a_parent_ends_nested_namespaces_with_several_children():
    said = notebook("""
        alice = Process("alice")
        alice.call(unshare, CLONE_NEWPID)
        shop = alice.fork("shop")
        shop.call(unshare, CLONE_NEWPID)
        oven, clock = shop.fork("oven"), shop.fork("clock")
        alice.end()
        print(oven.alive, clock.alive)
    """)
    assert said == "False False\n"


def test_the_family_of_processes_is_read_with_all_numbers():
    said = notebook("""
        alice, bob = Process("alice"), Process("bob")
        alice.call(unshare, CLONE_NEWPID)
        shop = alice.fork("shop")
        shop.call(unshare, CLONE_NEWPID)
        oven = shop.fork("oven")
        bob.call(setns, shop, CLONE_NEWPID)
        guest = bob.fork("guest")
        box = Container("box", command="exec sleep 1000").start()
        while box.look()["status"]["Name"].strip() != "sleep":
            pass
        from labcore.notebook import lineage
        for row in lineage.rows([alice, bob, box]):
            print(*row)
        oven.end()
        print(*lineage.rows([shop])[1])
        print(lineage.rows([oven]))
        box.delete()
    """)
    assert said.splitlines() == [
        "alice 0 [] False", "shop 1 [('A', 1)] False", "oven 2 [('A', 2), ('B', 1)] False",
        "bob 0 [] False", "guest 1 [('A', 3)] False", "box: sleep 0 [('C', 1)] False",
        "oven 1 [('A', 2), ('B', 1)] True", "[]",
    ]  # fmt: skip


def test_an_actor_becomes_a_program_with_the_same_pid_and_takes_no_orders_any_more():
    said = notebook("""
        import os
        host, alice = Process.host(), Process("alice")
        number = alice.pid
        shell = alice.become("read go < /dev/null; echo I am $$; exec sleep 600")
        while "I am" not in shell.output:
            pass
        print(shell.output == f"I am {number}\\n", shell.pid == alice.pid == number, alice.alive, alice.hostname())
        try:
            alice.sh("true")
        except Exception as error:
            print(error)
        print(shell.wait(0))
        shell.kill()
        print(shell.wait(20), alice.alive)
    """)
    assert said.splitlines() == [
        "True True True host", "alice has become a program, and takes no orders any more",
        '  hint: look at it from outside, or make another: Process("alice")', "None", "True False",
    ]  # fmt: skip


def test_what_cannot_be_executed_leaves_the_actor_as_it_was():
    said = notebook("""
        import os
        host, alice = Process.host(), Process("alice")
        host.sh("mount -t tmpfs lab /mnt")
        alice.call(os.chroot, "/mnt")
        try:
            alice.become("true")
        except FileNotFoundError as error:
            print("no shell here")
        print(alice.call(os.listdir, "/"))
    """)
    assert said == "no shell here\n[]\n"


def test_a_root_is_surveyed_from_outside_before_and_after_each_change():
    said = notebook("""
        import os
        from labcore.notebook import roots
        host, alice, bob = Process.host(), Process("alice"), Process("bob")
        host.sh("mount -t tmpfs lab /mnt && mkdir -p /mnt/room/sub")
        def short(who):
            found = roots.facts(who)
            print(*(found[key] for key in ("kind", "path", "mounts", "old", "cwd", "open", "proc")))
        short(bob)
        bob.call(os.chroot, "/mnt/room")
        short(bob)
        alice.call(unshare, CLONE_NEWNS)
        alice.call(mount, None, "/", None, MS_REC | MS_SLAVE)
        alice.call(mount, "/mnt/room", "/mnt/room", None, MS_BIND)
        door = alice.call(os.open, "/", os.O_RDONLY)
        alice.call(os.chdir, "/mnt/room")
        alice.call(pivot_root, ".", ".")
        short(alice)
        alice.call(umount, ".", MNT_DETACH)
        alice.call(mount, "tmpfs", "sub", "tmpfs", MS_RDONLY)
        short(alice)
        alice.call(os.close, door)
        short(alice)
    """)
    tree = "[('/', 'from the host', 'rw')"
    assert said.splitlines() == [
        "host / [] None False 0 host",
        "chroot /mnt/room [] None True 0 None",
        f"own / {tree}] on its / False 1 None",
        f"own / {tree}, ('/sub', 'new tmpfs', 'ro')] None False 1 None",
        f"own / {tree}, ('/sub', 'new tmpfs', 'ro')] None False 0 None",
    ]


def test_code_that_forks_and_forgets_to_end_the_child_is_answered_once():
    said = notebook("""
        import os
        alice = Process("alice")
        def twice():
            if os.fork() == 0:
                1 / 0
            return os.wait()[1]
        print(alice.call(twice), alice.call(os.getpid) == alice.pid, alice.out("echo one"), end="")
    """)
    assert said == "in a forked child: ZeroDivisionError: division by zero\n256 True one\n"


def test_an_actor_that_is_killed_is_missed_also_when_a_child_of_it_keeps_the_line_open():
    said = notebook("""
        import os, signal, threading
        alice = Process("alice")
        def waits():
            child = os.fork()
            while child == 0:
                pass
            os.wait()
        def end():
            while not open(f"/proc/{alice.pid}/task/{alice.pid}/children").read():
                pass
            os.kill(alice.pid, signal.SIGKILL)
        threading.Thread(target=end).start()
        try:
            alice.call(waits)
        except Exception as error:
            print(error)
    """)
    assert said.splitlines()[0] == "alice has ended"
