# expect: wrong-descriptor
# Exercise 7.3 · 3 lines
def leak(pid):
    for number in os.listdir(f"/proc/{pid}/fd"):
        if os.path.isdir(f"/proc/{pid}/fd/{number}"):
            return int(number)
