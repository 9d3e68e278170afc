# expect: swallowed
# Exercise 3.3 · 2 lines
def new_session():
    try:
        os.setsid()
    except PermissionError:
        pass
