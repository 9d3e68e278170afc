# expect: waits-for-all
# Exercise 3.2 · 4 lines
def small_init(command):
    main = os.posix_spawn("/bin/sh", ["sh", "-c", command], os.environ)
    code = None
    while True:
        try:
            ended, status = os.wait()
        except ChildProcessError:
            return code
        if ended == main:
            code = os.waitstatus_to_exitcode(status)
