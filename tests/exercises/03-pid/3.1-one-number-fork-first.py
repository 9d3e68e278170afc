# expect: one-number
# Exercise 3.1 · 4 lines
def three_numbers(outer, name):
    inmost = outer.fork(name)
    outer.call(unshare, CLONE_NEWPID)
    inmost.call(unshare, CLONE_NEWPID)
    return inmost
