# expect: ended
# Exercise 3.3 · 2 lines
def new_session():
    while os.getsid(0) != os.getpid():
        pass
