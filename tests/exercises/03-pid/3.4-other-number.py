# expect: other-number
# Exercise 3.4 · 2 lines
def next_number(number):
    with open("/proc/sys/kernel/ns_last_pid") as file:
        return int(file.read()) == number - 1
