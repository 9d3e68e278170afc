# expect: two-numbers
# Exercise 3.1 · 4 lines
def three_numbers(outer, name):
    outer.call(unshare, CLONE_NEWPID)
    inmost = outer.fork(name)
    inmost.call(unshare, CLONE_NEWPID)
    return inmost
