"""The house rules, read from the source. CONTRIBUTING gives the reasons; an exception here carries its own."""

import ast
import functools
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
LABCORE = ROOT / "labcore"

# ---- the map of the house: a new module finds its floor here ----------------------------------------------------

MECHANISMS = {  # one thing of the kernel each; plan.py introduces them to each other
    "namespace", "uts", "ipc", "pid", "net", "mount", "user", "rootfs", "cgroup1", "cgroup2", "caps", "seccomp",
    "rlimit", "sysctl", "device", "process", "tty", "hooks",
}  # fmt: skip
# what mechanisms stand on
GROUND = {
    "errors", "syscalls", "step", "jsonfile", "wire", "inroot", "cgroupfs", "trampoline", "detached", "lease", "bpf",
    "shelf",
}
FLOORS = [
    {"errors"},
    {"syscalls", "jsonfile", "shelf"},
    {"step", "inroot", "detached", "trampoline"},
    {"cgroupfs", "lease", "bpf"},
    {"wire"},
    MECHANISMS,
    {"resources"},
    {"spec", "state", "facts"},
    {"helper", "monitor", "attach", "options"},
    {"plan", "walk"},
    {"runtime"},
    {"machine", "image", "engine"},
    {"doctor"},
    {"sharing", "profile", "limits"},
    {"default"},
    {"labhost"},
    {"actor", "walker"},
    {"launcher", "reset", "sealed"},
    {"usage"},
    {"oci", "networks", "control"},
    {"verbs"},
    {"cli"},
    {"notebook"},
]
# (importer, imported) → why this one may go sideways
SIDEWAYS = {
    ("engine", "image"): "an engine runs images",
}

# ---- exceptions, each with its reason ---------------------------------------------------------------------------

LONGEST_MODULE, LONGEST_FUNCTION, RUNTIME_PATH = 300, 40, 4300
LONG_MODULES = {  # "name.py": (lines allowed, "why")
    "syscalls.py": (560, "a list: one short function for each system call"),
    "doctor.py": (350, "a list: one short function for each finding"),
}
LONG_FUNCTIONS = {}  # "name.py:function": (lines allowed, "why")
NOT_RUNTIME_PATH = {
    **dict.fromkeys(["cli", "verbs", "oci", "options", "default", "sharing", "attach", "sealed"], "the command line"),
    "profile": "data: what engines allow by default",
    **dict.fromkeys(["limits", "control", "networks"], "the command line"),
    **dict.fromkeys(["launcher", "labhost", "actor", "walker"], "the notebooks' root side"),
    **dict.fromkeys(["doctor", "machine"], "looks at the machine; no container needs it"),
    "usage": "looks at a container; none needs it",
    "reset": "tidies up; no container needs it",
}
FORKING = {"helper.py", "launcher.py", "monitor.py"}
SPAWNING = {  # file → why it may start another program without fork
    "net.py": "ip and nft: what is done to the host's network is said in words that a learner can retype",
    "machine.py": "asks the tools that it looks for about their versions",
    "image/template.py": "asks busybox which commands it has",
    "user.py": "newuidmap and newgidmap are setuid programs: nothing else may write these maps for an ordinary user",
    "notebook/link.py": "starts the launcher with posix_spawn",
    "notebook/machine.py": "a command of the lesson on the real machine: vfork and execve at once",
    "notebook/running.py": "runs nbval on a learner's notebook, in a process with threads",
}
MIRRORED_ELSEWHERE = {"__init__": "says nothing"}

# What `labcore run` must not load: each costs milliseconds, or is a door into the image once the root has changed.
HEAVY = {
    "argparse", "ast", "asyncio", "base64", "bdb", "calendar", "cmd", "concurrent", "configparser", "contextlib",
    "copy", "csv", "dataclasses", "datetime", "decimal", "dis", "email", "enum", "fnmatch", "functools", "getopt",
    "getpass", "gettext", "glob", "hashlib", "http", "importlib.metadata", "importlib.resources", "importlib.util",
    "inspect", "ipaddress", "json", "linecache", "locale", "logging", "multiprocessing", "optparse", "pathlib", "pdb",
    "pickle", "platform", "pprint", "pwd", "queue", "random", "re", "secrets", "selectors", "shlex", "shutil", "signal",
    "site", "socket", "sqlite3", "ssl", "statistics", "string", "subprocess", "sysconfig", "tempfile", "textwrap",
    "threading", "token", "tokenize", "traceback", "typing", "unittest", "urllib", "uuid", "xml", "zipfile",
}  # fmt: skip
RUN = ["cli", "verbs", "options", "default", "attach", "image.template", "runtime", "plan", "walk", "helper", "monitor"]


def modules(under=LABCORE):
    return sorted(p for p in under.rglob("*.py") if "__pycache__" not in p.parts)


def name(path):
    return path.relative_to(LABCORE).as_posix()


def area(path):
    """The floor's word for a file: uts.py → uts, image/layer.py → image."""
    return path.relative_to(LABCORE).parts[0].removesuffix(".py")


@functools.cache
def tree(path):
    return ast.parse(path.read_text("utf-8"), path.name)


def ours(found):
    """image.template → image: what stands on a floor is a module, or a folder."""
    return found.split(".")[0]


@functools.cache
def imports(path):
    """(line, what) for each import, wherever it stands; labcore's own without `labcore.` and with a leading dot."""
    return list(each_import(path))


def each_import(path):
    package = ["labcore", *path.relative_to(LABCORE).parts[:-1]]
    for node in nodes(path):
        if isinstance(node, ast.Import):
            full = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            base = ".".join(filter(None, [base, node.module]))
            full = [f"{base}.{a.name}" for a in node.names] if base == "labcore" else [base]
        else:
            continue
        for what in full:
            yield node.lineno, what.removeprefix("labcore") if what.startswith("labcore.") else what


def own_imports(path):
    for line, what in imports(path):
        if what.startswith("."):
            yield line, ours(what[1:])


def floor(word):
    for number, words in enumerate(FLOORS):
        if word in words:
            return number
    return None


@functools.cache
def nodes(path):
    return list(ast.walk(tree(path)))


@functools.cache
def functions(path):
    return [n for n in nodes(path) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(node):
    return node.end_lineno - node.lineno + 1


def code_lines(path):
    """Lines with code or docstring on them: neither blank nor only a comment."""
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    return sum(1 for line in lines if line and not line.startswith("#"))


def none(findings):
    findings = list(findings)
    assert not findings, "\n" + "\n".join(findings)


# ---- imports go one way -----------------------------------------------------------------------------------------


def test_every_module_has_its_floor():
    none(f"{name(p)}: add it to FLOORS" for p in modules() if area(p) != "__init__" and floor(area(p)) is None)


def test_imports_go_down():
    none(
        f"{name(path)}:{line} imports {what}, which is not below it"
        for path in modules()
        for line, what in own_imports(path)
        if what != area(path)
        and (area(path), what) not in SIDEWAYS
        and None not in (floor(area(path)), floor(what))
        and floor(what) >= floor(area(path))
    )


def test_mechanisms_import_only_the_ground():
    none(
        f"{name(path)}:{line} imports {what}: mechanisms meet in plan.py only"
        for path in modules()
        if area(path) in MECHANISMS
        for line, what in own_imports(path)
        if what not in GROUND
    )


def test_nothing_outside_notebook_imports_notebook():
    none(
        f"{name(path)}:{line}"
        for path in modules()
        if area(path) != "notebook"
        for line, what in own_imports(path)
        if what == "notebook"
    )


def test_only_notebook_and_image_use_other_peoples_packages():
    none(
        f"{name(path)}:{line} imports {what}"
        for path in modules()
        if area(path) not in {"notebook", "image"}
        for line, what in imports(path)
        if not what.startswith(".") and what != "labcore" and what.split(".")[0] not in sys.stdlib_module_names
    )


def test_only_syscalls_imports_ctypes():
    none(
        f"{name(path)}:{line}"
        for path in modules()
        for line, what in imports(path)
        if what.split(".")[0] in {"ctypes", "_ctypes"} and name(path) != "syscalls.py"
    )


# ---- who starts processes ---------------------------------------------------------------------------------------


@functools.cache
def calls(path):
    """(line, `module.function`) for each call through a name."""
    return list(each_call(path))


def each_call(path):
    for node in nodes(path):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                yield node.lineno, f"{node.func.value.id}.{node.func.attr}"
            elif isinstance(node.func, ast.Name):
                yield node.lineno, node.func.id


def test_only_helper_launcher_and_monitor_fork():
    fork = re.compile(r"(os\.fork(pty)?|pty\.(fork|spawn)|(syscalls\.)?(clone3?|v?fork)(_\w+)?|_posixsubprocess\..*)$")
    none(
        f"{name(path)}:{line} calls {what}"
        for path in modules()
        if name(path) not in FORKING | {"syscalls.py"}
        for line, what in calls(path)
        if fork.match(what)
    )


def test_only_named_places_start_other_programs():
    start = re.compile(r"(os\.(posix_spawnp?|spawn\w+|system|popen)|subprocess\.\w+|multiprocessing\.\w+)$")
    none(
        f"{name(path)}:{line} calls {what}: fork belongs to {', '.join(sorted(FORKING))}; else name it in SPAWNING"
        for path in modules()
        if name(path) not in FORKING | set(SPAWNING)
        for line, what in calls(path)
        if start.match(what)
    )


# ---- names, sizes, words ----------------------------------------------------------------------------------------


def test_no_module_is_a_drawer_for_odds_and_ends():
    none(name(p) for p in modules() if re.search(r"util|common|manager|misc|helpers", p.stem))


def test_modules_are_short():
    none(
        f"{name(path)}: {lines} lines, {allowed} allowed"
        for path in modules()
        for lines in [len(path.read_text("utf-8").splitlines())]
        for allowed in [LONG_MODULES.get(name(path), (LONGEST_MODULE,))[0]]
        if lines > allowed
    )


def test_functions_are_short():
    none(
        f"{name(path)}:{node.lineno} {node.name}: {length(node)} lines, {allowed} allowed"
        for path in modules()
        for node in functions(path)
        for allowed in [LONG_FUNCTIONS.get(f"{name(path)}:{node.name}", (LONGEST_FUNCTION,))[0]]
        if length(node) > allowed
    )


def test_every_exception_is_still_needed():
    sizes = {name(p): len(p.read_text("utf-8").splitlines()) for p in modules()}
    lengths = {f"{name(p)}:{n.name}": length(n) for p in modules() for n in functions(p)}
    none(f"{k}: within the limit, take it out" for k in LONG_MODULES if sizes.get(k, 0) <= LONGEST_MODULE)
    none(f"{k}: within the limit, take it out" for k in LONG_FUNCTIONS if lengths.get(k, 0) <= LONGEST_FUNCTION)


def test_the_runtime_path_can_be_read_in_an_afternoon():
    counts = {p.name: code_lines(p) for p in modules() if p.parent == LABCORE and p.stem not in NOT_RUNTIME_PATH}
    assert sum(counts.values()) <= RUNTIME_PATH, dict(sorted(counts.items(), key=lambda item: -item[1]))


def first_line(node):
    return (ast.get_docstring(node) or "").partition("\n")[0].strip()


def public(path):
    """Top-level functions without a leading underscore."""
    return [n for n in tree(path).body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")]


def test_every_module_says_what_it_offers():
    none(name(p) for p in modules() if p.read_text("utf-8").strip() and not first_line(tree(p)))


def test_every_public_function_says_what_it_does():
    none(f"{name(p)}:{n.lineno} {n.name}" for p in modules() for n in public(p) if not first_line(n))


def steps():
    """(file, function) for each function that some module makes a step of: host(f, …) or inside(module.f, …)."""
    for path in modules():
        if area(path) in {"notebook", "image", "engine"}:
            continue
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) and node.args:
                called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                target = node.args[0]
                if called in {"host", "inside"} and isinstance(target, ast.Name):
                    yield path, target.id
                elif called in {"host", "inside"} and isinstance(target, ast.Attribute):
                    if isinstance(target.value, ast.Name) and (LABCORE / f"{target.value.id}.py").exists():
                        yield LABCORE / f"{target.value.id}.py", target.attr


def test_every_step_explains_itself_and_names_its_man_page():
    source = re.compile(r".+ — .*\w\(\d\)(, [\w/]+)*\.?$")
    none(
        f"{name(path)}:{node.lineno} {node.name}: {first_line(node)!r} does not end in `— name(2)`"
        for path, function in sorted(set(steps()))
        for node in public(path)
        if node.name == function and not source.match(first_line(node))
    )


def test_nothing_is_left_for_later():
    later = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|NotImplemented" + r"Error)\b")
    files = [*modules(), *modules(ROOT / "tests"), ROOT / "Makefile", *ROOT.glob("setup/*"), *ROOT.glob("*.md")]
    none(
        f"{path.relative_to(ROOT)}:{number} {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if later.search(line)
    )


def test_every_module_has_its_test():
    def mirrored(path):
        return any((ROOT / "tests" / folder / f"test_{path.stem}.py").exists() for folder in ("unit", "kernel"))

    top = [p for p in modules() if p.parent == LABCORE and p.stem not in MIRRORED_ELSEWHERE]
    none(f"{name(p)}: no tests/unit/test_{p.stem}.py, no tests/kernel/test_{p.stem}.py" for p in top if not mirrored(p))


def test_ruff_finds_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise", ROOT],
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, "\n" + done.stdout + done.stderr


# ---- the import diet --------------------------------------------------------------------------------------------


def loaded_by(names):
    """sys.modules after importing these modules of labcore as the installed command does: -I -S -B -X utf8."""
    program = "import sys; sys.path.append(sys.argv[1])\nfor m in sys.argv[2:]: __import__('labcore.' + m)\n"
    program += "print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-ISBXutf8", "-c", program, ROOT, *names],
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_a_run_imports_nothing_heavy():
    loaded = loaded_by(RUN)
    assert not loaded & HEAVY, sorted(loaded & HEAVY)
    assert not {m for m in loaded if m.startswith("labcore.notebook")}


def test_the_monitor_imports_neither_ctypes_nor_json():
    assert not loaded_by(["monitor"]) & {"ctypes", "json", "labcore.syscalls", "labcore.jsonfile"}
