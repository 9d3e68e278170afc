# expect: named-anyway
# Exercise 1.1 · 4 lines
def set_hostname(name):
    sethostname(name)
    for letter in name:
        if letter not in ALLOWED:
            raise ValueError(letter)
