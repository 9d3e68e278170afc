"""Messages and descriptors between two of our processes."""

import os

import pytest

from labcore import wire


@pytest.fixture
def ends():
    here, there = wire.pair()
    yield here, there
    here.close()
    there.close()


def test_messages_arrive_whole_and_in_order(ends):
    for message in ({"a": [1, None, "ä"]}, [], "x"):
        wire.send(ends[0], message)
    assert [wire.receive(ends[1])[0] for _ in range(3)] == [{"a": [1, None, "ä"]}, [], "x"]


def test_descriptors_travel_beside_their_message_and_close_on_exec(ends):
    reader, writer = os.pipe()
    wire.send(ends[0], "first", [reader, writer])
    wire.send(ends[0], "second")
    (_, fds), (_, none) = wire.receive(ends[1]), wire.receive(ends[1])
    os.write(fds[1], b"through")
    assert (os.read(reader, 9), none, [os.get_inheritable(fd) for fd in fds]) == (b"through", [], [False, False])
    for fd in (reader, writer, *fds):
        os.close(fd)


def test_end_of_file_is_an_error_before_and_within_a_message(ends):
    ends[0].send(b"\x20\0\0\0abc")
    ends[0].close()
    with pytest.raises(EOFError):
        wire.receive(ends[1])
    with pytest.raises(EOFError):
        wire.receive(ends[1])


def test_refused_message_leaves_no_descriptor_behind(ends):
    before = set(os.listdir("/proc/self/fd"))
    null = os.open("/dev/null", os.O_RDONLY)
    ends[0].sendmsg([(65 << 20).to_bytes(4, "little")], [(*wire._RIGHTS, null.to_bytes(4, "little"))])
    os.close(null)
    with pytest.raises(ValueError, match=f"a message of {65 << 20} bytes"):
        wire.receive(ends[1])
    assert set(os.listdir("/proc/self/fd")) == before


def test_trampolines_report_is_the_error_it_names(ends):
    ends[0].send((0x80000000 | 8).to_bytes(4, "little"))
    with pytest.raises(OSError, match="Exec format error") as raised:
        wire.receive(ends[1])
    assert raised.value.errno == 8


def test_other_end_that_is_gone_is_no_signal(ends):
    ends[1].close()
    with pytest.raises(BrokenPipeError):
        wire.send(ends[0], "x")
