"""The monitor: parent of a detached container, the only one who can learn its exit status — wait(2).

It is forked before the command line imports anything, and imports nothing itself: it stays as small as Python gets.

    caller ──fork──► monitor ──fork──► walker ──clone(CLONE_PARENT)──► init, a child of the monitor
"""

import os


def split():
    """Become three processes; returns, in the walker, the descriptor on which to tell the monitor about init."""
    told, tell = os.pipe()
    monitor = os.fork()
    if monitor:
        os.close(tell)
        _be_caller(told)
    os.close(told)
    os.setsid()  # a Ctrl-C at the terminal is for the caller, who passes it on
    heard, say = os.pipe()
    walker = os.fork()
    if walker == 0:
        os.close(heard)
        os.close(tell)
        return say
    os.close(say)
    os.write(tell, b"%d\n" % walker)
    try:
        _be_monitor(walker, heard, tell)
    finally:
        os._exit(0)


def _be_caller(told):
    """Wait for the walker's exit status and leave with it."""
    walker, text, interrupted = 0, b"", False
    while True:
        try:
            part = os.read(told, 64)
            text += part
            if not walker and b"\n" in text:
                walker, text = int(text.partition(b"\n")[0]), text.partition(b"\n")[2]
                if interrupted:
                    os.kill(walker, 2)
            if not part:
                os._exit(int(text or b"1"))
        except KeyboardInterrupt:
            interrupted = True
            if walker:
                os.kill(walker, 2)


def _be_monitor(walker, heard, tell):
    """Pass on how the walker ended; then wait for init and write down how that ended."""
    status = os.waitpid(walker, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    init, _, rest = os.read(heard, 8192).partition(b"\n")
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.write(tell, b"%d" % (code if code >= 0 else 128 - code))
    os.close(tell)
    os.chdir("/")
    if code == 0 and init:
        directory, _, after = rest.partition(b"\n")
        # by descriptor: by the time init ends, another container may have this one's name
        at = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        record(int(init), at, after.split(b"\0") if after else None)


def record(init, directory, after):
    """Wait for init, write its exit code beside its state, and run what is to come after."""
    code = os.waitstatus_to_exitcode(os.waitpid(init, 0)[1])
    try:
        fd = os.open("exit.new", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=directory)
        os.write(fd, b"%d" % (code if code >= 0 else 128 - code))
        os.close(fd)
        os.rename("exit.new", "exit", src_dir_fd=directory, dst_dir_fd=directory)
    except FileNotFoundError:
        return  # removed with --force while we waited
    except OSError:
        pass  # a full disk: the code is lost, but not what is to come after
    if after:
        os.execv(after[0], after)
