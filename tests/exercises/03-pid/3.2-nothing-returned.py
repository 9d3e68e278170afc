# expect: nothing-returned
# Exercise 3.2 · 4 lines
def small_init(command):
    main = os.posix_spawn("/bin/sh", ["sh", "-c", command], os.environ)
    while True:
        ended, status = os.wait()
        if ended == main:
            break
