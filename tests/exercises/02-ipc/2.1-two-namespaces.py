# expect: two-namespaces
# Exercise 2.1 · 4 lines
def deliver(first, second, key, text):
    first.call(unshare, CLONE_NEWIPC)
    second.call(unshare, CLONE_NEWIPC)
    queue = second.call(msgget, key, IPC_CREAT | 0o600)
    second.call(msgsnd, queue, text)
