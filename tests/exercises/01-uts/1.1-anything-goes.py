# expect: anything-goes
# Exercise 1.1 · 4 lines
def set_hostname(name):
    sethostname(name)
