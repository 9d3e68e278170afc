# expect: ended
# Exercise 4.1 · 4 lines
def set_loopback_up():
    os.execvp("ip", ["ip", "link", "set", "lo", "up"])
