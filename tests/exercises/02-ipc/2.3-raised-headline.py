# expect: raised
# Exercise 2.3 · 4 lines
def remove_queues():
    with open("/proc/sysvipc/msg") as file:
        lines = file.readlines()
    for line in lines:
        msgctl(int(line.split()[1]), IPC_RMID)
