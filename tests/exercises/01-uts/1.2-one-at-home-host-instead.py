# expect: one-at-home
# Exercise 1.2 · 3 lines
def share_a_name(first, second, name):
    first.call(unshare, CLONE_NEWUTS)
    first.call(sethostname, name)
    second.call(setns, host, CLONE_NEWUTS)
