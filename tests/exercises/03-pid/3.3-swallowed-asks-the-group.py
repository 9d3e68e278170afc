# expect: swallowed
# Exercise 3.3 · 2 lines
def new_session():
    if os.getpgid(0) != os.getpid():
        os.setsid()
