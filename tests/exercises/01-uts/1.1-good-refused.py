# expect: good-refused
# Exercise 1.1 · 4 lines
def set_hostname(name):
    if not name.isalnum():
        raise ValueError("letters and digits only")
    sethostname(name)
