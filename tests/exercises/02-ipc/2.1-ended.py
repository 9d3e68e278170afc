# expect: ended
# Exercise 2.1 · 4 lines
def deliver(first, second, key, text):
    first.call(unshare, CLONE_NEWIPC)
    second.call(setns, first, CLONE_NEWIPC)
    queue = first.call(msgget, key, IPC_CREAT | 0o600)
    second.call(msgrcv, queue)
    first.call(msgsnd, queue, text)
