# expect: no-process
# Exercise 3.1 · 4 lines
def three_numbers(outer, name):
    outer.call(unshare, CLONE_NEWPID)
    between = outer.fork("between")
    between.call(unshare, CLONE_NEWPID)
    inmost = between.fork(name)
    between.end()
    return inmost
