# expect: not-named
# Exercise 1.1 · 4 lines
def set_hostname(name):
    for letter in name:
        if letter not in ALLOWED:
            raise ValueError(name)
        return
    sethostname(name)
