# expect: left-open
# Exercise 3.4 · 2 lines
def next_number(number):
    fd = os.open("/proc/sys/kernel/ns_last_pid", os.O_WRONLY)
    os.write(fd, str(number - 1).encode())
