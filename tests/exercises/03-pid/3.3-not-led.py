# expect: not-led
# Exercise 3.3 · 2 lines
def new_session():
    if os.getsid(0) == os.getpid():
        os.setsid()
