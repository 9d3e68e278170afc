# expect: left-all
# Exercise 2.3 · 4 lines
def remove_queues():
    with open("/proc/sysvipc/msg") as file:
        lines = file.readlines()
    for line in lines[1:]:
        while int(line.split()[4]) > 0:
            msgrcv(int(line.split()[1]))
