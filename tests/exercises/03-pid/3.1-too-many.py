# expect: too-many
# Exercise 3.1 · 4 lines
def three_numbers(outer, name):
    for at in range(3):
        outer.call(unshare, CLONE_NEWPID)
        outer = outer.fork(f"between {at}" if at < 2 else name)
    return outer
