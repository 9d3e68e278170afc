# expect: not-waited
# Exercise 4.1 · 4 lines
def set_loopback_up():
    child = os.posix_spawnp("ip", ["ip", "link", "set", "lo", "up"], os.environ)
