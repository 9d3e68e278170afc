"""A host and an outside world for tests of networks: two network namespaces and a cable. The machine's own stays alone.

    container ── bridge ── host 203.0.113.1 ── 203.0.113.2 outside
"""

import contextlib
import pathlib
import subprocess
import sys

from tests.oci.box import TIMEOUT_S, command

HOST, OUTSIDE = "203.0.113.1", "203.0.113.2"  # addresses for documentation


class Namespace:
    """A network namespace that lives as long as a process which waits in it."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)  # fmt: skip
        self.process.stdout.readline()
        self.path = f"/proc/{self.process.pid}/ns/net"
        self.sh("ip link set lo up")

    @property
    def through(self):
        return ["nsenter", f"--net={self.path}"]

    def sh(self, text, code=0):
        """What shell commands print in it; their exit code must be `code` (None: any)."""
        done = subprocess.run([*self.through, "sh", "-c", text], capture_output=True, text=True, timeout=TIMEOUT_S,
                              stdin=subprocess.DEVNULL)  # fmt: skip
        assert code is None or done.returncode == code, f"{text}\n{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def get(self, url):
        """What is at an http address, None when nothing answers."""
        told = self.sh(f"busybox timeout 3 busybox wget -q -O - {url} 2>&1 && echo answered", None)
        return told.removesuffix("answered\n") if told.endswith("answered\n") else None

    def links(self):
        return sorted(line.split()[0].partition("@")[0] for line in self.sh("ip -brief link").splitlines())

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(TIMEOUT_S)


class World:
    """Both of them, and the runtime as a command that lives in the first."""

    def __init__(self, lab):
        self.runtime, self.root, self.started, self.count = lab, lab.root, [], 0
        self.host, self.outside = Namespace(), Namespace()
        self.host.sh(f"ip link add wan type veth peer name wan netns {self.outside.process.pid} &&"
                     f" ip address add {HOST}/24 dev wan && ip link set wan up")  # fmt: skip
        self.outside.sh(f"ip address add {OUTSIDE}/24 dev wan && ip link set wan up")
        self.forward = self.host.sh("cat /proc/sys/net/ipv4/ip_forward")
        self.first = self.left()

    def lab(self, *words, **options):
        return self.runtime(*words, through=self.host.through, **options)

    def out(self, *words, **options):
        return self.lab(*words, **options).stdout

    def start(self, *words, place=None):
        """Start a command in the host's namespace, or in another, and do not wait for it."""
        process = subprocess.Popen([*(place or self.host).through, *map(str, words)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        self.started.append(process)
        return process

    def run(self, *words):
        return self.start(*command(self.root), "run", *words)

    def serve(self, name, *options, port=80):
        """A container that answers with its name; it serves when this returns."""
        text = f"echo {name} > /tmp/index.html; httpd -p {port} -h /tmp && echo serving && exec sleep 1000"
        process = self.run("--name", name, *options, "busybox", "sh", "-c", text)
        told = process.stdout.readline()
        assert told == "serving\n", told + process.stderr.read()
        return process

    def leases(self, name="lab"):
        """{address: what is written there} of a network."""
        return {p.name: str(p.readlink()) for p in pathlib.Path(self.root, ".networks", name).iterdir()
                if p.is_symlink()}  # fmt: skip

    def init(self, container):
        return self.runtime.state(container)["pid"]

    def python(self, text, inside=None, place=None):
        """Start a Python program on the host, in another place, or in the network of a container, once it says `up`."""
        enter = ["nsenter", f"--net=/proc/{self.init(inside)}/ns/net"] if inside else []
        process = self.start(*enter, sys.executable, "-c", f"import socket\n{text}", place=place)
        assert process.stdout.readline() == "up\n", process.stderr.read()
        return process

    def left(self):
        """What is on the host: links, addresses, routes, rules, forwarding, files."""
        files = sorted(str(p) for p in self.root.rglob("*")) if self.root.exists() else []
        text = self.host.sh("ip -4 -o address | awk '{print $2, $4}'; ip route; nft list ruleset;"
                            " cat /proc/sys/net/ipv4/ip_forward")  # fmt: skip
        lines = [line.removesuffix("linkdown ").strip() for line in text.splitlines()]
        return [*self.host.links(), *lines, *files]

    def clean(self):
        """Everything goes, and the host is what it was."""
        try:
            for container in self.runtime.ids():
                if container[0] != ".":
                    self.lab("delete", "--force", container)
            for process in self.started:
                process.kill()
                process.communicate()
            networks = self.root / ".networks"
            names = [p.name for p in networks.iterdir() if p.is_dir()] if networks.exists() else []
            if names:
                self.lab("network", "rm", *names)
            left = self.left()
            assert left == self.first, "\n".join(sorted(set(left) ^ set(self.first)))
        finally:
            for process in self.started:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            self.host.end()
            self.outside.end()
