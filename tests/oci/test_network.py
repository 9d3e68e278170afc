"""Networks of containers: who reaches whom, by which name and port; and that nothing of them stays."""

import json
import os
import re
import shutil
import signal

import pytest

from tests.oci.box import SILENT, command, wait_until_gone
from tests.oci.test_bad_input import refused
from tests.oci.world import HOST, OUTSIDE

# -- who reaches whom --------------------------------------------------------------------------------------------------


def test_two_containers_find_each_other_by_name(world):
    world.lab("network", "create", "shop")
    world.serve("db", "--network", "shop")
    said = world.out("run", "--rm", "--name", "web", "--network", "shop", "busybox", "sh", "-c",
                     "ping -c 1 -W 2 db && timeout 3 wget -q -O - http://db && ping -c 1 web | head -1")  # fmt: skip
    assert "1 packets received" in said and "db\n" in said
    assert re.search(r"PING web \(10\.89\.0\.3\)", said)


def test_names_come_and_go_in_containers_that_run(world):
    world.serve("db", "--network", "lab", "--hostname", "database")
    world.lab("run", "-d", "--name", "web", "--network", "lab", "busybox", "sleep", "1000", **SILENT)
    hosts = world.out("exec", "db", "cat", "/etc/hosts")
    assert hosts.splitlines()[2:] == ["10.89.0.2 db database", "10.89.0.3 web"]
    world.lab("rm", "--force", "web")
    assert "web" not in world.out("exec", "db", "cat", "/etc/hosts")
    assert "Read-only" in world.lab("exec", "db", "sh", "-c", "echo x >> /etc/hosts", code=1).stderr


def test_a_published_port_answers_from_outside_and_on_every_address_of_the_host(world):
    world.serve("web", "--publish", "8080:80")
    assert world.outside.get(f"http://{HOST}:8080/") == "web\n"
    for address in ("127.0.0.1", "127.3.4.5", HOST, "10.89.0.1"):
        assert world.host.get(f"http://{address}:8080/") == "web\n"
    assert world.host.get("http://10.89.0.2/") == "web\n"


def test_a_port_published_on_one_address_answers_there_only(world):
    world.serve("web", "--publish", "127.0.0.1:8080:80")
    assert world.host.get("http://127.0.0.1:8080/") == "web\n"
    assert world.host.get(f"http://{HOST}:8080/") is None
    assert world.outside.get(f"http://{HOST}:8080/") is None


def test_two_servers_with_the_same_port_inside(world):
    world.serve("one", "--network", "lab", "-p", "8081:80")
    world.serve("two", "--network", "lab", "-p", "8082:80")
    assert [world.outside.get(f"http://{HOST}:{port}/") for port in (8081, 8082)] == ["one\n", "two\n"]


ECHO = """
s = socket.socket(type=socket.SOCK_DGRAM)
s.bind(("", 53))
print("up", flush=True)
s.sendto(*s.recvfrom(100))
"""
ASK = f"""
s = socket.socket(type=socket.SOCK_DGRAM)
s.sendto(b"hello", ("{HOST}", 5353))
print("up", s.recv(100).decode(), sep="\\n")
"""
VISITOR = """
server = socket.create_server(("", 7))
print("up", flush=True)
print(server.accept()[1][0], flush=True)
"""


def test_who_has_talked_to_the_last_one_finds_the_next_one_at_its_address(world):
    world.serve("stays", "--network", "lab")  # a bridge without any cable would forget its neighbours
    for name in ("one", "two"):
        world.serve(name, "--network", "lab")
        assert world.leases()["10.89.0.3"] == name
        assert world.host.get("http://10.89.0.3/") == f"{name}\n"
        world.lab("rm", "--force", name)


def test_udp_is_published_too(world):
    world.lab("run", "-d", "--name", "box", "--publish", "5353:53/udp", "busybox", "sleep", "1000", **SILENT)
    world.python(ECHO, inside="box")
    assert world.python(ASK, place=world.outside).stdout.readline() == "hello\n"


def test_a_container_reaches_the_outside_under_the_address_of_the_host(world):
    server = world.python(VISITOR, place=world.outside)
    world.lab("run", "--rm", "--network", "lab", "busybox", "nc", "-w", "3", OUTSIDE, "7")
    assert server.stdout.readline() == f"{HOST}\n"


def test_a_server_sees_who_asks_from_outside(world):
    """No masquerade where none is needed: the visitor's address is the visitor's."""
    world.lab("run", "-d", "--name", "box", "--publish", "8080:7", "busybox", "sleep", "1000", **SILENT)
    server = world.python(VISITOR, inside="box")
    world.outside.sh(f"busybox nc -w 3 {HOST} 8080 </dev/null")
    assert server.stdout.readline() == f"{OUTSIDE}\n"


def test_a_container_reaches_its_own_published_port(world):
    world.serve("web", "--publish", "8080:80")
    assert world.out("exec", "web", "timeout", "3", "wget", "-q", "-O", "-", f"http://{HOST}:8080/") == "web\n"
    world.lab("network", "create", "other")
    for network in ("lab", "other"):
        assert world.out("run", "--rm", "--network", network, "busybox", "timeout", "3", "wget", "-q", "-O", "-",
                         f"http://{HOST}:8080/") == "web\n"  # fmt: skip


# -- who does not ------------------------------------------------------------------------------------------------------


def test_without_a_network_there_is_only_loopback(world):
    for words in ((), ("--network", "none")):
        links = world.out("run", "--rm", *words, "busybox", "ls", "/sys/class/net")
        assert links == "lo\n"


def test_a_container_does_not_reach_the_loopback_of_the_host(world, tmp_path):
    """CVE-2020-8558: who lets 127.0.0.1:PORT lead into containers must not let them answer the other way."""
    (tmp_path / "secret").write_text("for the host alone\n")
    world.start("busybox", "httpd", "-f", "-p", "127.0.0.1:5000", "-h", tmp_path)
    wait_for_port(world, 5000)
    world.serve("web", "--publish", "8080:80")
    inside = f"nsenter --net=/proc/{world.init('web')}/ns/net"  # somebody there may configure the network
    world.host.sh(f"{inside} sh -c 'ip address flush dev lo; ip route add 127.0.0.0/8 via 10.89.0.1;"
                  " echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet'")  # fmt: skip
    attack = f"{inside} busybox timeout 2 busybox wget -q -O - http://127.0.0.1:5000/secret"
    assert world.host.sh(attack, code=None) == ""
    world.host.sh("nft flush chain ip labcore guard")  # it is the guard that keeps them out, nothing else
    assert world.host.sh(attack) == "for the host alone\n"


def wait_for_port(world, port):
    for _ in range(500):
        if f":{port} " in world.host.sh("busybox netstat -tln"):
            return
    raise AssertionError(f"nobody listens at port {port}")


def test_only_published_ports_lead_in_from_outside_and_from_other_networks(world):
    world.serve("db", "--network", "lab")
    world.outside.sh(f"ip route add 10.89.0.0/16 via {HOST}")
    assert world.outside.get("http://10.89.0.2/") is None
    world.lab("network", "create", "other")
    script = "timeout 2 wget -q -O - http://10.89.0.2/ || ping -c 1 -W 1 10.89.0.2"
    assert "0 packets received" in world.out("run", "--rm", "--network", "other", "busybox", "sh", "-c", script, code=1)


# -- sharing a network namespace ---------------------------------------------------------------------------------------


def test_the_network_of_the_host_and_of_another_container(world):
    assert "wan" in world.out("run", "--rm", "--network", "host", "busybox", "ls", "/sys/class/net").split()
    world.serve("web", "--network", "lab")
    said = world.out("run", "--rm", "--network", "container:web", "busybox", "wget", "-q", "-O", "-", "http://127.0.0.1/")
    assert said == "web\n"


def test_a_network_with_user_namespaces(world):
    said = world.out("run", "--rm", "--network", "lab", "--userns", "auto", "--name", "box", "busybox", "sh", "-c",
                     f"cat /etc/hosts; ping -c 1 {OUTSIDE}")  # fmt: skip
    assert "10.89.0.2 box" in said and "1 packets received" in said


# -- nothing stays -----------------------------------------------------------------------------------------------------


def test_a_container_that_ends_gives_everything_back(world):
    world.lab("network", "create", "lab")
    before = world.left()
    world.lab("run", "--rm", "--network", "lab", "--publish", "8080:80", "busybox", "true")
    assert world.left() == before


def test_a_container_that_was_killed_is_removed_with_all_it_had(world):
    web = world.serve("web", "--publish", "8080:80", "-p", "127.0.0.1:53:53/udp")
    pid = world.init("web")
    os.kill(web.pid, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    assert world.leases() == {"10.89.0.2": "web 0.0.0.0:8080:80/tcp 127.0.0.1:53:53/udp"}
    world.lab("rm", "web")
    assert world.leases() == {} and "8080" not in world.host.sh("nft list ruleset")


@pytest.mark.parametrize("damage", ["ip link delete lab-lab", "nft delete table ip labcore",
                                    "nft flush map ip labcore ports"])  # fmt: skip
def test_what_somebody_else_has_removed_is_no_obstacle(world, damage):
    world.serve("web", "--publish", "8080:80")
    world.host.sh(damage)
    world.lab("rm", "--force", "web")
    assert world.leases() == {}


def test_a_cable_that_somebody_else_has_removed_is_no_obstacle(world):
    world.serve("web", "--publish", "8080:80")
    link = next(name for name in world.host.links() if re.fullmatch("lab[0-9a-f]{12}", name))
    world.host.sh(f"ip link delete {link}")
    world.lab("rm", "--force", "web")
    assert world.leases() == {} and "8080" not in world.host.sh("nft list ruleset")


def test_a_run_killed_while_nft_works_leaves_nothing_that_comes_later(world, tmp_path):
    world.lab("network", "create", "lab")
    slow, begun = tmp_path / "nft", tmp_path / "begun"
    slow.write_text(f'#!/bin/sh\necho > {begun}\nsleep 1\nexec {shutil.which("nft")} "$@"\n')
    slow.chmod(0o755)
    run = world.start("env", f"PATH={tmp_path}:{os.environ['PATH']}", *command(world.root), "run", "--name", "web",
                      "--publish", "8080:80", "busybox", "true")  # fmt: skip
    while not begun.exists():
        assert run.poll() is None, run.stderr.read()
    run.kill()
    world.lab("delete", "--force", "web")
    assert "8080" not in world.host.sh("nft list ruleset") and world.leases() == {}


def test_a_port_that_leads_to_somebody_else_is_left_alone(world):
    world.serve("web", "--publish", "8080:80", "--publish", "8081:80", "-p", "127.0.0.1:8082:80")
    world.host.sh("nft 'delete element ip labcore ports { tcp . 8080 }; "
                  "add element ip labcore ports { tcp . 8080 : 10.9.9.9 . 1 }'")  # fmt: skip
    world.lab("rm", "--force", "web")
    rules = world.host.sh("nft list table ip labcore")
    assert "tcp . 8080 : 10.9.9.9 . 1 }" in rules and "808" not in rules.replace("8080", "")
    world.host.sh("nft flush map ip labcore ports")


def test_a_lease_whose_container_is_gone_is_free_again_with_its_ports(world, tmp_path):
    runs = world.serve("ghost", "--publish", "8080:80")
    pid = world.init("ghost")
    runs.kill()
    wait_until_gone(pid)
    (world.root / "ghost").rename(tmp_path / "ghost")
    assert list(world.leases()) == ["10.89.0.2"]
    world.serve("next", "--publish", "8080:81", port=81)
    assert world.leases() == {"10.89.0.2": "next 0.0.0.0:8080:81/tcp"}
    (tmp_path / "ghost").rename(world.root / "ghost")
    world.lab("rm", "ghost")  # who has lost a lease takes nothing with it
    assert world.outside.get(f"http://{HOST}:8080/") == "next\n"


def test_of_many_runs_at_once_each_has_an_address_of_its_own(world):
    count = 12
    script = "ip -o -4 address show eth0 | awk '{print $4}'; sleep 1"
    runs = [world.run("--rm", "--network", "lab", "busybox", "sh", "-c", script) for _ in range(count)]
    said = [run.communicate(timeout=60) for run in runs]
    assert not any(why for _, why in said), said
    assert len({address for address, _ in said}) == count
    assert world.leases() == {}


def test_of_many_runs_at_once_one_gets_the_port(world):
    world.lab("network", "create", "lab")
    runs = [world.run("--publish", "8080:80", "--name", f"n{n}", "busybox", "sh", "-c", "echo up; exec sleep 1000")
            for n in range(5)]  # fmt: skip
    told = [run.stdout.readline() for run in runs]
    assert sorted(told) == ["", "", "", "", "up\n"]
    for run, text in zip(runs, told, strict=True):
        assert text or "port 8080 is taken by container" in run.stderr.read()
    assert len(world.leases()) == 1 and len(world.runtime.ids()) == 2  # the networks, and one container


def test_the_last_network_gives_back_what_the_host_was(world):
    """Forwarding, the table, the bridges: fixture `world` compares; here with two of them."""
    world.host.sh("echo 0 > /proc/sys/net/ipv4/ip_forward")
    world.first = world.left()
    world.lab("network", "create", "a")
    world.lab("network", "create", "b", "--subnet", "10.7.0.0/16")
    assert world.host.sh("cat /proc/sys/net/ipv4/ip_forward") == "1\n"
    world.lab("network", "rm", "a")
    assert world.host.sh("cat /proc/sys/net/ipv4/ip_forward") == "1\n"
    assert "10.7.0.0/16" in world.host.sh("nft list table ip labcore")
    world.lab("network", "rm", "b")
    assert world.host.sh("cat /proc/sys/net/ipv4/ip_forward") == "0\n"


def test_reset_takes_networks_too(world):
    world.serve("web", "--publish", "8080:80")
    world.lab("network", "create", "other")
    said = world.out("reset", "--dry-run")
    assert "would remove network     lab" in said and "would remove network     other" in said


# -- what is said ------------------------------------------------------------------------------------------------------


def test_networks_are_listed(world):
    assert world.out("network", "create", "shop", "--subnet", "10.7.0.0/29") == "10.7.0.0/29\n"
    world.serve("web", "--network", "shop", "-p", "8080:80")
    container = {"name": "web", "address": "10.7.0.2", "ports": ["0.0.0.0:8080:80/tcp"]}
    shop = {"name": "shop", "subnet": "10.7.0.0/29", "gateway": "10.7.0.1", "bridge": "lab-shop",
            "containers": [container]}  # fmt: skip
    assert json.loads(world.out("network", "ls", "--format", "json")) == [shop]
    assert shop.items() <= json.loads(world.out("network", "inspect", "shop")).items()
    assert re.search(r"shop +10\.7\.0\.0/29 +lab-shop +web\n", world.out("network", "ls"))


def test_a_plan_with_a_network_makes_nothing(world):
    said = world.out("plan", "--publish", "8080:80", "busybox", "true")
    order = [said.index(f"{name} ") for name in ("lease.take", "net.publish", "net.attach", "net.await_connection",
                                                 "net.set_address", "net.add_route")]  # fmt: skip
    assert order == sorted(order)
    assert world.left() == world.first


@pytest.mark.parametrize("word", ["8080", "80:", "0:80", "80:0", "65536:80", "80:65536", "80:80/sctp", "1.2.3:80:80",
                                  "[::1]:80:80", "8000-8001:80", "192.0.2.99:80:80"])  # the others: test_ports.py
def test_a_port_that_cannot_be_meant_is_refused(world, word):
    refused(world.lab("run", "--publish", word, "busybox", "true", code=1), "--publish", word.partition("/")[0])
    assert world.runtime.ids() in ([], [".networks"])


def test_a_port_that_a_program_of_the_host_has_is_refused(world):
    world.start("busybox", "httpd", "-f", "-p", "8080")
    world.python(ECHO.replace("53", "5353"))
    wait_for_port(world, 8080)
    refused(world.lab("run", "-p", "8080:80", "busybox", "true", code=1), "--publish 8080:80: port 8080 is taken\n")
    refused(world.lab("run", "-p", "127.0.0.1:8080:80", "busybox", "true", code=1),
            "--publish 127.0.0.1:8080:80: port 8080 is taken\n")  # fmt: skip
    refused(world.lab("run", "-p", "5353:53/udp", "busybox", "true", code=1), "port 5353 is taken\n")
    world.lab("run", "--rm", "-p", "5353:53", "busybox", "true")  # udp is not tcp
    assert world.leases() == {}


def test_a_port_that_a_container_has_is_refused(world):
    world.serve("web", "--publish", "8080:80")
    world.lab("network", "create", "other")
    for words in (("-p", "8080:80"), ("-p", "127.0.0.1:8080:80"), ("-p", "8080:80", "--network", "other")):
        refused(world.lab("run", "--name", "two", *words, "busybox", "true", code=1),
                "port 8080 is taken by container 'web'")  # fmt: skip
    refused(world.lab("run", "-p", "1:1", "-p", "1:2", "busybox", "true", code=1),
            "--publish 1:2: port 1 is published twice")  # fmt: skip
    assert world.runtime.ids() == [".networks", "web"] and len(world.leases()) == 1


def test_no_network_is_made_for_a_port_that_is_taken(world):
    world.lab("network", "create", "shop")
    world.lab("run", "-d", "--name", "web", "--network", "shop", "-p", "8080:80", "busybox", "sleep", "1000")
    refused(world.lab("run", "-p", "8080:80", "busybox", "true", code=1), "port 8080 is taken by container 'web'")
    assert [n["name"] for n in json.loads(world.out("network", "ls", "--format", "json"))] == ["shop"]


def test_a_port_that_the_table_has_and_nobody_known_is_refused(world):
    world.lab("network", "create", "lab")
    world.host.sh("nft add element ip labcore ports '{ tcp . 8080 : 10.9.9.9 . 1 }'")
    refused(world.lab("run", "-p", "8080:80", "busybox", "true", code=1), "--publish 8080:80: taken", "hint")
    assert world.leases() == {} and world.runtime.ids() == [".networks"]
    assert "10.9.9.9" in world.host.sh("nft list map ip labcore ports")
    world.host.sh("nft flush map ip labcore ports")


def test_publishing_needs_a_network(world):
    world.serve("web")
    for word in ("none", "host", "container:web"):
        refused(world.lab("run", "--network", word, "-p", "8080:80", "busybox", "true", code=1), "--publish 8080:80",
                f"--network is {word}")  # fmt: skip
    assert world.runtime.ids() == ["web"]


@pytest.mark.parametrize("subnet, word", [
    ("10.1.0.0/33", "length"), ("10.1.0/24", "ADDRESS"), ("10.1.0.1/24", "10.1.0.0/24"), ("", "ADDRESS"),
    (f"{HOST}/24", "203.0.113.0/24"), ("203.0.113.0/25", "203.0.113.0/24"), ("203.0.112.0/20", "203.0.113.0/24"),
])  # the others: test_subnets.py
def test_a_subnet_that_cannot_be_is_refused(world, subnet, word):
    refused(world.lab("network", "create", "shop", "--subnet", subnet, code=1), "--subnet ", subnet, word)
    assert world.left() == world.first


def test_subnets_do_not_overlap(world):
    world.host.sh(f"ip route add 10.89.1.0/24 via {OUTSIDE}; ip link add other type bridge;"
                  " ip address add 10.89.2.9/32 dev other")  # fmt: skip
    world.first = world.left()
    assert world.out("network", "create", "a") == "10.89.0.0/24\n"
    assert world.out("network", "create", "b") == "10.89.3.0/24\n"
    refused(world.lab("network", "create", "c", "--subnet", "10.89.0.0/25", code=1),
            "--subnet 10.89.0.0/25: overlaps 10.89.0.0/24, which is network 'a'")  # fmt: skip
    refused(world.lab("network", "create", "c", "--subnet", "10.89.0.0/22", code=1), "--subnet 10.89.0.0/22: overlaps")


@pytest.mark.parametrize("name", ["", "-a", "a/b", "x" * 12, "host"])
def test_a_network_needs_a_name_that_a_bridge_can_have(world, name):
    refused(world.lab("network", "create", "--", name, code=1), "network")
    assert world.left() == world.first


def test_a_network_that_is_there_not_there_or_in_use(world):
    refused(world.lab("run", "--network", "shop", "busybox", "true", code=1), "network 'shop' does not exist",
            "labcore network create shop")  # fmt: skip
    refused(world.lab("network", "rm", "shop", code=1), "network 'shop' does not exist")
    refused(world.lab("network", "inspect", "shop", code=1), "network 'shop' does not exist")
    world.lab("network", "create", "shop")
    refused(world.lab("network", "create", "shop", code=1), "network 'shop' exists already")
    world.serve("web", "--network", "shop")
    refused(world.lab("network", "rm", "shop", code=1), "network 'shop' is in use by web", "labcore rm --force web")
    refused(world.lab("network", code=2), "network needs")
    refused(world.lab("network", "create", code=2), "one name")
    refused(world.lab("network", "walk", "shop", code=2), "walk")
    refused(world.lab("network", "ls", "--subnet", "10.0.0.0/8", code=2), "--subnet")


def test_a_bridge_of_that_name_is_not_taken_over(world):
    world.host.sh("ip link add lab-shop type bridge")
    world.first = world.left()
    refused(world.lab("network", "create", "shop", code=1), "File exists")
    assert world.left() == world.first


def test_a_network_that_is_full(world):
    world.lab("network", "create", "tiny", "--subnet", "10.7.0.0/30")
    world.serve("only", "--network", "tiny")
    refused(world.lab("run", "--network", "tiny", "busybox", "true", code=1), "network 'tiny' is full", "--subnet")
    assert world.runtime.ids() == [".networks", "only"]


def test_a_container_that_is_not_there_or_does_not_run_lends_no_network(world):
    refused(world.lab("run", "--network", "container:nobody", "busybox", "true", code=1), "nobody")
    world.lab("run", "--name", "ended", "busybox", "true")
    refused(world.lab("run", "--network", "container:ended", "busybox", "true", code=1), "ended", "stopped")
    assert world.runtime.ids() == ["ended"]


def test_a_network_half_made_by_somebody_who_was_killed_is_made_again_or_removed(world):
    world.lab("network", "create", "shop")
    (world.root / ".networks/shop/hosts").unlink()
    refused(world.lab("run", "--network", "shop", "busybox", "true", code=1), "does not exist")
    assert world.out("network", "create", "shop") == "10.89.0.0/24\n"
    (world.root / ".networks/shop/hosts").unlink()
    world.lab("network", "rm", "shop")
    assert world.left() == world.first


@pytest.mark.parametrize("tool", ["ip", "nft"])
def test_a_tool_that_is_missing_is_named(world, tool, tmp_path):
    """Covered by a file that cannot be executed, in a mount namespace of the command's own."""
    (tmp_path / "not").write_text("")
    cover = f'mount --bind {tmp_path}/not "$(command -v {tool})" && exec "$@"'
    done = world.runtime("network", "create", "shop", code=1,
                         through=[*world.host.through, "unshare", "--mount", "sh", "-c", cover, "sh"])  # fmt: skip
    refused(done, f"{tool} is not installed", "apt install")
    assert world.left() == world.first


def test_without_root_a_network_is_refused_in_one_sentence(world):
    user = [*world.host.through, "setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "env", "-i",
            "PATH=/usr/bin:/bin", "HOME=/tmp"]  # fmt: skip
    for words in (("--network", "lab"), ("--publish", "8080:80")):
        done = world.runtime("run", *words, "busybox", "true", code=1, through=user)
        refused(done, "needs root", "--network none, host and container:NAME")
