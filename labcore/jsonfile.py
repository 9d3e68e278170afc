"""JSON in and out, without the parts of the json package that cost 6 ms to import (its regular expressions).

The accelerators behind json are used directly; where a Python lacks them, json itself is.
"""

import os

try:
    from _json import encode_basestring_ascii, make_encoder, make_scanner
except ImportError:  # another Python implementation
    make_encoder = None


def _refuse(value):
    raise TypeError(f"{type(value).__name__} has no JSON form")


class _Context:
    strict, object_hook, object_pairs_hook, memo = True, None, None, {}
    parse_float, parse_int = float, int

    @staticmethod
    def parse_constant(name):
        raise ValueError(f"{name} is not JSON")


def dumps(value):
    """A value as JSON text."""
    if make_encoder is None:
        import json

        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    encoder = make_encoder({}, _refuse, encode_basestring_ascii, None, ":", ",", False, False, False)
    return "".join(encoder(value, 0))


def loads(text):
    """JSON text as a value; ValueError says where it is broken."""
    if make_encoder is None:
        import json

        return json.loads(text, parse_constant=_Context.parse_constant)
    start = len(text) - len(text.lstrip(" \t\n\r"))
    try:
        value, end = make_scanner(_Context)(text, start)
        if not text[end:].strip(" \t\n\r"):
            return value
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except (StopIteration, SystemError, ValueError):
        pass  # broken text may be slow: the accelerator can only say where with json.decoder loaded
    import json

    return json.loads(text, parse_constant=_Context.parse_constant)


def read(path, dir_fd=None, limit=16 << 20):
    """The value in a JSON file of at most `limit` bytes."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=dir_fd)
    try:
        data = part = os.read(fd, 1 << 16)
        while part and len(data) <= limit:
            part = os.read(fd, 1 << 20)
            data += part
    finally:
        os.close(fd)
    if len(data) > limit:
        raise ValueError(f"more than {limit} bytes")
    return loads(data.decode("utf-8"))


def write(path, value, dir_fd=None):
    """Replace a JSON file at once: readers see the old text or the new, never a part."""
    fd = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600, dir_fd=dir_fd)
    try:
        data = memoryview(dumps(value).encode())
        while data:
            data = data[os.write(fd, data):]
    except OSError:
        os.unlink(path + ".new", dir_fd=dir_fd)
        raise
    finally:
        os.close(fd)
    os.rename(path + ".new", path, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
