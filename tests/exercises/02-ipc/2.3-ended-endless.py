# expect: ended
# Exercise 2.3 · 4 lines
def remove_queues():
    while True:
        with open("/proc/sysvipc/msg") as file:
            lines = file.readlines()
        for line in lines[1:]:
            msgctl(int(line.split()[1]), IPC_RMID)
