# expect: failure-hidden
# Exercise 4.1 · 4 lines
def set_loopback_up():
    os.system("ip link set lo up")
