"""What an IPC namespace holds, what it does not, and a session keyring of one's own."""

import errno
import os

import pytest

from labcore import errors, ipc, syscalls

KEY = 0x1E57


def session_keyring():
    return syscalls.keyctl_get_keyring_id(syscalls.KEY_SPEC_SESSION_KEYRING)


def number_of(call, *args):
    """The error number of a call that must be refused."""
    try:
        call(*args)
    except OSError as error:
        return error.errno
    return 0


@pytest.fixture
def keyrings():
    try:
        session_keyring()
    except OSError:
        pytest.skip("no keyrings in this kernel, or they are forbidden here")


def test_session_keyring_is_another(child, keyrings):
    def tell():
        syscalls.keyctl_join_session_keyring()
        before, key = session_keyring(), syscalls.add_key("safe", "4711")
        seen = syscalls.keyctl_read(syscalls.request_key("safe"))
        ipc.join_session_keyring()
        return [seen, before != session_keyring(), number_of(syscalls.request_key, "safe"),
                number_of(syscalls.keyctl_read, key)]  # fmt: skip

    assert child(tell) == ["4711", True, errno.ENOKEY, errno.EACCES]


def test_without_room_for_a_keyring_nobody_goes_on_with_the_callers(child, keyrings):
    def tell():
        os.setresuid(61235, 61235, 61235)
        syscalls.keyctl_join_session_keyring()
        full = [number_of(syscalls.add_key, f"key-{n}", "x") for n in range(1000)][-1]
        try:
            ipc.join_session_keyring()
        except errors.HostError as error:
            return [full, error.args[0]]

    assert child(tell) == [errno.EDQUOT, "this user has no room for one more keyring"]


def test_a_key_is_not_in_the_ipc_namespace(child, keyrings):
    def tell():
        syscalls.keyctl_join_session_keyring()
        syscalls.add_key("safe", "4711")
        syscalls.unshare(syscalls.CLONE_NEWIPC)
        return syscalls.keyctl_read(syscalls.request_key("safe"))

    assert child(tell) == "4711"


def test_permissions_of_a_key_reach_the_kernel(child, keyrings):
    def tell():
        ring = syscalls.keyctl_join_session_keyring()
        listed = f"{ring:08x}" in open("/proc/keys").read()
        syscalls.keyctl_setperm(ring, 0)
        return [listed, f"{ring:08x}" in open("/proc/keys").read()]

    assert child(tell) == [True, False]


def test_a_queue_keeps_messages_in_order_and_by_kind(child):
    def tell():
        queue = syscalls.msgget(KEY, syscalls.IPC_CREAT | 0o600)
        for text, kind in (("first", 1), ("urgent", 9), ("sähe", 1), ("", 1)):
            syscalls.msgsnd(queue, text, kind)
        took = [syscalls.msgrcv(syscalls.msgget(KEY)), syscalls.msgrcv(queue, 9), syscalls.msgrcv(queue),
                syscalls.msgrcv(queue), number_of(syscalls.msgrcv, queue, 0, syscalls.IPC_NOWAIT)]  # fmt: skip
        syscalls.msgctl(queue, syscalls.IPC_RMID)
        return [*took, number_of(syscalls.msgget, KEY)]

    assert child(tell, "ipc") == ["first", "urgent", "sähe", "", errno.ENOMSG, errno.ENOENT]


def test_a_semaphore_counts_and_does_not_go_below_zero(child):
    def tell():
        loaves = syscalls.semget(KEY, 2, syscalls.IPC_CREAT | 0o600)
        syscalls.semctl(loaves, 1, syscalls.SETVAL, 3)
        syscalls.semop(loaves, -2, 1)
        left = syscalls.semctl(loaves, 1, syscalls.GETVAL)
        refused = number_of(syscalls.semop, loaves, -2, 1, syscalls.IPC_NOWAIT)
        syscalls.semctl(loaves, 0, syscalls.IPC_RMID)
        return [left, refused, number_of(syscalls.semget, KEY, 2)]

    assert child(tell, "ipc") == [1, errno.EAGAIN, errno.ENOENT]


def test_shared_memory_is_shared_and_outlives_the_move_of_who_has_it(child):
    def tell():
        memory = syscalls.shmget(KEY, 4096, syscalls.IPC_CREAT | 0o600)
        one, two = syscalls.shmat(memory), syscalls.shmat(memory, syscalls.SHM_RDONLY)
        syscalls.poke(one, "17 loaves")
        syscalls.unshare(syscalls.CLONE_NEWIPC)
        syscalls.poke(one + 3, "rolls")
        seen = syscalls.peek(two)
        syscalls.shmdt(one)
        return [one != two, seen, number_of(syscalls.shmdt, one), number_of(syscalls.shmctl, memory, syscalls.IPC_RMID)]

    assert child(tell, "ipc") == [True, "17 rolls", errno.EINVAL, errno.EINVAL]


def test_a_posix_queue_gives_the_most_urgent_message_first(child):
    def tell():
        orders = syscalls.mq_open("/orders", os.O_CREAT | os.O_RDWR)
        syscalls.mq_send(orders, "2 loaves", 1)
        syscalls.mq_send(orders, "fire", 9)
        took = [syscalls.mq_receive(orders), syscalls.mq_receive(orders)]
        syscalls.mq_unlink("/orders")
        return [*took, os.get_inheritable(orders), number_of(syscalls.mq_open, "/orders", os.O_RDWR)]

    assert child(tell, "ipc") == ["fire", "2 loaves", False, errno.ENOENT]


def test_a_refusal_shows_no_address(child):
    def tell():
        try:
            syscalls.msgrcv(7, 0, syscalls.IPC_NOWAIT)
        except OSError as error:
            return str(error.args[1])

    assert child(tell, "ipc") == "msgrcv(7, {…}, 65536, 0, 2048): Invalid argument"
