"""Messages between our own processes: JSON with a length in front, and descriptors beside it — unix(7).

The `socket` module costs 8 ms to import; the C module behind it has all that is needed.
"""

import _socket
import os

from . import jsonfile

_RIGHTS = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS)
_MAX = 64 << 20


def pair():
    """Two connected stream sockets."""
    return _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC, 0)


def from_fd(fd):
    """A socket around a descriptor; the socket owns it from here on."""
    return _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, fd)


def send(sock, message, fds=()):
    """Send one message with descriptors — sendmsg(2)."""
    data = jsonfile.dumps(message).encode()
    data = memoryview(len(data).to_bytes(4, "little") + data)
    beside = [(*_RIGHTS, b"".join(fd.to_bytes(4, "little") for fd in fds))] if fds else []
    sent = sock.sendmsg([data], beside, _socket.MSG_NOSIGNAL)
    while sent < len(data):
        sent += sock.send(data[sent:], _socket.MSG_NOSIGNAL)


def receive(sock, max_fds=64):
    """Receive one message: (message, descriptors); EOFError when the other end is gone — recvmsg(2)."""
    head, beside, _, _ = sock.recvmsg(4, _socket.CMSG_SPACE(4 * max_fds), _socket.MSG_CMSG_CLOEXEC)
    fds = []
    for level, kind, raw in beside:
        if (level, kind) == _RIGHTS:
            fds += [int.from_bytes(raw[i : i + 4], "little") for i in range(0, len(raw) - len(raw) % 4, 4)]
    try:
        head += _exactly(sock, 4 - len(head)) if head else b""
        if not head:
            raise EOFError("the other end is gone")
        length = int.from_bytes(head, "little")
        if length >> 31:  # no message of ours: the trampoline's four bytes, an errno with the highest bit set
            raise OSError(length & ~(1 << 31), os.strerror(length & ~(1 << 31)))
        if length > _MAX:
            raise ValueError(f"a message of {length} bytes")
        return jsonfile.loads(_exactly(sock, length).decode()), fds
    except BaseException:
        for fd in fds:
            os.close(fd)
        raise


def _exactly(sock, count):
    parts = []
    while count:
        part = sock.recv(min(count, 1 << 20))
        if not part:
            raise EOFError("the other end is gone")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
