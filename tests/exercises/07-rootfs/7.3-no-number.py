# expect: no-number
# Exercise 7.3 · 3 lines
def leak(pid):
    for number in os.listdir(f"/proc/{pid}/fd"):
        if os.path.samefile(f"/proc/{pid}/fd/{number}", "/"):
            return number
