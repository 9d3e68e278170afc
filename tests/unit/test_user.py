"""Subordinate IDs and maps, as text."""

import pytest

from labcore import user


@pytest.mark.parametrize("text, found", [
    ("me:100000:65536\n", (100000, 65536)), ("other:1:2\nme:3:4\nme:5:6\n", (3, 4)), ("7:100:10\n", (100, 10)),
    ("", None), ("me:x:y\n", None), ("me:1\n", None), ("mee:1:2\n", None), ("# me:1:2\n", None),
])  # fmt: skip
def test_subordinate_ids(text, found, tmp_path):
    (tmp_path / "subuid").write_text(text)
    assert user.subordinate_ids(str(tmp_path / "subuid"), "me", 7) == found


def test_file_that_is_not_there_grants_nothing():
    assert user.subordinate_ids("/no/such/file", "me", 7) is None
