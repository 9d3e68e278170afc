# expect: at-home
# Exercise 6.1 · 4 lines
def own_root(uid, gid):
    os.getuid()
