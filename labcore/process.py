"""The program: found, given its identity and limits, and executed. (notebooks 03, 10)"""

import _signal
import errno
import os
import select

from . import errors, inroot, syscalls, trampoline
from .step import handle, host, inside

_MAX_ID = 0xFFFFFFFE  # 2³²-1 means "no change" to the kernel


def find_user(user):
    """Look up `name[:group]` in the container's own /etc/passwd and /etc/group — passwd(5)."""
    name, colon, group = user.partition(":")
    passwd, groups = _table("/etc/passwd", 7), _table("/etc/group", 4)
    row = next((r for r in passwd if name in (r[0], r[2])), None)
    uid = int(row[2]) if row else _number(name, "user")
    gid = int(row[3]) if row else 0
    extra = [int(g[2]) for g in groups if row and row[0] in g[3].split(",")] if not colon else []
    if colon:
        found = next((g for g in groups if group in (g[0], g[2])), None)
        gid = int(found[2]) if found else _number(group, "group")
    return {"uid": uid, "gid": gid, "groups": extra, "home": row[5] if row else "/"}


def _table(path, columns):
    rows = [line.split(":") for line in inroot.read(path).splitlines()]
    return [r for r in rows if len(r) == columns and _is_id(r[2]) and (columns != 7 or _is_id(r[3]))]


def _is_id(text):
    return text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= _MAX_ID


def _number(text, what):
    if not (text.isascii() and text.isdigit()):
        raise errors.SpecError(f"process.user: no {what} {text!r} in this root file system", f"give a number, or a "
                               f"name from its /etc/{'passwd' if what == 'user' else 'group'}")  # fmt: skip
    if not _is_id(text):
        raise errors.SpecError(f"process.user: {what} {text[:40]} is out of range")
    return int(text)


def find_program(name, env, cwd, uid, gid, groups):
    """Find the program as its user will: PATH, working directory, permissions — execvp(3)."""
    path = next((e[5:] for e in reversed(env) if e.startswith("PATH=")), "/usr/sbin:/usr/bin:/sbin:/bin")
    tries = [name] if "/" in name else [f"{d or '.'}/{name}" for d in path.split(":") if name]
    if uid:  # as root, nothing would be seen otherwise
        _see_as(uid, gid, groups)
    try:
        _enter(cwd)
        refused = None
        for program in tries:
            try:
                syscalls.faccessat2(syscalls.AT_FDCWD, program, os.X_OK, syscalls.AT_EACCESS)
                if not os.path.isdir(program):
                    return {"program": program}
                refused = PermissionError(errno.EACCES, "is a directory")
            except FileNotFoundError:
                continue
            except OSError as error:
                refused = refused or _noexec(program) or OSError(error.errno, os.strerror(error.errno))
    finally:
        if uid:
            _see_as(0, 0, None if groups is None else [])
        os.chdir("/")
    if refused and refused.errno not in (errno.ENOTDIR, errno.ENOENT):
        raise errors.CannotExecute(f"process.args[0]: {name!r} cannot be executed: {refused.strerror}", 126)
    raise errors.CannotExecute(f"process.args[0]: {name!r} is not in this root file system", 127,
                               None if "/" in name else f"PATH is {path}")  # fmt: skip


def _noexec(program):
    """A better reason than EACCES, where the mount is to blame."""
    try:
        here = os.statvfs(program).f_flag & os.ST_NOEXEC
    except OSError:
        return None
    return PermissionError(errno.EACCES, "it lies on a mount with the option noexec") if here else None


def _see_as(uid, gid, groups):
    """Have files checked as this user would have them checked — setfsuid(2)."""
    if groups is not None and os.getgroups() != groups:
        os.setgroups(groups)
    syscalls.setfsgid(gid)
    syscalls.setfsuid(uid)
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, _signal.SIGKILL)  # which a change of IDs clears


def _enter(cwd):
    try:
        os.chdir(cwd)
    except OSError as error:
        raise errors.SpecError(f"process.cwd: {cwd!r}: {error.strerror}") from None


def set_oom_score(pid, score):
    """How willingly the kernel kills it when memory runs out — proc(5), oom_score_adj."""
    fd = os.open(f"/proc/{pid}/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, str(score).encode())
    finally:
        os.close(fd)


def set_no_new_privileges():
    """From here on no execve can gain privileges, setuid or not — prctl(2), PR_SET_NO_NEW_PRIVS."""
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)


def set_user(uid, gid, groups, umask):
    """Take the program's user and groups — setresuid(2)."""
    if groups is not None:  # None: this user namespace has given up setgroups(2)
        os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    os.umask(umask)


def close_descriptors(keep, spare):
    """Close every descriptor but 0, 1, 2 and those asked to be kept — close_range(2)."""
    first = 3 + keep
    for fd in sorted(spare):
        if fd > first:
            syscalls.close_range(first, fd - 1)
        first = max(first, fd + 1)
    syscalls.close_range(first)


def reset_signals():
    """Give the program every signal as new: default action, none blocked — signal(7)."""
    for number in range(1, _signal.NSIG):
        if _signal.getsignal(number) not in (_signal.SIG_DFL, None):  # as found at birth, or set since
            _signal.signal(number, _signal.SIG_DFL)
    for number in (32, 33):  # libc keeps these two for itself; a caller may have left them ignored all the same
        syscalls.set_default_action(number)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, [])


def die_with_parent(door):
    """Die when the process that runs this container dies — prctl(2), PR_SET_PDEATHSIG."""
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, _signal.SIGKILL)
    if is_gone(door):
        raise ProcessLookupError(errno.ESRCH, "the parent has died already")


def outlive_parent():
    """Run on when the command that started this ends — prctl(2), PR_SET_PDEATHSIG."""
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, 0)


def is_gone(fd):
    """Has the process at the other end of this socket gone? — poll(2)."""
    poll = select.poll()
    poll.register(fd, select.POLLRDHUP)
    return bool(poll.poll(0))


def enter_directory(cwd):
    """Go to the program's working directory, which must lie inside — chdir(2)."""
    _enter(cwd)
    try:
        here = os.getcwd()
    except OSError:
        here = ""
    if not here.startswith("/") or here.startswith("(unreachable)"):
        raise errors.SpecError(f"process.cwd: {cwd!r} lies outside the root file system")


def execute(program, args, env, door):
    """Become the program, through a sealed trampoline: no file of the host is left behind it — execveat(2)."""
    os.set_inheritable(door, True)  # the trampoline reports through it, and closes it on the last exec
    become = syscalls.prepare_execveat(trampoline.seal(), trampoline.arguments(program, args, door), env)
    become()


def plan_find(spec):
    """Who and what it will be, found inside: before start, so that create can say no."""
    p = spec["process"]
    if p["user"]["name"] is not None:
        yield inside(find_user, user=p["user"]["name"])
    uid, gid, groups = _identity(p)
    yield inside(find_program, name=p["args"][0], env=p["env"], cwd=p["cwd"], uid=uid, gid=gid, groups=groups)


def _identity(p):
    user = p["user"]
    if user["name"] is not None:
        return handle("uid"), handle("gid"), handle("groups") if user["additionalGids"] is not None else None
    return user["uid"], user["gid"], user["additionalGids"]


def plan_host(spec):
    """What only the host may set."""
    if spec["process"]["oomScoreAdj"] is not None:
        yield host(set_oom_score, pid=handle("init"), score=spec["process"]["oomScoreAdj"])


def plan_privileges(spec):
    """First of the tail: no new privileges."""
    if spec["process"]["noNewPrivileges"]:
        yield inside(set_no_new_privileges)


def plan_user(spec):
    """The change of user stands between the bounding set and the other capability sets."""
    uid, gid, groups = _identity(spec["process"])
    yield inside(set_user, uid=uid, gid=gid, groups=groups, umask=spec["process"]["user"]["umask"])


def plan_execute(spec, attached, keep_descriptors):
    """Last: nothing may come between these and the program."""
    p, door = spec["process"], handle("door")
    yield inside(close_descriptors, keep=keep_descriptors, spare=[door])
    yield inside(reset_signals)
    if attached:
        yield inside(die_with_parent, door=door)
    yield inside(enter_directory, cwd=p["cwd"])
    yield inside(execute, program=handle("program"), args=p["args"], env=p["env"], door=door)
