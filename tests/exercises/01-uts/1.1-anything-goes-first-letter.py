# expect: anything-goes
# Exercise 1.1 · 4 lines
def set_hostname(name):
    if name[0] not in ALLOWED:
        raise ValueError(name)
    sethostname(name)
