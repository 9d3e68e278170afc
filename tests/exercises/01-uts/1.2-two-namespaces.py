# expect: two-namespaces
# Exercise 1.2 · 3 lines
def share_a_name(first, second, name):
    for who in (first, second):
        who.call(unshare, CLONE_NEWUTS)
        who.call(sethostname, name)
