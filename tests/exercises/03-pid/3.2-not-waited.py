# expect: not-waited
# Exercise 3.2 · 4 lines
def small_init(command):
    main = os.posix_spawn("/bin/sh", ["sh", "-c", command], os.environ)
    ended, status = os.waitpid(main, os.WNOHANG)
    if ended == main:
        return os.waitstatus_to_exitcode(status)
