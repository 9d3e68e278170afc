# expect: left-all
# Exercise 2.3 · 4 lines
def remove_queues():
    with open("/proc/sysvipc/msg") as file:
        lines = file.readlines()
    for line in lines[1:]:
        try:
            msgctl(int(line.split()[0]), IPC_RMID)
        except OSError:
            pass
