"""The last exec: how init becomes the program without the host's Python ever being /proc/self/exe of image content.

An image may name `#!/proc/self/exe` as its entry point. The kernel then runs, inside the container, whatever
file called execve: the host's interpreter, which the container can open and overwrite (CVE-2019-5736). So init
first execs a tiny program that no file holds: an ELF of a few hundred bytes in a sealed memfd. That one execs
the entry point. What `/proc/self/exe` reaches is the sealed memfd, and it ends at once when called by a script.

    Python:      execveat(memfd, "", [mark + channel, path, argv...], envp, AT_EMPTY_PATH)
    trampoline:  fcntl(channel, F_SETFD, FD_CLOEXEC); execve(path, argv, envp)

The channel is a pipe or socket. End-of-file on it says the program runs; four bytes say why it does not.
The assembly is in trampoline-MACHINE.S; a test assembles it and compares. — execveat(2), memfd_create(2), elf(5)
"""

import errno
import fcntl
import os

from labcore.errors import HostError

MARK = 0x01             # first byte of argv[0]: called by us, not by the kernel as a script's interpreter
FAILED = 0x80000000     # set in every report, so that a report is never mistaken for zeros

BASE = 0x400000         # where the only segment is loaded
ALIGN = 0x10000         # arm64 kernels may have pages of 64 KiB
HEADERS = 64 + 2 * 56   # ELF header and two program headers; the code follows

# Python 3.11 has no names for these two; kernels have them since 6.3.
MFD_EXEC = 0x10
F_SEAL_EXEC = 0x20

X86_64 = (
    "4c8b2424 4983fc03 7269"            # argc < 3: refuse
    "488b5c2408 803b01 755f"            # argv[0][0] is not the mark: refuse
    "0fb65b01 83fb03 7256"              # channel = argv[0][1]; below 3: refuse
    "89df be02000000 ba01000000"        # fcntl(channel, F_SETFD, FD_CLOEXEC)
    "b848000000 0f05 85c0 7816"         #   negative: failed
    "488b7c2410 488d742418 4a8d54e410"  # execve(argv[1], argv + 2, envp)
    "b83b000000 0f05"                   #   comes back only when it fails
    "f7d8 4189c4 0d00000080 890424"     # failed: report = FAILED | errno, kept where argc was
    "89df 4889e6 ba04000000"            # write(channel, report, 4)
    "b801000000 0f05"
    "bf7f000000 4183fc02 7405"          # ENOENT: exit_group(127)
    "bf7e000000"                        # refuse: exit_group(126)
    "b8e7000000 0f05 0f0b"
)
AARCH64 = (                             # little endian: each group of eight digits is one instruction
    "f30340f9 7f0e00f1 e3030054"        # argc < 3: refuse
    "f40740f9 89024039"                 # argv[0][0]
    "3f050071 61030054"                 #   is not the mark: refuse
    "94064039 9f0e0071 03030054"        # channel = argv[0][1]; below 3: refuse
    "e003142a 410080d2 220080d2"        # fcntl(channel, F_SETFD, FD_CLOEXEC)
    "280380d2 010000d4 e000f837"        #   negative: failed
    "e00b40f9 e1630091"                 # execve(argv[1], argv + 2, envp)
    "e26f338b 42400091"
    "a81b80d2 010000d4"                 #   comes back only when it fails
    "f303004b 69020132 e90300b9"        # failed: report = FAILED | errno, kept where argc was
    "e003142a e1030091 820080d2"        # write(channel, report, 4)
    "080880d2 010000d4"
    "e00f8052 7f0a0071 40000054"        # ENOENT: exit_group(127)
    "c00f8052"                          # refuse: exit_group(126)
    "c80b80d2 010000d4 00000000"
)
MACHINES = {"x86_64": (62, X86_64), "aarch64": (183, AARCH64)}     # e_machine, code


def _fields(*pairs):
    """Little-endian numbers, given as (size, value): what struct.pack does, without its import."""
    return b"".join(value.to_bytes(size, "little") for size, value in pairs)


def image(machine):
    """The trampoline as a complete ELF executable for `machine`, a name as uname gives it — elf(5)."""
    if machine not in MACHINES:
        raise HostError(f"machine '{machine}': no trampoline for it", hint="labcore runs on x86_64 and aarch64")
    elf_machine, digits = MACHINES[machine]
    code = bytes.fromhex(digits)
    size = HEADERS + len(code)
    ident = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)                # 64 bits, little endian, version 1
    header = _fields((2, 2), (2, elf_machine), (4, 1),              # ET_EXEC
                     (8, BASE + HEADERS), (8, 64), (8, 0), (4, 0),  # entry, program headers, no sections, flags
                     (2, 64), (2, 56), (2, 2), (2, 64), (2, 0), (2, 0))
    load = _fields((4, 1), (4, 5), (8, 0), (8, BASE), (8, BASE),    # PT_LOAD, readable and executable
                   (8, size), (8, size), (8, ALIGN))
    stack = _fields((4, 0x6474E551), (4, 6), (8, 0), (8, 0), (8, 0), (8, 0), (8, 0), (8, 16))    # PT_GNU_STACK, rw
    return ident + header + load + stack + code


def seal():
    """A descriptor of the trampoline in a memfd that nobody can change any more — memfd_create(2), F_ADD_SEALS.

    One for each exec, never shared between containers: whoever holds a shared one open for writing makes the
    next exec fail (ETXTBSY), though nothing can be written.
    Call it before init is forked (cheaper), and before a file size limit (RLIMIT_FSIZE) applies.
    """
    program = image(os.uname().machine)
    fd = _create()
    try:
        if os.write(fd, program) != len(program):
            raise HostError("trampoline: short write to its memfd", hint="is a file size limit set (ulimit -f)?")
        # Executable, for whoever the process is by then. Not readable: the kernel then keeps the trampoline
        # non-dumpable, so others in the container cannot reach its descriptors through /proc.
        os.fchmod(fd, 0o111)
        _add_seals(fd)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _create():
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        return os.memfd_create("labcore", flags | MFD_EXEC)
    except OSError as error:
        if error.errno == errno.EACCES:
            raise HostError("memfd_create: this machine forbids executable memory files",
                            hint="sysctl vm.memfd_noexec must be 0 or 1; with 2 no container can start") from None
        if error.errno != errno.EINVAL:
            raise
    return os.memfd_create("labcore", flags)        # before 6.3 every memfd is executable


def _add_seals(fd):
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    try:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals | F_SEAL_EXEC)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)


def arguments(path, argv, channel):
    """The trampoline's argv: run `path` with `argv`, errors to `channel`, an inheritable descriptor — execve(2)."""
    if not 3 <= channel <= 255:
        raise ValueError(f"channel {channel}: must be from 3 to 255")
    if not argv:
        raise ValueError("argv: must not be empty")
    return [bytes((MARK, channel)), path, *argv]


def read_report(report):
    """What the channel said before end-of-file: an errno, or 0 when the program runs — errno(3)."""
    return int.from_bytes(report, "little") & ~FAILED if report else 0
