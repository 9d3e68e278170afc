# expect: host-renamed
# Exercise 1.2 · 3 lines
def share_a_name(first, second, name):
    first.call(sethostname, name)
    first.call(unshare, CLONE_NEWUTS)
    second.call(setns, first, CLONE_NEWUTS)
