# expect: not-first
# Exercise 3.1 · 4 lines
def three_numbers(outer, name):
    outer.call(unshare, CLONE_NEWPID)
    between = outer.fork("between")
    between.call(unshare, CLONE_NEWPID)
    between.fork("between-2")
    return between.fork(name)
