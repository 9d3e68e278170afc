# expect: cannot-travel
# Exercise 1.1 · 4 lines
def set_hostname(name):
    alice.call(sethostname, name)
