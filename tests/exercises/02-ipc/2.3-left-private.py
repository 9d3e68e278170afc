# expect: left-private
# Exercise 2.3 · 4 lines
def remove_queues():
    with open("/proc/sysvipc/msg") as file:
        lines = file.readlines()
    for line in lines[1:]:
        if int(line.split()[0]):
            msgctl(msgget(int(line.split()[0])), IPC_RMID)
