# expect: one-late
# Exercise 3.4 · 2 lines
def next_number(number):
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(number))
