# expect: ended
# Exercise 6.1 · 4 lines
def own_root(uid, gid):
    unshare(CLONE_NEWUSER)
    os._exit(0)
