# expect: waits-for-all
# Exercise 3.2 · 4 lines
def small_init(command):
    main = os.posix_spawn("/bin/sh", ["sh", "-c", command], os.environ)
    while (ended := os.wait()) != main:
        pass
    return os.waitstatus_to_exitcode(ended[1])
