# expect: raised
# Exercise 3.1 · 4 lines
def three_numbers(outer, name):
    outer.call(unshare, CLONE_NEWPID)
    outer.call(unshare, CLONE_NEWPID)
    return outer.fork(name)
