# expect: not-led
# Exercise 3.3 · 2 lines
def new_session():
    if os.getsid(0) != os.getpid():
        os.waitpid(os.posix_spawn("/usr/bin/setsid", ["setsid", "true"], {"PATH": "/usr/bin:/bin"}), 0)
