# expect: cannot-travel
# Exercise 6.1 · 4 lines
def own_root(uid, gid):
    host.call(unshare, CLONE_NEWUSER)
