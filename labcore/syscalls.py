"""The one door to the kernel: every system call and constant that Python lacks.

Each function is one system call. A refusal is an OSError whose text is the call as it was made:
`sethostname('xxx…', 65): Invalid argument`. Nothing here decides anything.
"""

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)
_holding_gil = ctypes.PyDLL(None, use_errno=True)  # clone must not let go of the interpreter
_syscall = _libc.syscall
_syscall.restype = _holding_gil.syscall.restype = ctypes.c_long
_fork_hooks = [getattr(ctypes.pythonapi, f"PyOS_{n}") for n in ("BeforeFork", "AfterFork_Parent", "AfterFork_Child")]

# System call numbers that libc does not wrap everywhere: (amd64, arm64). From 424 on all architectures agree.
_AMD64 = os.uname().machine == "x86_64"
_NR = {
    name: pair[0] if _AMD64 else pair[1]
    for name, pair in {
        "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "sethostname": (170, 161),
        "setdomainname": (171, 162), "setns": (308, 268), "unshare": (272, 97), "clone": (56, 220),
        "prctl": (157, 167), "capget": (125, 90), "capset": (126, 91), "execveat": (322, 281),
        "setfsuid": (122, 151), "setfsgid": (123, 152), "rt_sigaction": (13, 134), "seccomp": (317, 277),
        "msgget": (68, 186), "msgctl": (71, 187), "msgrcv": (70, 188), "msgsnd": (69, 189), "semget": (64, 190),
        "semctl": (66, 191), "semop": (65, 193), "shmget": (29, 194), "shmctl": (31, 195), "shmat": (30, 196),
        "shmdt": (67, 197), "mq_open": (240, 180), "mq_unlink": (241, 181), "mq_timedsend": (242, 182),
        "mq_timedreceive": (243, 183), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
        "bpf": (321, 280), "pidfd_send_signal": (424, 424), "open_tree": (428, 428), "move_mount": (429, 429),
        "fsopen": (430, 430),
        "fsconfig": (431, 431), "fsmount": (432, 432), "pidfd_open": (434, 434), "clone3": (435, 435),
        "close_range": (436, 436), "openat2": (437, 437), "faccessat2": (439, 439), "mount_setattr": (442, 442),
    }.items()
}  # fmt: skip

# clone(2), unshare(2), setns(2)
CLONE_NEWTIME, CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x80, 0x20000, 0x2000000, 0x4000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x8000000, 0x10000000, 0x20000000, 0x40000000
CLONE_PARENT, CLONE_INTO_CGROUP = 0x8000, 0x200000000
SIGCHLD = 17
# mount(2)
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC = 1, 2, 4, 8, 32, 4096, 8192, 16384
MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED = 1 << 17, 1 << 18, 1 << 19, 1 << 20
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
# mount_setattr(2), fsmount(2)
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC = 1, 2, 4, 8
MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR_NODIRATIME = 0x70, 0x10, 0x20, 0x80
MOUNT_ATTR_NOSYMFOLLOW, MOUNT_ATTR_IDMAP = 0x200000, 0x100000
# open_tree(2), move_mount(2), fsopen(2), openat2(2)
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC, AT_RECURSIVE, AT_EMPTY_PATH = 1, os.O_CLOEXEC, 0x8000, 0x1000
AT_FDCWD, AT_EACCESS, AT_SYMLINK_NOFOLLOW = -100, 0x200, 0x100
MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH = 4, 0x40
FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE = 0, 1, 6
RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH, RESOLVE_IN_ROOT = 1, 2, 4, 8, 16
# prctl(2)
PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_NAME = 1, 3, 4, 8, 15
PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 23, 24, 36
PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 38, 39, 47
PR_CAP_AMBIENT_RAISE, PR_CAP_AMBIENT_CLEAR_ALL = 2, 4
# msgget(2), semget(2), shmget(2), and what msgctl(2) and its sisters do
IPC_PRIVATE, IPC_CREAT, IPC_EXCL, IPC_NOWAIT, IPC_RMID = 0, 0o1000, 0o2000, 0o4000, 0
GETVAL, SETVAL, SEM_UNDO, SHM_RDONLY = 12, 16, 0x1000, 0o10000
# bpf(2)
BPF_PROG_LOAD, BPF_PROG_ATTACH = 5, 8
BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI = 15, 6, 2
# keyctl(2)
KEYCTL_GET_KEYRING_ID, KEYCTL_JOIN_SESSION_KEYRING, KEYCTL_SETPERM, KEYCTL_READ = 0, 1, 5, 11
KEY_SPEC_SESSION_KEYRING, KEY_SPEC_USER_KEYRING = -3, -4
# seccomp(2)
SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER = 1, 8


def _show(value):
    """A value as it stands in an error text: short."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    text = repr(value)
    return text if len(text) <= 40 else text[:36] + "…" + text[-1:]


def _refuse(name, args, kinds=""):
    number = ctypes.get_errno()
    kinds = kinds.ljust(len(args))
    shown = ", ".join("{…}" if k == "p" else _show(a) for a, k in zip(args, kinds, strict=True) if a is not None)
    raise OSError(number, f"{name}({shown}): {os.strerror(number)}")


_LONGEST = 1 << 16  # bytes that are received or read at once
_TYPES = {"i": ctypes.c_long, "s": ctypes.c_char_p, "p": ctypes.c_void_p}


def _prepare(name, kinds):
    """A function that makes this call by its number; kinds are i(nteger), s(tring), p(ointer).

    Text becomes bytes; -1 becomes an OSError that shows the call as it was made.
    """
    entry, number = _libc["syscall"], _NR[name]  # an object of its own, with this call's types
    entry.restype, entry.argtypes = ctypes.c_long, [ctypes.c_long, *(_TYPES[k] for k in kinds)]
    strings = [i for i, kind in enumerate(kinds) if kind == "s"]

    def call(*args):
        raw = args
        if strings:
            raw = list(args)
            for i in strings:
                if raw[i] is not None:
                    raw[i] = os.fsencode(raw[i])
                    if b"\0" in raw[i]:
                        raise ValueError(f"{name}: text holds a NUL byte: {_show(raw[i])}")
        result = entry(number, *raw)
        return result if result != -1 else _refuse(name, args, kinds)

    return call


_unshare = _prepare("unshare", "i")
_setns = _prepare("setns", "ii")
_sethostname = _prepare("sethostname", "si")
_setdomainname = _prepare("setdomainname", "si")
_pidfd_open = _prepare("pidfd_open", "ii")
_pidfd_send_signal = _prepare("pidfd_send_signal", "iipi")
_prctl = _prepare("prctl", "iiiii")
_rt_sigaction = _prepare("rt_sigaction", "ippi")
_setfsuid = _prepare("setfsuid", "i")
_setfsgid = _prepare("setfsgid", "i")
_keyctl = _prepare("keyctl", "iipi")
_join_session_keyring = _prepare("keyctl", "is")
_add_key = _prepare("add_key", "sssii")
_request_key = _prepare("request_key", "sssi")
_msgget = _prepare("msgget", "ii")
_msgsnd = _prepare("msgsnd", "ipii")
_msgrcv = _prepare("msgrcv", "ipiii")
_msgctl = _prepare("msgctl", "iip")
_semget = _prepare("semget", "iii")
_semop = _prepare("semop", "ipi")
_semctl = _prepare("semctl", "iiii")
_shmget = _prepare("shmget", "iii")
_shmat = _prepare("shmat", "ipi")
_shmdt = _prepare("shmdt", "p")
_shmctl = _prepare("shmctl", "iip")
_mq_open = _prepare("mq_open", "siip")
_mq_timedsend = _prepare("mq_timedsend", "isiip")
_mq_timedreceive = _prepare("mq_timedreceive", "ipipp")
_mq_unlink = _prepare("mq_unlink", "s")
_seccomp = _prepare("seccomp", "iip")
_close_range = _prepare("close_range", "iii")
_mount = _prepare("mount", "sssis")
_umount2 = _prepare("umount2", "si")
_pivot_root = _prepare("pivot_root", "ss")
_openat2 = _prepare("openat2", "ispi")
_open_tree = _prepare("open_tree", "isi")
_move_mount = _prepare("move_mount", "isisi")
_fsopen = _prepare("fsopen", "si")
_fsconfig = _prepare("fsconfig", "iissi")
_fsmount = _prepare("fsmount", "iii")
_mount_setattr = _prepare("mount_setattr", "isipi")
_faccessat2 = _prepare("faccessat2", "isii")
_bpf = _prepare("bpf", "ipi")


# -- processes and namespaces ------------------------------------------------------------------------------------------


class _CloneArgs(ctypes.Structure):
    _fields_ = [(n, ctypes.c_uint64) for n in ("flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack",
                                               "stack_size", "tls", "set_tid", "set_tid_size", "cgroup")]  # fmt: skip


def clone(flags, cgroup_fd=None):
    """Fork into new namespaces; 0 in the child, its PID in the parent — clone(2)."""
    before, in_parent, in_child = _fork_hooks
    exit_signal = 0 if flags & CLONE_PARENT else SIGCHLD
    before()
    if cgroup_fd is None:
        result = _holding_gil.syscall(ctypes.c_long(_NR["clone"]), ctypes.c_ulong(flags | exit_signal), None, None,
                                      None, None)  # fmt: skip
    else:
        args = _CloneArgs(flags=flags | CLONE_INTO_CGROUP, exit_signal=exit_signal, cgroup=cgroup_fd)
        result = _holding_gil.syscall(ctypes.c_long(_NR["clone3"]), ctypes.byref(args), ctypes.sizeof(args))
    if result == 0:
        in_child()
        return 0
    number = ctypes.get_errno()
    in_parent()
    if result == -1:
        raise OSError(number, f"clone({flags:#x}): {os.strerror(number)}")
    return result


def unshare(flags):
    """Leave shared namespaces for new ones of one's own — unshare(2)."""
    _unshare(flags)


def setns(fd, kinds=0):
    """Enter the namespace (or, for a pidfd, the namespaces) that `fd` refers to — setns(2)."""
    _setns(fd, kinds)


def sethostname(name):
    """Name this UTS namespace, at most 64 bytes — sethostname(2)."""
    _sethostname(name, len(os.fsencode(name)))


def setdomainname(name):
    """Set the NIS domain name of this UTS namespace — setdomainname(2)."""
    _setdomainname(name, len(os.fsencode(name)))


def pidfd_open(pid):
    """A descriptor that means this process and never another with its number — pidfd_open(2)."""
    return _pidfd_open(pid, 0)


def pidfd_send_signal(pidfd, signal):
    """Signal the process behind a pidfd — pidfd_send_signal(2)."""
    _pidfd_send_signal(pidfd, signal, None, 0)


def prctl(option, arg2=0, arg3=0):
    """Operate on the calling process — prctl(2)."""
    return _prctl(option, arg2, arg3, 0, 0)


def set_name(name):
    """Take another name in the eyes of ps, at most 15 bytes of it — prctl(2), PR_SET_NAME."""
    text = ctypes.create_string_buffer(os.fsencode(name))
    _prctl(PR_SET_NAME, ctypes.addressof(text), 0, 0, 0)


def set_default_action(signal):
    """Give a signal its default action, also one of those that libc keeps for itself — rt_sigaction(2)."""
    action = ctypes.create_string_buffer(32)  # struct sigaction as the kernel has it: no handler, no flags, no mask
    _rt_sigaction(signal, ctypes.addressof(action), None, 8)


def setfsuid(uid):
    """Check files as this user, keeping one's own identity otherwise — setfsuid(2)."""
    _setfsuid(uid)


def setfsgid(gid):
    """Check files as this group — setfsgid(2)."""
    _setfsgid(gid)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def seccomp(operation, flags, program):
    """Install a filter, eight bytes for each instruction; with a listener its descriptor comes back — seccomp(2)."""
    return _seccomp(operation, flags, ctypes.addressof(_Program(len(program) // 8, program)))


def libseccomp():
    """The library that compiles filters, with the types of what is called of it — seccomp_init(3)."""
    library = ctypes.CDLL("libseccomp.so.2")
    p, u, i, s = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_char_p
    for name, result, kinds in (
        ("version", ctypes.POINTER(u * 3), ()), ("init", p, (u,)), ("release", None, (p,)), ("arch_native", u, ()),
        ("arch_resolve_name", u, (s,)), ("arch_add", i, (p, u)), ("syscall_resolve_name", i, (s,)),
        ("rule_add_array", i, (p, u, i, u, s)), ("attr_set", i, (p, i, u)), ("export_bpf", i, (p, i)),
    ):  # fmt: skip
        function = getattr(library, f"seccomp_{name}")
        function.restype, function.argtypes = result, kinds
    return library


def close_range(first, last=0xFFFFFFFF, flags=0):
    """Close every descriptor from first to last — close_range(2)."""
    _close_range(first, last, flags)


# -- interprocess communication: messages are text, and so is what lies in memory --------------------------------------


def msgget(key, flags=0):
    """The ID of the message queue with this key; with IPC_CREAT it is made if there is none — msgget(2)."""
    return _msgget(key, flags)


def msgsnd(queue, text, kind=1, flags=0):
    """Put a message into a queue — msgsnd(2)."""
    data = os.fsencode(text)
    message = ctypes.create_string_buffer(kind.to_bytes(8, "little", signed=True) + data)
    _msgsnd(queue, ctypes.addressof(message), len(data), flags)


def msgrcv(queue, kind=0, flags=0):
    """Take the first message out of a queue, or wait for one; IPC_NOWAIT does not wait — msgrcv(2)."""
    message = ctypes.create_string_buffer(8 + _LONGEST)
    return os.fsdecode(message[8 : 8 + _msgrcv(queue, ctypes.addressof(message), _LONGEST, kind, flags)])


def msgctl(queue, command):
    """IPC_RMID removes a queue, with what is in it — msgctl(2)."""
    _msgctl(queue, command, None)


def semget(key, count, flags=0):
    """The ID of the set of semaphores with this key — semget(2)."""
    return _semget(key, count, flags)


def semop(semaphores, change, number=0, flags=0):
    """Add to a semaphore; what would take it below 0 waits — semop(2)."""
    words = (ctypes.c_short * 3)(number, change, flags)
    _semop(semaphores, ctypes.addressof(words), 1)


def semctl(semaphores, number, command, value=0):
    """GETVAL tells a semaphore's value, SETVAL sets it, IPC_RMID removes the set — semctl(2)."""
    return _semctl(semaphores, number, command, value)


def shmget(key, size, flags=0):
    """The ID of the piece of shared memory with this key — shmget(2)."""
    return _shmget(key, size, flags)


def shmat(memory, flags=0):
    """Attach a piece of shared memory: the address at which the caller has it now — shmat(2)."""
    return _shmat(memory, None, flags)


def shmdt(address):
    """Detach it again — shmdt(2)."""
    _shmdt(address)


def shmctl(memory, command):
    """IPC_RMID removes a piece of shared memory, once nobody has it attached — shmctl(2)."""
    _shmctl(memory, command, None)


def poke(address, text):
    """Write text into the caller's own memory, and an end after it; no system call."""
    data = os.fsencode(text) + b"\0"
    ctypes.memmove(address, data, len(data))


def peek(address):
    """The text that lies in the caller's own memory; no system call."""
    return os.fsdecode(ctypes.string_at(address))


def mq_open(name, flags, mode=0o600):
    """A descriptor of the POSIX message queue `/name`; with os.O_CREAT it is made — mq_open(3)."""
    return _mq_open(name.removeprefix("/"), flags | os.O_CLOEXEC, mode, None)


def mq_send(fd, text, priority=0):
    """Put a message into a POSIX queue — mq_send(3)."""
    _mq_timedsend(fd, text, len(os.fsencode(text)), priority, None)


def mq_receive(fd):
    """Take the message of the highest priority out of a POSIX queue, or wait for one — mq_receive(3)."""
    message = ctypes.create_string_buffer(_LONGEST)
    return os.fsdecode(message[: _mq_timedreceive(fd, ctypes.addressof(message), _LONGEST, None, None)])


def mq_unlink(name):
    """Remove a POSIX message queue — mq_unlink(3)."""
    _mq_unlink(name.removeprefix("/"))


# -- keys --------------------------------------------------------------------------------------------------------------


def keyctl_join_session_keyring(name=None):
    """Leave the session keyring for a new one, or for the one of this name: its number — keyctl(2)."""
    return _join_session_keyring(KEYCTL_JOIN_SESSION_KEYRING, name)


def keyctl_get_keyring_id(keyring):
    """The number of a keyring that goes by a name of its own, such as KEY_SPEC_SESSION_KEYRING — keyctl(2)."""
    return _keyctl(KEYCTL_GET_KEYRING_ID, keyring, None, 0)


def keyctl_setperm(key, permissions):
    """Say who may do what with a key: possessor, user, group, others, eight bits each — keyctl(2)."""
    _keyctl(KEYCTL_SETPERM, key, permissions, 0)


def keyctl_read(key):
    """What a key holds — keyctl(2)."""
    text = ctypes.create_string_buffer(_LONGEST)
    return os.fsdecode(text[: _keyctl(KEYCTL_READ, key, ctypes.addressof(text), _LONGEST)])


def add_key(description, text, keyring=KEY_SPEC_SESSION_KEYRING):
    """Put a key of type `user` into a keyring; returns its number — add_key(2)."""
    return _add_key("user", description, text, len(os.fsencode(text)), keyring)


def request_key(description):
    """The number of the key of type `user` that the caller's keyrings hold under this name — request_key(2)."""
    return _request_key("user", description, None, 0)


# -- capabilities ------------------------------------------------------------------------------------------------------

_Words = ctypes.c_uint32 * 6
_CAP_V3 = 0x20080522


def capget():
    """The caller's (effective, permitted, inheritable) sets as bit masks — capget(2)."""
    head, data = (ctypes.c_uint32 * 2)(_CAP_V3, 0), _Words()
    if _syscall(ctypes.c_long(_NR["capget"]), ctypes.byref(head), ctypes.byref(data)) == -1:
        _refuse("capget", ())
    return tuple(data[i] | data[i + 3] << 32 for i in range(3))


def capset(effective, permitted, inheritable):
    """Set the caller's three sets, given as bit masks — capset(2)."""
    head, masks, low = (ctypes.c_uint32 * 2)(_CAP_V3, 0), (effective, permitted, inheritable), 0xFFFFFFFF
    data = _Words(*[m & low for m in masks], *[m >> 32 for m in masks])
    if _syscall(ctypes.c_long(_NR["capset"]), ctypes.byref(head), ctypes.byref(data)) == -1:
        _refuse("capset", tuple(map(hex, masks)))


# -- mounts and paths --------------------------------------------------------------------------------------------------


class _OpenHow(ctypes.Structure):
    _fields_ = [(n, ctypes.c_uint64) for n in ("flags", "mode", "resolve")]


class _MountAttr(ctypes.Structure):
    _fields_ = [(n, ctypes.c_uint64) for n in ("attr_set", "attr_clr", "propagation", "userns_fd")]


def mount(source, target, fstype=None, flags=0, data=None):
    """Attach a file system, or change an attached one — mount(2)."""
    _mount(source or "none", target, fstype, flags, data)


def umount(target, flags=0):
    """Detach what is mounted at target — umount2(2)."""
    _umount2(target, flags)


def pivot_root(new_root, put_old):
    """Make new_root the root of this mount namespace, the old one at put_old — pivot_root(2)."""
    _pivot_root(new_root, put_old)


def openat2(dirfd, path, flags, mode=0, resolve=0):
    """Open a path with limits on how it may be resolved — openat2(2)."""
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    return _openat2(dirfd, path, ctypes.addressof(how), ctypes.sizeof(how))


def open_tree(dirfd, path, flags):
    """A descriptor for a mount; with OPEN_TREE_CLONE a detached copy of it — open_tree(2)."""
    return _open_tree(dirfd, path, flags | OPEN_TREE_CLOEXEC)


def move_mount(from_fd, to_fd, from_path="", to_path="", flags=MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH):
    """Attach a detached mount, by default from descriptor to descriptor — move_mount(2)."""
    _move_mount(from_fd, from_path, to_fd, to_path, flags)


def fsopen(fstype):
    """Begin to make a new file system of this type — fsopen(2)."""
    return _fsopen(fstype, 1)


def fsconfig(fd, command, key=None, value=None):
    """Set one parameter of the file system being made, or make it — fsconfig(2)."""
    _fsconfig(fd, command, key, value, 0)


def fsmount(fd, attributes=0):
    """A detached mount of the file system just made — fsmount(2)."""
    return _fsmount(fd, 1, attributes)


def mount_setattr(fd, path, attr_set=0, attr_clr=0, propagation=0, flags=AT_EMPTY_PATH, userns_fd=0):
    """Change attributes of a mount, or of a whole tree with AT_RECURSIVE, at once — mount_setattr(2)."""
    attr = _MountAttr(attr_set, attr_clr, propagation, userns_fd)
    _mount_setattr(fd, path, flags, ctypes.addressof(attr), ctypes.sizeof(attr))


def faccessat2(dirfd, path, mode, flags=0):
    """May the calling process use this path so? Raises if not — faccessat2(2)."""
    _faccessat2(dirfd, path, mode, flags)


class _BpfLoad(ctypes.Structure):
    _fields_ = [("prog_type", ctypes.c_uint32), ("insn_cnt", ctypes.c_uint32), ("insns", ctypes.c_char_p),
                ("license", ctypes.c_char_p), ("rest", ctypes.c_uint64 * 6)]  # fmt: skip


def bpf_prog_load(kind, program):
    """A descriptor for a program that the kernel has checked — bpf(2)."""
    attr = _BpfLoad(kind, len(program) // 8, program, b"Dual MIT/GPL")
    return _bpf(BPF_PROG_LOAD, ctypes.addressof(attr), ctypes.sizeof(attr))


def bpf_prog_attach(target_fd, program_fd, where, flags):
    """Have a loaded program asked at a hook of this cgroup — bpf(2)."""
    attr = (ctypes.c_uint32 * 4)(target_fd, program_fd, where, flags)
    _bpf(BPF_PROG_ATTACH, ctypes.addressof(attr), ctypes.sizeof(attr))


def prepare_execveat(fd, argv, envp):
    """Build the arrays of execveat(2) now, and return the one call that makes it; nothing is allocated then."""
    def array(items):
        return (ctypes.c_char_p * (len(items) + 1))(*[os.fsencode(i) for i in items], None)

    arguments = (ctypes.c_long(_NR["execveat"]), ctypes.c_long(fd), ctypes.c_char_p(b""), array(argv), array(envp),
                 ctypes.c_long(AT_EMPTY_PATH))  # fmt: skip

    def execveat():
        _syscall(*arguments)
        _refuse("execveat", (fd,))

    return execveat
