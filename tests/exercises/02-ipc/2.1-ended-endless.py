# expect: ended
# Exercise 2.1 · 4 lines
def deliver(first, second, key, text):
    while first.ns("ipc") == second.ns("ipc"):
        first.call(unshare, CLONE_NEWIPC)
        second.call(setns, first, CLONE_NEWIPC)
