"""mountinfo: lines that are hard to read, and which mounts can be seen."""

from labcore.notebook import mountinfo

TEXT = """\
20 20 8:1 / / rw shared:1 - ext4 /dev/sda rw
30 20 0:30 / /mnt rw,relatime shared:7 - tmpfs old rw
31 30 0:31 / /mnt/old rw - tmpfs old rw
40 30 0:40 / /mnt rw,relatime shared:8 master:3 propagate_from:2 - tmpfs stage rw,mode=755
41 40 0:41 /src /mnt/a\\040b ro - tmpfs stage rw
42 40 0:42 / /mnt/shop rw master:9 - tmpfs shop rw
43 42 0:43 / /mnt/shop/deep rw unbindable - tmpfs deep rw
44 42 0:44 / /mnt/shop rw - tmpfs cover rw
45 20 0:45 / /mnt2 rw - tmpfs beside rw
"""
MOUNTS = mountinfo.parse(TEXT)


def seen(path):
    return [(mount.number, covered) for mount, covered in mountinfo.below(MOUNTS, path)]


def test_a_line_is_read_field_by_field():
    stage, odd = MOUNTS[3], MOUNTS[4]
    assert (stage.number, stage.parent, stage.shared, stage.master) == (40, 30, 8, 3)
    assert (odd.root, odd.point, odd.options, odd.fstype) == ("/src", "/mnt/a b", "ro", "tmpfs")
    assert MOUNTS[6].unbindable and not stage.unbindable


def test_a_path_leads_into_the_mount_on_top():
    assert mountinfo.at(MOUNTS, "/").number == 20
    assert mountinfo.at(MOUNTS, "/mnt/x").number == 40
    assert mountinfo.at(MOUNTS, "/mnt/shop/deep").number == 44
    assert mountinfo.at(MOUNTS, "/mnt2").number == 45
    assert mountinfo.at([], "/") is None


def test_what_lies_below_a_directory_is_listed_with_what_covers_it():
    assert seen("/mnt") == [(40, False), (41, False), (42, True), (44, False), (43, True)]
    assert seen("/mnt/a b") == [(41, False)]
    assert seen("/nowhere") == []


def test_a_mount_that_a_later_one_beside_it_covers_is_hidden():
    mounts = mountinfo.parse(
        "20 20 8:1 / / rw - ext4 x rw\n21 20 0:1 / /a/b rw - tmpfs x rw\n22 20 0:2 / /a rw - tmpfs x rw\n"
    )
    assert [m.number for m, covered in mountinfo.below(mounts, "/a")] == [22]
    assert [m.number for m, covered in mountinfo.below(mounts, "/") if covered] == [21]
