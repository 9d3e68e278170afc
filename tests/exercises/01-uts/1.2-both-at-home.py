# expect: both-at-home
# Exercise 1.2 · 3 lines
def share_a_name(first, second, name):
    first.sh(f"unshare --uts hostname {name}")
    second.call(setns, first, CLONE_NEWUTS)
