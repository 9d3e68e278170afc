"""Pictures: the same bytes every time, small, legible, and with the same facts in words."""

import ast
import functools
import pathlib
import re
import xml.etree.ElementTree as ET

import pytest

from labcore.errors import HostError
from labcore.notebook.mountinfo import Mount
from labcore.notebook.views import (
    architecture,
    card,
    idmap,
    machine,
    mounts,
    namespaces,
    network,
    plan,
    reach,
    readme,
    root,
    svg,
    tree,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = ["uts", "ipc", "pid", "net", "mnt", "user", "cgroup", "time"]
HOST = {kind: 4026531830 + at for at, kind in enumerate(KINDS)}
ROWS = [
    ("host", HOST),
    ("alice", {**HOST, "uts": 4026532601, "ipc": 4026532602}),
    ("bob", {**HOST, "uts": 4026532601, "net": 4026532603}),
    ("somebody-with-a-long-name", {**HOST, "uts": 4026532604, "user": None}),
]
FACTS = {
    "name": "alice", "state": "running", "pids": [("host", 31337), ("inside", 1)], "hostname": "box", "root": "/",
    "namespaces": {**dict.fromkeys(KINDS, "host's"), "uts": "own", "user": None}, "cgroup": "/labcore/" + "x" * 300,
    "uid": "0 -> 1000", "capabilities": [f"CAP_NUMBER_{at}" for at in range(41)],
}
STEPS = [
    ("host", "state.create", "Make the state directory; it is the lock — mkdir(2).", 120),
    ("inside", "namespace.unshare", "Leave shared namespaces for new ones of one's own — unshare(2).", 1420.4),
    ("host", "user.write_maps", "Say which IDs inside are which IDs outside — user_namespaces(7).", 88),
    ("inside", "mount.attach", "Mount a new file system at a path inside the root, and more words than fit. " * 3, 40),
    ("inside", "uts.set_hostname", "Name this UTS namespace — sethostname(2).", None),
]
FAMILY = [  # name, level, numbers inside, zombie
    ("alice", 0, [], False), ("shop", 1, [("A", 1)], False), ("baker", 2, [("A", 2)], False),
    ("oven", 3, [("A", 4), ("B", 1)], False), ("sleep", 2, [("A", 4194304)], True),
    ("bob", 0, [], False), ("guest", 1, [("A", 5)], False),
]  # fmt: skip
DEEP = [(f"somebody-with-a-very-long-name-{at}", at, [(chr(65 + n), 1) for n in range(at)], at == 11)
        for at in range(12)]  # fmt: skip
MAPS = [[(0, 5, 10)], [(0, 20000, 1000), (5000, 40000, 10)]]  # from the innermost outwards
MANY = [(n * 500_000_000, 4_000_000_000 - n * 400_000_000, 123_456_789) for n in range(8)]
MOUNTS = [  # (number, parent, root, point, options, shared, master, unbindable, fstype)
    [(Mount(40, 1, "/", "/mnt", "rw", 71001, 0, False, "tmpfs"), False),
     (Mount(41, 40, "/", "/mnt/shop", "rw", 71002, 71001, False, "tmpfs"), True),
     (Mount(42, 41, "/", "/mnt/shop", "ro,nosuid", 0, 0, False, "overlay-with-a-long-name"), False)],
    [(Mount(50, 1, "/", "/mnt", "rw", 71001, 0, False, "tmpfs"), False),
     (Mount(51, 50, "/", "/mnt/shop", "rw", 0, 71002, False, "tmpfs"), False),
     (Mount(52, 50, "/", "/mnt/a very/long/path/that/has/no/end/at/all", "rw", 0, 0, True, "proc"), False)],
]  # fmt: skip
ROOTS = [
    {"name": "bob", "kind": "host", "path": "/", "mounts": [], "old": None, "cwd": False, "open": 0, "proc": "host"},
    {"name": "carol", "kind": "chroot", "path": "/mnt/room", "mounts": [("/proc", "from the host", "rw")], "old": None,
     "cwd": True, "open": 2, "proc": "host"},
    {"name": "eve", "kind": "own", "path": "/", "mounts": [("/", "from the host", "rw"), ("/dev", "new tmpfs", "ro")],
     "old": None, "cwd": False, "open": 0, "proc": None},
    {"name": "half-way-" * 9, "kind": "own", "path": "/", "old": "at /" + "old/" * 40, "cwd": True, "open": 123,
     "mounts": [(f"/{n}" * 30, "new " + "fs" * 40, "rw") for n in range(30)], "proc": "own"},
    {"name": "deep", "kind": "chroot", "path": "/room" * 40, "mounts": [], "old": None, "cwd": False, "open": 0,
     "proc": None},
]  # fmt: skip


def veth(name, peer=None, *addresses, up=True, master=None):
    return {"name": name, "kind": "veth", "up": up, "addresses": list(addresses), "master": master, "peer": peer}


def space(name, *devices, lo=True, **more):
    loopback = {"name": "lo", "kind": "loopback", "up": lo, "addresses": [], "master": None, "peer": None}
    return {"names": [name], "devices": [loopback, *devices], "routes": [], "ports": [], "forwards": False, "rules": [],
            **more}  # fmt: skip


def bridge(name, *addresses):
    return {**veth(name, None, *addresses), "kind": "bridge"}


SHOP = [
    space("host", bridge("shop0", "10.4.0.1/24"), veth("cable-a", (1, "eth0"), master="shop0"),
          veth("cable-b", (2, "eth0"), master="shop0", up=False), veth("wan0", (3, "eth0"), "203.0.113.1/24"),
          forwards=True, rules=["what is forwarded is dropped", "port 80 -> 10.4.0.2:80", "masquerade"]),
    space("alice", veth("eth0", (0, "cable-a"), "10.4.0.2/24"), routes=["default via 10.4.0.1"], ports=[80]),
    space("bob", veth("eth0", (0, "cable-b"), "10.4.0.3/24", up=False), veth("side", (4, "side"), "10.9.0.1/30"),
          lo=False),
    space("customer", veth("eth0", (0, "wan0"), "203.0.113.9/24")),
    space("eve", veth("side", (2, "side")), veth("lost")),
    space("nobody", lo=False),
]  # fmt: skip
CROWD = [
    space("the-host-has-a-very-long-name", bridge("a-bridge-name-x", *["192.168.100.100/24"] * 5), bridge("empty"),
          *[veth(f"very-long-name{n}", (n, "eth0"), master="a-bridge-name-x") for n in range(1, 30)],
          veth("both", (0, "ends")), veth("ends", (0, "both"), up=False), veth("lost"),
          routes=["198.51.100.0/24 via 192.168.100.254"] * 9, ports=list(range(40)), rules=["long words " * 9] * 5),
    *[space(f"somebody-with-a-very-long-name-{n}", veth("eth0", (0, f"very-long-name{n}"), *["192.168.100.100/24"] * 4),
            *[veth(f"another-name{m}") for m in range(9)], ports=[65000 + m for m in range(20)]) for n in range(1, 30)],
]  # fmt: skip
DRAW = {
    "tree": lambda: tree.draw(FAMILY),
    "deep tree": lambda: tree.draw(DEEP),
    "tree of many": lambda: tree.draw([(f"p{at}", at % 3, [("A", at)] * (at % 3 > 0), at % 2) for at in range(80)]),
    "empty tree": lambda: tree.draw([]),
    "root": lambda: root.draw(ROOTS[:3]),
    "roots of many": lambda: root.draw(ROOTS + ROOTS[::-1]),
    "root of nobody": lambda: root.draw([]),
    "namespaces": lambda: namespaces.draw(ROWS, KINDS),
    "namespaces of many": lambda: namespaces.draw([(f"p{n}", {k: (n * i) % 7 for i, k in enumerate(KINDS)})
                                                   for n in range(60)]),
    "card": lambda: card.draw(FACTS),
    "plan": lambda: plan.draw(STEPS),
    "long plan": lambda: plan.draw(STEPS * 40),
    "plan without times": lambda: plan.draw(STEPS, times=False),
    "id map": lambda: idmap.draw(["drawer", "bob", "host"], MAPS, MAPS),
    "id maps that differ": lambda: idmap.draw(["somebody-with-a-long-name", "host"], MAPS[1:], [[(7, 20000, 1)]]),
    "id maps, many": lambda: idmap.draw([f"level-{n}" for n in range(9)], [MANY] * 8, [MANY[:2]] * 8),
    "id maps that cross": lambda: idmap.draw(["x", "y"], [MANY[:1:-1]], [[(i, 40 - i, 1) for i in range(5)]]),
    "no id map": lambda: idmap.draw(["carol", "host"], [[]], [[]]),
    "no user namespace": lambda: idmap.draw(["host"], [], []),
    "mounts": lambda: mounts.draw(list(zip(["host", "alice"], MOUNTS, strict=True)), "/mnt"),
    "mounts of one": lambda: mounts.draw([("host", MOUNTS[0])], "/mnt"),
    "mounts of three": lambda: mounts.draw(list(zip(["a" * 60, "b", "c"], [*MOUNTS, []], strict=True)), "/mnt"),
    "mounts of nobody": lambda: mounts.draw([("host", [])], "/mnt"),
    "many mounts": lambda: mounts.draw([(name, [(Mount(n, 1, "/", "/m" + f"/d{n:02}" * (n % 9), "rw", n, 0, False,
                                        "tmpfs"), False) for n in range(1, 80)]) for name in "ab"], "/m"),
    "network": lambda: network.draw(SHOP),
    "network of many": lambda: network.draw(CROWD),
    "network of one": lambda: network.draw([space("host")]),
    "network of none": lambda: network.draw([]),
    "machine": machine.draw,
    "reach": lambda: reach.draw(["host", "alice", "a-process-with-a-long-name"], [
        ("queue 0x5409", [True, False, False]), ("queue 0x5409", [False, True, True]), ("/dev/shm/" + "x" * 90,
        [True, False, True]), ("key alices-safe", [True, True, True])]),
    "reach of many": lambda: reach.draw([f"p{n}" for n in range(9)], [
        (f"memory 0x{n:x}", [n % (i + 2) == 0 for i in range(9)]) for n in range(70)]),
    "reach of nobody": lambda: reach.draw([], []),
    "readme": readme.draw,
    "architecture": architecture.draw,
}
every = pytest.mark.parametrize("draw", [functools.cache(draw) for draw in DRAW.values()], ids=DRAW)


def shapes(picture):
    """(tag, attributes with those of the groups above, text) of everything drawn."""
    def walk(element, above):
        here = {**above, **element.attrib}
        tag = element.tag.partition("}")[2]
        if tag == "g" or tag == "svg":
            for child in element:
                yield from walk(child, {k: v for k, v in here.items() if k not in ("width", "height", "role")})
        elif tag in ("text", "rect"):
            yield tag, here, element.text or ""
    yield from walk(ET.fromstring(picture.svg), {})


def texts(picture):
    """(text, left, right, baseline, size) of every text, by the widths we compute."""
    for tag, at, text in shapes(picture):
        if tag == "text":
            size = float(at.get("font-size", 13))
            wide = svg.width(text, size, at.get("font-weight") == "bold", at.get("font-family") == "monospace")
            left = float(at["x"]) - wide * {"middle": 0.5, "end": 1}.get(at.get("text-anchor"), 0)
            yield text, left, left + wide, float(at["y"]), size


@every
def test_the_same_facts_give_the_same_bytes(draw):
    assert draw().svg == draw.__wrapped__().svg
    assert draw().text == draw.__wrapped__().text


@every
def test_a_picture_is_small_opaque_and_well_formed(draw):
    picture = draw()
    assert len(picture.svg.encode()) <= svg.LIMIT_BYTES
    root = ET.fromstring(picture.svg)
    ground = next(at for tag, at, _ in shapes(picture) if tag == "rect")
    assert root.get("viewBox") == f"0 0 {ground['width']} {ground['height']}"
    assert ground["fill"] == svg.GROUND
    assert root.get("width") == "660"  # JupyterLab cuts what is wider, in a window of 1,100 pixels
    assert abs(float(root.get("height")) / 660 - float(ground["height"]) / float(ground["width"])) < 0.001


@every
def test_the_sentence_is_in_the_picture_the_description_and_the_text(draw):
    picture = draw()
    root = ET.fromstring(picture.svg)
    assert root[0].tag.endswith("title") and root[0].text
    assert root[1].tag.endswith("desc") and root[1].text == picture.sentence
    drawn = " ".join(text for text, *_ in texts(picture)).replace("\u00a0", " ")
    assert drawn.startswith(picture.sentence)
    assert picture.text.splitlines()[0] == picture.sentence


@every
def test_a_notebook_gets_svg_and_text(draw):
    picture = draw()
    assert picture._repr_mimebundle_() == {"image/svg+xml": picture.svg, "text/plain": picture.text}
    assert repr(picture) == picture.text


@every
def test_no_text_leaves_the_picture_or_meets_another(draw):
    picture = draw()
    high = float(ET.fromstring(picture.svg).get("viewBox").split()[3])
    placed = list(texts(picture))
    for at, (text, left, right, y, size) in enumerate(placed):
        assert left >= 8 and right <= 700 - 8, text
        assert size <= y <= high - 6, text
        for other, l2, r2, y2, size2 in placed[:at]:
            overlap = left < r2 and l2 < right and y - 0.75 * size < y2 + 0.2 * size2 and y2 - 0.75 * size2 < y
            assert not overlap, (text, other)


@every
def test_no_text_crosses_the_edge_of_a_box(draw):
    picture = draw()
    boxes = [tuple(float(at.get(k, 0)) for k in ("x", "y", "width", "height")) for tag, at, _ in shapes(picture)
             if tag == "rect" and at.get("stroke")]
    for text, left, right, y, size in texts(picture):
        for x, top, wide, tall in boxes:
            if y - 0.75 * size < top + tall and y + 0.2 * size > top and left < x + wide and right > x:
                within = left >= x and right <= x + wide and y - 0.75 * size >= top and y + 0.2 * size <= top + tall
                assert within, (text, (x, top, wide, tall))


@every
def test_nothing_is_cut_in_a_picture_that_is_ours(draw, request):
    if request.node.callspec.id in ("machine", "readme", "architecture"):
        assert "…" not in draw().svg.replace("caps …", "")


@pytest.mark.parametrize("draw", [DRAW["namespaces"], DRAW["card"]], ids=["namespaces", "card"])
def test_no_inode_and_no_pid_of_the_host_is_told(draw):
    picture = draw()
    words = " ".join(text for text, *_ in texts(picture)) + picture.text
    assert not re.search(r"40265|31337", picture.svg + picture.text)
    assert not re.search(r"\d{5}", words)


def test_who_shares_a_namespace_has_the_same_letter():
    assert namespaces.symbols(ROWS, "uts", "host") == ["host", "A", "A", "B"]
    assert namespaces.symbols(ROWS, "ipc", "host") == ["host", "A", "host", "host"]
    assert namespaces.symbols(ROWS, "user", "host") == ["host", "host", "host", "?"]
    assert namespaces.symbols(ROWS[1:], "uts", "host") == ["A", "A", "B"]
    assert namespaces.symbols([(str(n), {"uts": n}) for n in range(28)], "uts", "host")[26:] == ["A1", "B1"]


def test_a_shared_namespace_is_one_box_of_one_pattern():
    picture = namespaces.draw([("host", {"uts": 1}), ("alice", {"uts": 2}), ("bob", {"uts": 2})])
    assert picture.svg.count("url(#lab-rising)") == 1
    assert "url(#lab-dots)" in DRAW["namespaces"]().svg


def test_the_sentence_says_who_left_what():
    assert "alice has left the host's uts and ipc namespaces" in DRAW["namespaces"]().sentence
    nobody = namespaces.draw([("host", HOST), ("alice", HOST)], KINDS)
    assert nobody.sentence == "Every process here is in the same namespaces as the host: nothing is contained."


def test_the_words_of_the_namespaces_hold_every_mark():
    table = {line.split()[0]: line.split()[1:] for line in DRAW["namespaces"]().text.splitlines()[2:]}
    for at, (name, _) in enumerate(ROWS):
        assert table[name] == [namespaces.symbols(ROWS, kind, "host")[at] for kind in KINDS]


def test_root_is_followed_through_every_map():
    assert DRAW["id map"]().sentence == "Root of drawer is 5 in bob and 20005 on the host."
    assert idmap.draw(["a", "host"], [[(1, 0, 9)]], [[]]).sentence == "Nobody of host is root in a."
    assert "65534" in DRAW["no id map"]().sentence


def test_the_words_of_an_id_map_hold_every_line_of_the_files():
    text = DRAW["id map"]().text
    for line in ("drawer 0–9", "bob 5–14", "bob 5000–5009", "host 40000–40009", "host all others"):
        assert line in text
    assert idmap.draw(["a", "host"], MAPS[1:], [[(7, 20000, 1)]]).text.count("groups ") == 2
    assert DRAW["id maps, many"]().text.count("level-0 ") == 8 + 1 + 2 + 1
def test_reach_says_how_much_is_common_to_all():
    picture = DRAW["reach"]()
    assert "reaches key alices-safe; the other 3 are" in picture.sentence
    assert picture.text.splitlines()[-1].split() == ["key", "alices-safe", "yes", "yes", "yes"]
    assert "some of the processes only" in reach.draw(["a"], [("queue 0x1", [False])]).sentence
    assert "46 more" in DRAW["reach of many"]().svg
def test_the_words_of_a_network_hold_every_fact():
    text = network.draw(SHOP).text
    assert text.startswith("On the bridge shop0 of host hang alice and bob; a cable joins host and customer; "
                           "a cable joins bob and eve; no cable leads to nobody.\n")  # fmt: skip
    for fact in (r"alice +eth0 +veth +up +10.4.0.2/24 +cable-a of host", r"eve +lost +veth +up +- +somewhere else",
                 r"host +cable-b +veth on shop0 +down +- +eth0 of bob", "nobody: lo down",
                 "host: .*forwarding on; what is forwarded is dropped; port 80 → 10.4.0.2:80; masquerade",
                 "alice: lo up; listens on port 80; default via 10.4.0.1"):  # fmt: skip
        assert re.search(fact, text), fact
    assert len(re.findall("^somebody", network.draw(CROWD).text, re.M)) == 29 * 12


def test_a_cable_with_an_end_that_is_down_is_broken():
    assert "dasharray" in network.draw(SHOP).svg
    assert "dasharray" not in network.draw([SHOP[0] | {"devices": SHOP[0]["devices"][:3]}, SHOP[1]]).svg


def test_a_network_without_cables_says_so():
    assert network.draw([space("host")]).sentence == "There is one network namespace, and no cable leads out of it."
    assert network.draw([space("host"), space("alice")]).sentence == "No cable leads to host and alice."


def test_the_words_of_a_card_hold_every_fact():
    text = card.draw(FACTS).text
    for fact in ("alice, running", "1 inside", "box", FACTS["cgroup"], "0 -> 1000", "41: number_0", "own", "host's"):
        assert fact in text
    assert "capabilities  none" in card.draw({"name": "a", "capabilities": []}).text


def test_the_words_of_a_plan_hold_every_step():
    text = plan.draw(STEPS * 40).text
    assert text.count("namespace.unshare") == 41  # every step, and the sentence
    assert "1 420" in text and "200  inside" in text


def test_a_plan_is_drawn_with_times_only_when_there_are_some():
    assert "microseconds" in plan.draw(STEPS).svg
    for picture in (plan.draw(STEPS, times=False), plan.draw([(*row[:3], None) for row in STEPS])):
        assert "microseconds" not in picture.svg and "µs" not in picture.text
    assert plan.draw([]).sentence == "This plan has no steps."


def test_steps_of_labcore_draw_themselves():
    from labcore import step, uts

    one = step.inside(uts.set_hostname, name="box")
    words = step.explain(one)
    assert plan.as_row(one) == ("inside", "uts.set_hostname", words, None)
    assert plan.as_row((one, 12.5)) == ("inside", "uts.set_hostname", words, 12.5)


def real_plan():
    """The plan of `labcore run --rootless --memory 64m DIRECTORY sh` on a machine with cgroup v2."""
    from labcore import default
    from labcore import plan as order

    facts = {"root": False, "uid": 1000, "gid": 1000, "in_userns": False, "cgroup": 2, "cgroup1": {}, "cgroup2": "/c"}
    config = default.config("web", str(ROOT), ["sh"], facts, {"memory": "64m"})
    return order.run(config, facts, "/b", "/d", {"cgroupPath": "/labcore/web"})


def test_the_first_page_shows_steps_of_the_real_plan_in_their_order():
    real = iter([(step.place, step.address) for step in real_plan()])
    for _, place, steps in readme.BLOCKS:
        for address, *_ in steps:
            assert (place, address) in real, address


def test_the_whole_real_plan_fits_in_one_picture():
    picture = plan.draw(real_plan())
    assert len(picture.svg.encode()) <= svg.LIMIT_BYTES
    assert "in the text" not in picture.svg and "…" not in picture.svg


def test_the_layers_of_the_architecture_are_the_imports_there_are():
    places = {name: (row, column) for row, boxes in enumerate(architecture.LAYERS)
              for column, box in enumerate(boxes) for name in re.findall(r"\w+", box[2])}
    for name, place in places.items():
        path = ROOT / "labcore" / f"{name}.py"
        nodes = ast.walk(ast.parse(path.read_text() if path.exists() else ""))
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.level:
                wanted = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
                assert all(places[other] > place for other in wanted if other in places), (name, wanted)


@pytest.mark.parametrize("view", [readme, architecture, machine], ids=lambda view: view.__name__.rpartition(".")[2])
def test_the_pictures_in_docs_are_what_the_project_draws(view):
    path = ROOT / "docs" / "pictures" / f"{view.__name__.rpartition('.')[2]}.svg"
    assert path.read_text(encoding="utf-8") == view.draw().svg, f"python -m {view.__name__} {path.relative_to(ROOT)}"


def test_a_namespace_is_an_area_around_all_that_descend_from_its_first():
    assert tree.areas(FAMILY) == [(1, 4, "A", 1), (3, 3, "B", 2), (6, 6, "A", 1)]
    picture = tree.draw(FAMILY)
    assert picture.svg.count("url(#lab-rising)") == 2 and picture.svg.count("url(#lab-dots)") == 1


def test_number_1_and_a_zombie_are_told_in_words():
    picture = tree.draw(FAMILY)
    assert picture.sentence == "shop is number 1 in A, oven is number 1 in B; sleep is a zombie."
    for words in ("PID 1 of A", "PID 1 of B", "a zombie"):
        assert words in picture.svg and words in picture.text
    assert tree.draw(FAMILY[:1]).sentence.startswith("Nobody here has left the host's PID namespace")


def test_the_words_of_a_tree_hold_every_number():
    rows = [line.split() for line in tree.draw(FAMILY).text.splitlines()[3:-1]]
    assert [row[:4] for row in rows] == [
        ["alice", "#", "-", "-"], ["shop", "#", "1", "-"], ["baker", "#", "2", "-"], ["oven", "#", "4", "1"],
        ["sleep", "#", "4194304", "-"], ["bob", "#", "-", "-"], ["guest", "#", "5", "-"],
    ]  # fmt: skip
def test_mounts_say_peers_slaves_and_what_is_covered_with_letters():
    picture = DRAW["mounts"]()
    rows = {line.split("  ")[0]: line for line in picture.text.splitlines()}
    assert "⇄ shared B; ← slave of A; (covered)" in rows["/mnt/shop"] and "← slave of B" in rows["/mnt/shop"]
    assert "ro; · private" in rows["/mnt/shop, on top"] and "× unbindable" in picture.text
    assert not re.search(r"7100\d", picture.svg + picture.text)


def test_the_sentence_of_mounts_says_what_crosses():
    def mount(number, shared=0, master=0):
        return [(Mount(number, 1, "/", "/m", "rw", shared, master, False, "tmpfs"), False)]

    def said(one, other):
        return mounts.draw([("a", one), ("b", other)], "/m").sentence

    assert "a and b are peers" in said(mount(5, shared=9), mount(6, shared=9))
    assert "b is a slave of a" in said(mount(5, shared=9), mount(6, master=9))
    assert "a is a slave of b" in said(mount(5, master=9), mount(6, shared=9))
    assert "neither direction" in said(mount(5), mount(6, master=9))
    assert "one mount namespace" in said(mount(5, shared=9), mount(5, shared=9))


def test_text_from_a_container_cannot_break_the_picture():
    odd = "</text><script>&\x1b[31m\x00\udc80\uffff\"'" + "W" * 200
    for picture in (namespaces.draw([("host", HOST), (odd, HOST)]), card.draw({"name": odd, "root": odd, odd: odd}),
                    network.draw([space("host", bridge(odd, odd), rules=[odd]), space(odd, veth(odd, None, odd))]),
                    plan.draw([("host", odd, odd, 1)]), tree.draw([(odd, 0, [("A", 1)], True)])):
        ET.fromstring(picture.svg.encode())
        assert "<script" not in picture.svg
        assert "\x1b" not in picture.text + picture.svg


def test_wrapping_loses_no_word_and_cutting_shows():
    words = "one two three four — five six seven eight nine ten"
    lines = svg.wrap(words, 80)
    assert " ".join(lines).replace("\u00a0", " ") == words
    assert not any(line.endswith("—") for line in lines)
    assert all(svg.width(line) <= 80 for line in lines)
    assert svg.wrap(words, 80, lines=2)[-1].endswith("…")
    assert svg.width(svg.shorten("W" * 50, 100)) <= 100


# The stepper: a generator that counts what really happened.


class Walk:
    """Steps that leave a trace of being performed."""

    def __init__(self, fail_at=None):
        self.done, self.closed, self.cleaned, self.fail_at = [], 0, 0, fail_at

    def steps(self):
        try:
            for at, row in enumerate(STEPS):
                if at == self.fail_at:
                    raise HostError("cgroup v2 is not mounted", hint="mount it <here>")
                self.done.append(row[1])
                yield row
        finally:
            self.closed += 1

    def look(self):
        return {"host": {"hostname": "host"}, "inside": {"hostname": "box" if len(self.done) > 4 else "host"}}

    def clean(self):
        self.cleaned += 1


@pytest.fixture
def make_stepper():
    stepper = pytest.importorskip("labcore.notebook.views.stepper", reason="needs ipywidgets")
    made = []

    def make(walk, **more):
        made.append(stepper.Stepper(walk.steps(), walk.look, walk.steps, walk.clean, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_stepper_does_nothing_unasked_and_one_step_for_each_press(make_stepper):
    walk = Walk()
    one = make_stepper(walk, total=5)
    assert walk.done == []
    one.buttons["step"].click()
    assert walk.done == ["state.create"]
    assert "Step 1 of 5" in one.status.value and "state.create" in one.status.value
    one.buttons["step"].click()
    assert walk.done == ["state.create", "namespace.unshare"]


def test_a_stepper_shows_both_sides_and_what_changed(make_stepper):
    one = make_stepper(Walk())
    for _ in range(4):
        one.buttons["step"].click()
        assert "changed" not in one.table.value
    one.buttons["step"].click()
    assert one.table.value.count("◂ changed") == 1 and "box ◂ changed" in one.table.value


def test_a_stepper_runs_to_the_end_and_stays_there(make_stepper):
    walk = Walk()
    one = make_stepper(walk)
    one.buttons["run"].click()
    assert len(walk.done) == len(STEPS) and "Done: 5 steps." in one.status.value
    assert one.buttons["step"].disabled and one.buttons["run"].disabled and not one.buttons["reset"].disabled
    assert walk.cleaned == 0  # what was built stays to be looked at


def test_a_reset_cleans_up_and_begins_before_the_first_step(make_stepper):
    walk = Walk()
    one = make_stepper(walk)
    one.buttons["step"].click()
    one.buttons["reset"].click()
    assert (walk.closed, walk.cleaned, walk.done) == (1, 1, ["state.create"])
    assert "Nothing has happened yet" in one.status.value
    one.buttons["step"].click()
    assert walk.done == ["state.create"] * 2


def test_a_failed_step_is_shown_with_its_hint_and_stops_the_walk(make_stepper):
    walk = Walk(fail_at=2)
    one = make_stepper(walk)
    one.buttons["run"].click()
    assert "Stopped after 2 steps;" in one.status.value
    assert "cgroup v2 is not mounted" in one.status.value and "mount it &lt;here&gt;" in one.status.value
    assert one.buttons["step"].disabled
    one.buttons["reset"].click()
    assert walk.cleaned == 1 and not one.buttons["step"].disabled


def test_a_stepper_ends_once_however_often_it_is_closed(make_stepper):
    walk = Walk()
    one = make_stepper(walk)
    one.buttons["step"].click()
    one.buttons["end"].click()
    one.close()
    one.close()
    assert (walk.closed, walk.cleaned) == (1, 1)


def test_a_cell_that_runs_again_ends_its_earlier_stepper(make_stepper):
    first, second = Walk(), Walk()
    make_stepper(first).buttons["step"].click()
    make_stepper(second)
    assert (first.closed, first.cleaned, second.cleaned) == (1, 1, 0)
    make_stepper(Walk(), key="another")
    assert second.cleaned == 0


def test_a_clean_up_that_fails_is_shown(make_stepper):
    walk = Walk()
    walk.clean = lambda: (_ for _ in ()).throw(OSError(16, "Device or resource busy"))
    one = make_stepper(walk)
    one.buttons["reset"].click()
    assert "Device or resource busy" in one.status.value and one.phase == "ended"
    one.buttons["reset"].click()
    assert one.phase == "ready"
    walk.clean = None
    one.on_close = None


def test_a_look_that_fails_stops_nothing(make_stepper):
    walk = Walk()
    walk.look = lambda: 1 / 0
    one = make_stepper(walk)
    one.buttons["step"].click()
    assert walk.done == ["state.create"] and "ZeroDivisionError" in one.table.value


def test_buttons_keep_their_labels_and_classes(make_stepper):
    one = make_stepper(Walk())
    assert {name: button.description for name, button in one.buttons.items()} == {
        "step": "Step", "run": "Run to end", "reset": "Reset", "end": "End",
    }
    assert all(f"lab-stepper-{name}" in button._dom_classes for name, button in one.buttons.items())


def test_the_sentence_says_whose_root_is_what_and_what_leads_back():
    assert root.draw(ROOTS[:3]).sentence == (
        "bob has the host's /; carol has a directory for /, with the host's tree around it; "
        "eve has a tree of its own, and nothing leads back."
    )
    assert "and a way leads back" in root.draw([{**ROOTS[2], "open": 1}]).sentence


def test_the_words_of_a_root_hold_every_mount_and_every_way_out():
    text = root.draw(ROOTS[1:4]).text
    for fact in ("/dev", "new tmpfs", "ro", "2 outside", "a way out", "host's processes", "/29", "mounted at /old/"):
        assert fact in text


def test_switches_run_what_stands_on_yours_and_show_what_comes_back():
    switches = pytest.importorskip("labcore.notebook.views.switches", reason="needs ipywidgets")
    asked = []

    def run(chosen):
        asked.append(chosen)
        if len(chosen) > 1:
            raise HostError("too much", "take less")
        return "<box>\n"

    one = switches.Switches(["uts.set_hostname", "rootfs.pivot"], run)
    assert one.chosen() == [] and asked == []
    one.rows["rootfs.pivot"].value = "yours"
    one.button.click()
    assert asked == [["rootfs.pivot"]] and "yours: rootfs.pivot" in one.said.value and "&lt;box&gt;" in one.said.value
    one.rows["uts.set_hostname"].value = "yours"
    one.button.click()
    assert "too much" in one.said.value and "take less" in one.said.value
    assert "Nothing is kept" in switches.Switches([], run).said.value
