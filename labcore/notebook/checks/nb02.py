"""Checks of 02-ipc: who shares which objects and which keys, read from outside.

Each check makes processes of its own, under names that no lesson uses, and removes what was left on the lab host.
"""

import contextlib

from labcore import errors
from labcore.syscalls import (
    CLONE_NEWIPC,
    IPC_CREAT,
    IPC_NOWAIT,
    IPC_PRIVATE,
    IPC_RMID,
    KEY_SPEC_SESSION_KEYRING,
    add_key,
    keyctl_get_keyring_id,
    keyctl_join_session_keyring,
    keyctl_read,
    msgctl,
    msgget,
    msgrcv,
    request_key,
    semget,
    shmget,
    unshare,
)  # fmt: skip

from ..checking import NotYet, demand_function
from ..patience import limit, use
from ..process import Process

KEY, TEXT = 0x0B0E, "six candles"


@contextlib.contextmanager
def cast(*names):
    """Fresh processes, and a witness who stays at home; what is left behind there is removed."""
    actors = [Process(f"checked-{name}") for name in (*names, "witness")]
    witness, before = actors[-1], queues(actors[-1])
    try:
        yield actors
    finally:
        for number in queues(witness) - before:
            witness.call(msgctl, number, IPC_RMID)
        for actor in actors:
            actor.end()


def queues(who):
    """The IDs of all message queues that a process sees — proc(5), /proc/sysvipc."""
    return {int(line.split()[1]) for line in who.out("cat /proc/sysvipc/msg").splitlines()[1:]}


def succeeds(who, function, *args):
    """Does this call of theirs succeed? A dead process is no refusal."""
    try:
        who.call(function, *args)
    except OSError:
        return False
    return True


# -- 2.1 deliver -------------------------------------------------------------------------------------------------------


def delivers_in_private(answer):
    """Both are in one IPC namespace that is not the host's, and the message waits there."""
    demand_function(answer, "deliver")
    with cast("one", "two") as (one, two, witness):
        before, home = queues(witness), witness.ns("ipc")
        with limit(one, two):
            answer(one, two, KEY, TEXT)
        ours, theirs = one.ns("ipc"), two.ns("ipc")
        if home in (ours, theirs):
            left_at_home([name for name, at in (("first", ours), ("second", theirs)) if at == home])
        if queues(witness) - before:
            raise NotYet("host-has-it", "the host has a message queue more than before",
                         "the queue was made before the move, and stayed behind", "By hand, step 2")  # fmt: skip
        if ours != theirs:
            raise NotYet("two-namespaces", "first and second are in two different IPC namespaces",
                         "each of them made one with unshare", "01, By hand, step 4")  # fmt: skip
        if not succeeds(two, msgget, KEY):
            raise NotYet("no-queue", "second finds no queue that has the key",
                         "msgget lacks IPC_CREAT, or was given another key than `key`", "Look")  # fmt: skip
        waits_for_second(two)


def waits_for_second(two):
    """The message is the first in the queue."""
    queue = two.call(msgget, KEY)
    try:
        text = two.call(msgrcv, queue, 0, IPC_NOWAIT)
    except OSError:
        raise NotYet("empty-queue", "there is a queue with the key, and no message in it",
                     "msgsnd was not called, or the message was taken out again",
                     "By hand, step 1") from None  # fmt: skip
    if text != TEXT:
        raise NotYet("other-text", f"asked for {TEXT!r}, the message is {text!r}",
                     "msgsnd was given another text than `text`", "the last line of your function")  # fmt: skip


def left_at_home(names):
    """The diagnosis for one or both that have not left the host's namespace."""
    if len(names) == 2:
        raise NotYet("both-at-home", "first and second are still in the host's IPC namespace",
                     "nobody called unshare; a shell command does it for itself, not for the one who started it",
                     "By hand, step 2")  # fmt: skip
    raise NotYet("one-at-home", f"{names[0]} is still in the host's IPC namespace",
                 "it did not enter, or it entered before the other one had a namespace of its own",
                 "01, By hand, step 4")  # fmt: skip


# -- 2.2 join_session_keyring ------------------------------------------------------------------------------------------


def leaves_the_keys_outside(answer):
    """The process has a session keyring of its own, which works, and which nobody else can look into."""
    demand_function(answer, "join_session_keyring")
    with cast("vault") as (vault, witness):
        demand_keyrings(vault)
        outside = vault.call(add_key, "checked-key", "1748")
        before = listed(witness, vault.call(keyctl_get_keyring_id, KEY_SPEC_SESSION_KEYRING))
        clerk = vault.fork("checked-clerk")
        returned = use(clerk, answer)
        if listed(witness, vault.call(keyctl_get_keyring_id, KEY_SPEC_SESSION_KEYRING)) != before:
            raise NotYet("wrong-keyring", "the caller's keyring has other permissions than before",
                         "keyctl_setperm was called before the process had a keyring of its own",
                         "the second hint: the order")  # fmt: skip
        if succeeds(clerk, request_key, "checked-key") or succeeds(clerk, keyctl_read, outside):
            raise NotYet("still-shared", "the process still has the caller's key",
                         "it has the old session keyring; a new IPC namespace does not change that",
                         "What stays shared: keys")  # fmt: skip
        if returned is not None:
            raise NotYet("returns-something", f"the function returns a {type(returned).__name__}",
                         "a step hands back nothing, or the runtime takes it for a handle",
                         "remove `return`")  # fmt: skip
        opens_for_nobody_else(clerk, witness)


def opens_for_nobody_else(clerk, witness):
    """The new keyring is its possessor's, and is of use to it."""
    if not (succeeds(clerk, add_key, "checked-own", "1") and succeeds(clerk, request_key, "checked-own")):
        raise NotYet("locked-out", "the process cannot use its own keyring",
                     "the permissions leave nothing to the possessor, who comes first in the number",
                     "the text of exercise 2.2")  # fmt: skip
    if listed(witness, clerk.call(keyctl_get_keyring_id, KEY_SPEC_SESSION_KEYRING)):
        raise NotYet("still-open", "another process of the same user sees the new keyring in /proc/keys",
                     "keyctl_setperm is missing, or leaves something to the user",
                     "the text of exercise 2.2")  # fmt: skip


def demand_keyrings(vault):
    """A machine without keyrings is nobody's mistake."""
    try:
        vault.call(keyctl_join_session_keyring)
    except OSError as error:
        raise errors.HostError(f"this machine has no keyrings for us: {error.strerror}") from None


def listed(witness, number):
    """The permissions of a key as another process reads them in /proc/keys; None if it is not listed there."""
    rows = (line.split() for line in witness.out("cat /proc/keys").splitlines())
    return next((row[4] for row in rows if int(row[0], 16) == number), None)


# -- 2.3 remove_queues -------------------------------------------------------------------------------------------------


def removes_queues(answer):
    """In a namespace with queues of every sort none is left; the rest of it is."""
    demand_function(answer, "remove_queues")
    with cast("attic") as (attic, _):
        attic.call(unshare, CLONE_NEWIPC)
        made = {key: attic.call(msgget, key, IPC_CREAT | 0o600) for key in (7, KEY, 0x7FFFFFFF)}
        hidden = {attic.call(msgget, IPC_PRIVATE, 0o600) for _ in range(2)}
        attic.call(msgctl, made.pop(7), IPC_RMID)  # a hole in the row of IDs
        attic.call(shmget, KEY, 4096, IPC_CREAT | 0o600)
        attic.call(semget, KEY, 1, IPC_CREAT | 0o600)
        use(attic, answer)
        left = queues(attic)
        if left >= {*made.values(), *hidden}:
            raise NotYet("left-all", "every queue is still there", "nothing was removed, or by something else than IDs",
                         "the first hint")  # fmt: skip
        if left == hidden:
            raise NotYet("left-private", "the queues without a key are still there",
                         "they were looked for by key; made with IPC_PRIVATE, they all have the key 0",
                         "the second hint")  # fmt: skip
        if left:
            raise NotYet("left-some", "some queues are gone and some are still there",
                         "the loop ended early, or guessed the IDs", "the second hint")  # fmt: skip
        if not (succeeds(attic, shmget, KEY, 0) and succeeds(attic, semget, KEY, 0)):
            raise NotYet("took-more", "memory or semaphores are gone, too", "only queues were to be removed",
                         "the text of exercise 2.3")  # fmt: skip


CHECKS = {"2.1": delivers_in_private, "2.2": leaves_the_keys_outside, "2.3": removes_queues}
KEEPS = {"2.2": "ipc.join_session_keyring"}
