# expect: not-twice
# Exercise 3.3 · 2 lines
def new_session():
    os.setsid()
