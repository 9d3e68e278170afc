"""The usual seccomp profile: what engines let a container ask of the kernel by default, as an OCI `linux.seccomp`.

The calls stand in groups by purpose. What is in no group at all, a call that is newer than this table, is answered with
ENOSYS, as an older kernel would: programs then take another way. What is refused on purpose gets EPERM.
"""

import errno

from . import errors, jsonfile

# what any program may ask for; a name that this machine's libseccomp does not know yet is left out
ALLOWED = {
    "files: open, read, write": "open openat openat2 creat close close_range read write readv writev pread64 pwrite64 "
        "preadv pwritev preadv2 pwritev2 lseek _llseek dup dup2 dup3 fcntl fcntl64 flock ioctl truncate truncate64 "
        "ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 readahead sync syncfs fsync fdatasync sync_file_range "
        "copy_file_range sendfile sendfile64 splice tee vmsplice memfd_create memfd_secret umask cachestat",
    "files: names and directories": "getcwd chdir fchdir mkdir mkdirat rmdir rename renameat renameat2 link linkat "
        "unlink unlinkat symlink symlinkat readlink readlinkat getdents getdents64 mknod mknodat name_to_handle_at "
        "statmount listmount",
    "files: what is known of them": "stat lstat fstat stat64 lstat64 fstat64 fstatat64 newfstatat statx statfs "
        "statfs64 fstatfs fstatfs64 access faccessat faccessat2 chmod fchmod fchmodat fchmodat2 chown lchown fchown "
        "fchownat chown32 lchown32 fchown32 utime utimes futimesat utimensat utimensat_time64 getxattr lgetxattr "
        "fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr llistxattr flistxattr listxattrat "
        "removexattr lremovexattr fremovexattr removexattrat file_getattr file_setattr",
    "files: being told of changes": "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark",
    "waiting": "poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create epoll_create1 "
        "epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd "
        "signalfd4 pause io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64",
    "memory": "brk mmap mmap2 munmap mremap mprotect madvise mincore msync mlock mlock2 munlock mlockall munlockall "
        "mseal remap_file_pages pkey_alloc pkey_free pkey_mprotect membarrier map_shadow_stack",
    "processes": "fork vfork execve execveat exit exit_group wait4 waitid waitpid kill tkill tgkill pidfd_open "
        "pidfd_send_signal process_mrelease getpid getppid gettid getpgid getpgrp setpgid getsid setsid "
        "set_tid_address prctl seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self "
        "restart_syscall uretprobe "
        "ptrace process_vm_readv process_vm_writev",
    "threads": "futex futex_time64 futex_waitv futex_wake futex_wait futex_requeue set_robust_list get_robust_list "
        "rseq set_thread_area get_thread_area",
    "signals": "rt_sigaction rt_sigprocmask rt_sigpending rt_sigreturn rt_sigsuspend rt_sigtimedwait "
        "rt_sigtimedwait_time64 rt_sigqueueinfo rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn",
    "users and capabilities": "getuid geteuid getgid getegid getresuid getresgid getgroups getuid32 geteuid32 getgid32 "
        "getegid32 getresuid32 getresgid32 getgroups32 setuid setgid setreuid setregid setresuid setresgid setfsuid "
        "setfsgid setgroups setuid32 setgid32 setreuid32 setregid32 setresuid32 setresgid32 setfsuid32 setfsgid32 "
        "setgroups32 capget capset",
    "limits and scheduling": "getrlimit setrlimit ugetrlimit prlimit64 getrusage getpriority setpriority ioprio_get "
        "ioprio_set getcpu sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam "
        "sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min "
        "sched_rr_get_interval sched_rr_get_interval_time64",
    "time (setting the clock asks for a capability as well)": "time times gettimeofday clock_gettime clock_gettime64 "
        "clock_getres clock_getres_time64 clock_nanosleep clock_nanosleep_time64 nanosleep alarm getitimer setitimer "
        "timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 "
        "timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 adjtimex clock_adjtime "
        "clock_adjtime64",
    "pipes, queues, shared memory": "pipe pipe2 ipc msgget msgsnd msgrcv msgctl semget semop semtimedop "
        "semtimedop_time64 semctl shmget shmat shmdt shmctl mq_open mq_unlink mq_notify mq_getsetattr mq_timedsend "
        "mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64",
    "sockets": "socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt "
        "send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64 socketcall",
    "the system": "uname sysinfo getrandom",
}  # fmt: skip
# and on some processors only
ARCHITECTURES = {"x86_64": ("X86_64", "X86", "X32"), "aarch64": ("AARCH64", "ARM")}
ALLOWED_ON = {
    "x86_64": "arch_prctl modify_ldt",
    "aarch64": "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
}
# the capability first: who has it may ask, everybody else gets EPERM before the kernel even looks
WITH_CAPABILITY = {
    "CAP_SYS_ADMIN": "mount umount umount2 mount_setattr move_mount open_tree open_tree_attr fsopen fsconfig fsmount "
        "fspick unshare setns sethostname setdomainname quotactl quotactl_fd fanotify_init lookup_dcookie bpf "
        "perf_event_open syslog lsm_get_self_attr lsm_set_self_attr lsm_list_modules clone clone3",
    "CAP_DAC_READ_SEARCH": "open_by_handle_at",
    "CAP_SYS_BOOT": "reboot",
    "CAP_SYS_CHROOT": "chroot",
    "CAP_SYS_MODULE": "init_module finit_module delete_module",
    "CAP_SYS_PACCT": "acct",
    "CAP_SYS_PTRACE": "kcmp pidfd_getfd process_madvise",
    "CAP_SYS_RAWIO": "iopl ioperm",
    "CAP_SYS_TIME": "settimeofday stime clock_settime clock_settime64",
    "CAP_SYS_TTY_CONFIG": "vhangup",
    "CAP_SYS_NICE": "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
    "CAP_SYSLOG": "syslog",
    "CAP_BPF": "bpf",
    "CAP_PERFMON": "perf_event_open",
}  # fmt: skip
# nobody: keys and io_uring know no namespaces or filters, the others are the machine's, or long dead
REFUSED = ("add_key request_key keyctl io_uring_setup io_uring_enter io_uring_register userfaultfd kexec_load "
           "kexec_file_load swapon swapoff pivot_root migrate_pages move_pages nfsservctl query_module create_module "
           "get_kernel_syms uselib ustat sysfs _sysctl vm86 vm86old vserver")  # fmt: skip
# personality(2): Linux, 32 bits, and their twins that hide the kernel's version; the last one only asks
PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
# socket(2) families that reach past the network namespace: AF_ALG into the kernel's ciphers, AF_VSOCK to the hypervisor
FAMILIES = (38, 40)
# clone(2) flags: NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWNET
NEW_NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)


def usual(capabilities, machine):
    """The profile for a container with these capabilities on this machine, a name as uname gives it."""
    allowed = " ".join([*ALLOWED.values(), ALLOWED_ON.get(machine, "")]).split()
    gained = {n for c, names in WITH_CAPABILITY.items() if c in capabilities for n in names.split()}
    known = {n: None for names in WITH_CAPABILITY.values() for n in names.split()}
    kept = [n for n in known if n not in gained and n not in ("clone", "clone3")]
    rules = [_allow(allowed + sorted(gained)), _refuse(kept + REFUSED.split())]
    rules += [_allow(["personality"], _when("EQ", n)) for n in PERSONALITIES]
    first, second = FAMILIES
    rules += [_allow(["socket"], _when(op, n)) for op, n in (("LT", first), ("EQ", first + 1), ("GT", second))]
    rules += [_refuse(["socket"], _when("EQ", n)) for n in FAMILIES]
    if "clone" not in gained:
        rules += [_refuse(["clone"], _when("MASKED_EQ", flag, flag)) for flag in NEW_NAMESPACES]
        rules.append(_allow(["clone"], _when("MASKED_EQ", sum(NEW_NAMESPACES), 0)))
        # a filter cannot follow clone3's pointer to its flags; without it libraries take clone
        rules.append(_refuse(["clone3"], code=errno.ENOSYS))
    return {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": errno.ENOSYS, "syscalls": rules,
            "architectures": [f"SCMP_ARCH_{name}" for name in ARCHITECTURES.get(machine, ())]}  # fmt: skip


def _allow(names, *args):
    return {"names": names, "action": "SCMP_ACT_ALLOW", "args": list(args)}


def _refuse(names, *args, code=errno.EPERM):
    return {"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": code, "args": list(args)}


def _when(op, value, second=0):
    return {"index": 0, "op": f"SCMP_CMP_{op}", "value": value, "valueTwo": second}


# -- a profile from a file ---------------------------------------------------------------------------------------------


def read(path, capabilities, machine):
    """A profile in a JSON file: an OCI `linux.seccomp`, or an engine's, whose rules say for whom they are."""
    try:
        value = jsonfile.read(path)
    except OSError as error:
        raise errors.SpecError(f"--security-opt seccomp={path}: {error.strerror}") from None
    except ValueError as error:
        raise errors.SpecError(f"--security-opt seccomp={path}: not JSON: {error}") from None
    if not isinstance(value, dict):
        raise errors.SpecError(f"--security-opt seccomp={path}: must be an object")
    return _for_us(value, capabilities, machine)


def _for_us(profile, capabilities, machine):
    """An engine's profile as an OCI one: archMap, includes and excludes decided."""
    chosen = {k: v for k, v in profile.items() if k != "archMap"}
    for entry in _list(profile.get("archMap")):
        if entry.get("architecture") == f"SCMP_ARCH_{machine.upper()}":
            chosen["architectures"] = [entry["architecture"], *_list(entry.get("subArchitectures"))]
    if isinstance(profile.get("syscalls"), list):
        about = (set(capabilities), {machine, {"x86_64": "amd64", "aarch64": "arm64"}.get(machine)})
        chosen["syscalls"] = [r for r in profile["syscalls"] if not isinstance(r, dict) or _holds(r, *about)]
    return chosen


def _holds(rule, capabilities, machines):
    """Is this rule meant for such a container, here? minKernel is not looked at: it asks for 4.8, we for 5.15."""
    wanted, unwanted = rule.get("includes") or {}, rule.get("excludes") or {}
    if not set(_list(wanted.get("caps"))) <= capabilities or set(_list(unwanted.get("caps"))) & capabilities:
        return False
    return not (wanted.get("arches") and not machines & set(wanted["arches"]) or
                machines & set(_list(unwanted.get("arches"))))  # fmt: skip


def _list(value):
    return value if isinstance(value, list) else []
