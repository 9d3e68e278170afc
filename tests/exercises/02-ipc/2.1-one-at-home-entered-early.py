# expect: one-at-home
# Exercise 2.1 · 4 lines
def deliver(first, second, key, text):
    second.call(setns, first, CLONE_NEWIPC)
    first.call(unshare, CLONE_NEWIPC)
    queue = first.call(msgget, key, IPC_CREAT | 0o600)
    first.call(msgsnd, queue, text)
