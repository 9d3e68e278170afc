"""IPC namespace: message queues, semaphores and shared memory of one's own. (notebook 02)

The namespace itself is made by clone; what belongs to it inside is a session keyring, which would otherwise
still be the caller's.
"""

import errno

from . import errors, syscalls
from .step import inside


def join_session_keyring():
    """Take a new session keyring, so that the caller's keys stay outside — keyctl(2)."""
    try:
        syscalls.keyctl_join_session_keyring()
    except OSError as error:
        if error.errno == errno.EDQUOT:  # or the container would go on with the caller's keys
            raise errors.HostError("this user has no room for one more keyring",
                                   "sysctl kernel.keys.maxkeys; /proc/key-users") from None  # fmt: skip
        if error.errno not in (errno.ENOSYS, errno.EPERM):  # no keyrings here, so none is shared
            raise


def plan(spec):
    """One step: the keyring."""
    yield inside(join_session_keyring)
