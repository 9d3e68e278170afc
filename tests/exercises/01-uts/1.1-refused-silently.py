# expect: refused-silently
# Exercise 1.1 · 4 lines
def set_hostname(name):
    for letter in name:
        if letter not in ALLOWED:
            print("no host name")
            return
    sethostname(name)
