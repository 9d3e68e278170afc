"""The maps of a chain of user namespaces, from what was read on the host."""

from labcore.notebook import idmaps

BOB = "         0      20000       1000\n      5000      40000         10\n"
DRAWER = "         0      20005         10\n        10      40000          1\n"


def test_the_lines_of_a_map_are_three_numbers():
    assert idmaps.parse(BOB) == [(0, 20000, 1000), (5000, 40000, 10)]
    assert idmaps.parse("") == []


def test_what_was_read_on_the_host_is_told_in_ids_of_the_parent():
    assert idmaps.relative(idmaps.parse(DRAWER), idmaps.parse(BOB)) == [(0, 5, 10), (10, 5000, 1)]


def test_an_id_that_the_reader_does_not_have_is_left_out():
    assert idmaps.relative([(0, 4294967295, 1)], idmaps.parse(BOB)) == []


def test_a_chain_goes_from_the_innermost_to_the_host():
    looks = [{"uid_map": DRAWER, "gid_map": ""}, {"uid_map": BOB, "gid_map": BOB}]
    users, groups = idmaps.chain(looks)
    assert users == [[(0, 5, 10), (10, 5000, 1)], [(0, 20000, 1000), (5000, 40000, 10)]]
    assert groups == [[], [(0, 20000, 1000), (5000, 40000, 10)]]
    assert idmaps.chain([]) == [[], []]
