# expect: two-numbers
# Exercise 3.1 · 4 lines
def three_numbers(outer, name):
    outer.call(unshare, CLONE_NEWPID)
    between = outer.fork("between")
    return between.fork(name)
