#!/usr/bin/env python3
"""Run a command as root in a small virtual machine with a complete cgroup v2 tree, and pass on how it ended.

    this file ──► QEMU: Debian's cloud kernel + an initramfs made here (busybox, a few modules, init.sh)
        │            │  /            a tmpfs over the outer /, which virtiofsd shows read-only: same paths, same files;
        │            │               /dev /proc /run /sys /tmp are its own
        ▼            │  inside.sh    cgroups, the command, its exit status
    virtiofsd ◄──────┘

Nothing that the command writes reaches the outside, but its output, its exit status and, with --files, $VM_OUT.
"""

import argparse
import collections
import contextlib
import glob
import lzma
import os
import re
import resource
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
CHECKOUT = os.path.dirname(os.path.dirname(HERE))
OWN_IN_THE_VM = ("/dev", "/proc", "/run", "/sys", "/tmp")  # the outer ones are not seen there
MODULES = ("virtio_pci", "virtio_console", "virtio_rng", "overlay", "virtiofs")
DAEMONS = ("/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd", "/usr/lib/virtiofsd")
TIMED_OUT, NO_RESULT = 124, 125

Machine = collections.namedtuple("Machine", "debian qemu package options processor console")
MACHINES = {
    # Nehalem: emulated faster than newer processors, and what Debian's programs are built for needs no more
    "x86_64": Machine("amd64", "qemu-system-x86_64", "qemu-system-x86", "q35", "Nehalem", "ttyS0"),
    "aarch64": Machine("arm64", "qemu-system-aarch64", "qemu-system-arm", "virt,gic-version=max", "cortex-a72",
                       "ttyAMA0"),
}  # fmt: skip
# No protection of the guest's kernel against the guest's programs: it costs a third of the time under emulation.
KERNEL_WORDS = "panic=-1 psi=1 mitigations=off audit=0 nokaslr rcupdate.rcu_expedited=1"

EXAMPLES = """\
examples:
  tests/vm/run.py cat /sys/fs/cgroup/cgroup.controllers
  tests/vm/run.py sh -c '.venv/bin/labcore run --rm --memory 32m busybox free; dmesg | tail'
  tests/vm/run.py --cgroups v1 .venv/bin/labcore doctor
  tests/vm/run.py --files out sh -c 'ps -ef >$VM_OUT/processes'      # leaves out/processes here
  make vm CMD='ls /sys/fs/cgroup'                                    # installs what is missing first

exit status: the command's; 124 when its time was over; 125 when the VM gave no result; 2 for wrong words here
"""


class Unready(Exception):
    """Something that the VM needs is not here: what, and what to do about it."""


# ---- what the VM is made of --------------------------------------------------------------------------------------


def machine():
    name = os.uname().machine
    if name not in MACHINES:
        raise Unready(f"no VM for the architecture {name}", f"known: {', '.join(MACHINES)}")
    return MACHINES[name]


def install(package):
    return f"apt-get install {package}   (make vm and make test install it)"


def program(name, package):
    """The path of a program, wherever root has its programs."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin:/bin")
    if not found:
        raise Unready(f"{name} is not installed", install(package))
    return found


def kernel(kind, wanted=None):
    """(image, version) of the newest cloud kernel, or of the one asked for."""
    def by_version(path):
        return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path)]

    package = f"linux-image-cloud-{kind.debian}"
    images = [wanted] if wanted else sorted(glob.glob(f"/boot/vmlinuz-*-cloud-{kind.debian}"), key=by_version)
    if not images or not os.path.exists(images[-1]):
        raise Unready(f"no kernel for the VM: {images[0] if images else f'/boot/vmlinuz-*-cloud-{kind.debian}'}",
                      f"it is Debian's {package}: apt-get install --reinstall the newest linux-image-*-cloud-*, or "
                      + install(package))  # fmt: skip
    version = os.path.basename(images[-1]).partition("-")[2]
    if not os.path.isdir(f"/lib/modules/{version}/kernel"):
        raise Unready(f"no modules for the VM's kernel: /lib/modules/{version}", install(f"linux-image-{version}"))
    return images[-1], version


def busybox():
    """A busybox that needs no libraries: there are none in an initramfs."""
    path = program("busybox", "busybox-static")
    with open(path, "rb") as file:
        if b"/ld-linux" in file.read(4096):
            raise Unready(f"{path} is not static", install("busybox-static"))
    return path


def daemon():
    """The program that shows the outer files, and its words: QEMU's own (until 7.2) and its successor differ."""
    found = [path for path in DAEMONS if os.access(path, os.X_OK)]
    if not found:
        raise Unready("virtiofsd is not installed", install("virtiofsd") + "; on Debian 12: qemu-system-common")
    words = subprocess.run([found[0], "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if "--shared-dir" in words.stdout + words.stderr:
        protect = ["--readonly"] if "--readonly" in words.stdout + words.stderr else []
        return [found[0], "--shared-dir=/", "--sandbox=none", "--cache=always", "--rlimit-nofile=0", *protect]
    return [found[0], "-o", "source=/,cache=always,sandbox=chroot,readdirplus,log_level=warn", "--rlimit-nofile=0"]


def is_below(path, top):
    return f"{path}/".startswith(f"{top}/")


def hidden(path):
    """Would a directory that the VM has of its own lie over this one?"""
    return any(is_below(path, top) for top in OWN_IN_THE_VM)


# ---- its initramfs -----------------------------------------------------------------------------------------------


def module_files(version):
    """The paths of the modules that the VM needs before it sees any other file, in the order to load them."""
    files = []
    for name in MODULES:
        done = subprocess.run([program("modprobe", "kmod"), "-S", version, "--show-depends", "-q", name],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)  # fmt: skip
        lines = [line.split() for line in done.stdout.splitlines()]
        files += [line[1] for line in lines if line[0] == "insmod" and line[1] not in files]  # or it is built in
    return files


def unpacked(path):
    with open(path, "rb") as file:
        data = file.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def initramfs(directory, version, files):
    """Write directory/initrd: a cpio archive with busybox, init.sh, modules, and /vm/NAME for each of these files."""
    top = f"{directory}/initramfs"
    for name in ("bin", "modules", "vm", "dev"):
        os.makedirs(f"{top}/{name}")
    shutil.copy(busybox(), f"{top}/bin/busybox")
    os.symlink("busybox", f"{top}/bin/sh")
    shutil.copy(f"{HERE}/init.sh", f"{top}/init")
    os.chmod(f"{top}/init", 0o755)
    shutil.copy(f"{HERE}/inside.sh", f"{top}/vm/inside.sh")
    names = []
    for path in module_files(version):
        names.append(os.path.basename(path).removesuffix(".xz"))
        write(f"{top}/modules/{names[-1]}", unpacked(path))
    write(f"{top}/modules/order", "".join(f"{name}\n" for name in names).encode())
    for name, text in files.items():
        write(f"{top}/vm/{name}", text.encode())
    with open(f"{directory}/initrd", "wb") as archive:
        subprocess.run(["sh", "-c", "find . | busybox cpio -o -H newc 2>/dev/null"], cwd=top, stdout=archive,
                       check=True, stdin=subprocess.DEVNULL)  # fmt: skip
    shutil.rmtree(top)


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


# ---- its processes -----------------------------------------------------------------------------------------------


def qemu(kind, image, directory, asked):
    """The words that start QEMU. Three ports lead outside: the command's output, its exit status, its files."""
    words = f"console={kind.console} {'' if asked.verbose else 'quiet loglevel=1'} {KERNEL_WORDS} {asked.append}"
    ports = [("/proc/self/fd/1", "output"), (f"{directory}/status", "status"), (f"{directory}/tar", "files")]
    speed = ["-accel", "kvm", "-cpu", "host"] if asked.kvm else ["-accel", "tcg,thread=multi", "-cpu", kind.processor]
    found = [
        program(kind.qemu, kind.package), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-machine", f"{kind.options},memory-backend=memory", *speed, "-smp", str(asked.cpus), "-m", asked.memory,
        "-object", f"memory-backend-memfd,id=memory,size={asked.memory},share=on",  # virtiofsd reads and writes it
        "-kernel", image, "-initrd", f"{directory}/initrd", "-append", words,
        "-chardev", f"socket,id=files-below,path={directory}/socket",
        "-device", "vhost-user-fs-pci,chardev=files-below,tag=outside",
        "-serial", f"file:{directory}/console", "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
    ]  # fmt: skip
    for where, name in ports:
        found += ["-chardev", f"file,id={name},path={where}", "-device", f"virtserialport,chardev={name},name={name}"]
    return found


@contextlib.contextmanager
def running(words, **options):
    """A process that ends with the block, and with this program if that is killed."""
    tied = [program("setpriv", "util-linux"), "--pdeathsig", "KILL", *words]
    process = subprocess.Popen(tied, stdin=subprocess.DEVNULL, process_group=0, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()


def pass_on(process, deadline):
    """Copy a process's output to ours until it ends; False when the time is over first."""
    pipe, data = process.stdout.fileno(), b""
    while True:
        remaining = deadline - time.monotonic()
        if remaining <= 0 or not select.select([pipe], [], [], remaining)[0]:
            sys.stdout.write("\n" if data and not data.endswith(b"\n") else "")
            return False
        data = os.read(pipe, 1 << 16)
        if not data:
            return True
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def boot(kind, image, directory, asked):
    """Start virtiofsd and QEMU, wait; False when the time was over."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # virtiofsd keeps a descriptor for each file seen
    deadline = time.monotonic() + asked.timeout
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(f"{directory}/socket")
        listener.listen(1)
        log, qemu_log = [stack.enter_context(open(f"{directory}/{name}", "wb")) for name in ("virtiofsd", "qemu")]
        words = [*daemon(), f"--fd={listener.fileno()}"]
        stack.enter_context(running(words, pass_fds=[listener.fileno()], stdout=log, stderr=log))
        listener.close()
        words = qemu(kind, image, directory, asked)
        return pass_on(stack.enter_context(running(words, stdout=subprocess.PIPE, stderr=qemu_log)), deadline)


# ---- the command line --------------------------------------------------------------------------------------------


def arguments(words):
    parser = argparse.ArgumentParser(
        prog="tests/vm/run.py", description=__doc__.partition("\n")[0], epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter, usage="%(prog)s [OPTION...] COMMAND [ARGUMENT...]",
    )  # fmt: skip
    add = parser.add_argument
    add("--timeout", type=float, default=900, metavar="S", help="end the VM after so many seconds (900)")
    add("--files", metavar="DIR", help="where to put the files that the command leaves in $VM_OUT")
    add("--cgroups", choices=["v2", "hybrid", "v1"], default="v2", help="how /sys/fs/cgroup is made (v2)")
    add("--memory", default="2G", metavar="SIZE", help="of the VM (2G); its files live there, too")
    add("--cpus", type=int, default=2, metavar="N", help="processors of the VM (2)")
    add("--kvm", action="store_true", help="not emulated; a /dev/kvm that is there may still not work")
    add("--kernel", metavar="IMAGE", help="instead of the newest /boot/vmlinuz-*-cloud-*")
    add("--append", default="", metavar="WORDS", help="for the kernel's command line")
    add("--verbose", action="store_true", help="show the console: the kernel's messages")
    add("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    found = parser.parse_args(words)
    found.command = found.command[1:] if found.command[:1] == ["--"] else found.command
    if not found.command:
        parser.error("a command is missing; --help shows examples")
    return found


def result(directory, asked, in_time):
    """The exit status; says why where there is none."""
    status = read(f"{directory}/status").strip()
    if status.isdigit():
        return int(status)
    for name in ("virtiofsd", "qemu", "console")[0 if in_time else 1 :]:  # virtiofsd complains when QEMU is killed
        for line in read(f"{directory}/{name}").splitlines()[-15:]:
            print(f"{name}: {line.rstrip()}", file=sys.stderr)
    if in_time:
        say("the VM ended without a result", "its last words are above; --verbose shows all of the kernel's")
        return NO_RESULT
    say(f"not done after {asked.timeout:g} s, so the VM was ended", "--timeout gives it longer")
    return TIMED_OUT


def read(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def say(what, hint):
    sys.stdout.flush()
    print(f"vm: {what}\n    hint: {hint}", file=sys.stderr)


def interrupted(number, _):
    sys.exit(128 + number)


def main(words):
    asked = arguments(words)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        if os.geteuid() != 0:
            raise Unready("virtiofsd needs root", "sudo tests/vm/run.py ..., or make vm CMD='...'")
        here = os.getcwd()
        if hidden(here) and not is_below(here, CHECKOUT):
            raise Unready(f"{here} is not seen in the VM, which has its own {' '.join(OWN_IN_THE_VM)}",
                          "cd to the checkout, or somewhere else")  # fmt: skip
        kind = machine()
        image, version = kernel(kind, asked.kernel)
        with tempfile.TemporaryDirectory(prefix="labvm-") as directory:
            command = f"cd {shlex.quote(here)} || exit\nexec {shlex.join(asked.command)}\n"
            settings = f"CGROUPS={asked.cgroups}\nCHECKOUT={shlex.quote(CHECKOUT) if hidden(CHECKOUT) else ''}\n"
            initramfs(directory, version, {"settings": settings, "command": command})
            in_time = boot(kind, image, directory, asked)
            if asked.files and read(f"{directory}/status"):
                os.makedirs(asked.files, exist_ok=True)
                subprocess.run(["tar", "-C", asked.files, "--no-same-owner", "-xf", f"{directory}/tar"],
                               stdin=subprocess.DEVNULL)  # fmt: skip
            if asked.verbose:
                sys.stderr.write(read(f"{directory}/console").replace("\r\n", "\n"))
            return result(directory, asked, in_time)
    except Unready as error:
        say(*error.args)
        return NO_RESULT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
