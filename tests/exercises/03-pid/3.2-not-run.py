# expect: not-run
# Exercise 3.2 · 4 lines
def small_init(command):
    main = 2
    while True:
        ended, status = os.wait() if os.getpid() > 1 else (main, 0)
        if ended == main:
            return status
