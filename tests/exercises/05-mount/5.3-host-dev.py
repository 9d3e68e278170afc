# expect: host-dev
# Exercise 5.3 · 4 lines
def make_dev(directory, names):
    mount("/dev", directory, None, MS_BIND | MS_REC)
