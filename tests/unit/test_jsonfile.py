"""JSON without the json package, and as strict as it."""

import json
import os

import pytest

from labcore import jsonfile


@pytest.mark.parametrize("value", [
    None, True, 0, -1, 1 << 64, 1.5, "", "ä\n\"\\\0\u2028\U0001f600", [], {}, [[], {}], {"a": {"b": [1, None, "c"]}},
    "\ud800", {"": 0},
])
def test_round_trip(value):
    text = jsonfile.dumps(value)
    assert jsonfile.loads(text) == json.loads(text) == value
    assert text.isascii()


@pytest.mark.parametrize("text", [
    "", " ", "{", "}", "[1,]", "{'a':1}", '{"a"}', '{"a":1,}', "01", "+1", ".5", "nul", "NaN", "[Infinity]", '"\n"',
    '"\\x"', "1 2", "\ufeff{}", '"unclosed',
])
def test_broken_text_is_a_value_error_that_says_where(text):
    with pytest.raises(ValueError) as raised:
        jsonfile.loads(text)
    assert str(raised.value)


def test_white_space_may_surround_a_value():
    assert jsonfile.loads("\r\n\t [1] \n") == [1]


def test_nesting_without_end_is_refused():
    with pytest.raises(ValueError, match="nested too deeply"):
        jsonfile.loads("[" * 200_000)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"bytes"])
def test_what_has_no_json_form_is_refused(value):
    with pytest.raises((ValueError, TypeError)):
        jsonfile.dumps(value)


def test_file_is_replaced_at_once_and_private(tmp_path):
    path = str(tmp_path / "a.json")
    jsonfile.write(path, {"a": 1})
    old = os.stat(path).st_ino
    jsonfile.write(path, {"a": 2})
    assert jsonfile.read(path) == {"a": 2}
    assert os.stat(path).st_ino != old and os.stat(path).st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["a.json"]


def test_file_below_a_directory_descriptor(tmp_path):
    fd = os.open(tmp_path, os.O_PATH)
    jsonfile.write("a", [1], dir_fd=fd)
    assert jsonfile.read("a", dir_fd=fd) == [1]
    os.close(fd)


def test_file_that_is_too_large_or_a_fifo_is_not_waited_for(tmp_path):
    (tmp_path / "large").write_text("[" + " " * 100 + "]")
    with pytest.raises(ValueError, match="more than 50 bytes"):
        jsonfile.read(str(tmp_path / "large"), limit=50)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ValueError):
        jsonfile.read(str(tmp_path / "fifo"))
