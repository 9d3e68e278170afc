"""A session keyring of one's own."""

import ctypes

import pytest

from labcore import ipc, syscalls

KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING = 0, -3


def session_keyring():
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.syscall(syscalls._NR["keyctl"], KEYCTL_GET_KEYRING_ID, ctypes.c_int(KEY_SPEC_SESSION_KEYRING), 0)


def test_session_keyring_is_another(child):
    if session_keyring() == -1:
        pytest.skip("no keyrings in this kernel, or they are forbidden here")

    def tell():
        before = session_keyring()
        ipc.join_session_keyring()
        return [before, session_keyring()]

    before, after = child(tell)
    assert -1 not in (before, after) and before != after
