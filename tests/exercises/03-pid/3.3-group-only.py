# expect: group-only
# Exercise 3.3 · 2 lines
def new_session():
    if os.getpgid(0) != os.getpid():
        os.setpgid(0, 0)
