# expect: both-at-home
# Exercise 2.1 · 4 lines
def deliver(first, second, key, text):
    first.sh("unshare --ipc true")
    queue = second.call(msgget, key, IPC_CREAT | 0o600)
    second.call(msgsnd, queue, text)
