# expect: nothing-found
# Exercise 7.3 · 3 lines
def leak(pid):
    for number in os.listdir(f"/proc/{pid}/fd"):
        if os.readlink(f"/proc/{pid}/fd/{number}") == "/host":
            return int(number)
