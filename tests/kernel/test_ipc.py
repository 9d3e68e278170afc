"""A session keyring of one's own."""

import pytest

from labcore import ipc


def test_session_keyring_is_another(child):
    def session():
        return [line.split()[0] for line in open("/proc/keys") if " keyring " in line and "_ses" in line]

    def tell():
        ipc.join_session_keyring()
        first = session()
        ipc.join_session_keyring()
        return [first, session()]

    try:
        open("/proc/keys").close()
    except OSError:
        pytest.skip("no /proc/keys: this kernel has no keyrings")
    first, second = child(tell)
    assert second and not set(first) & set(second)
