# expect: took-more
# Exercise 2.3 · 4 lines
def remove_queues():
    for kind, remove in (("msg", msgctl), ("shm", shmctl)):
        with open(f"/proc/sysvipc/{kind}") as file:
            lines = file.readlines()
        for line in lines[1:]:
            remove(int(line.split()[1]), IPC_RMID)
