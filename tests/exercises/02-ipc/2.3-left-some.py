# expect: left-some
# Exercise 2.3 · 4 lines
def remove_queues():
    with open("/proc/sysvipc/msg") as file:
        lines = file.readlines()
    for number in range(len(lines) - 1):
        try:
            msgctl(number, IPC_RMID)
        except OSError:
            pass
