# expect: still-down
# Exercise 4.1 · 4 lines
def set_loopback_up():
    child = os.posix_spawnp("ip", ["ip", "address", "add", "127.0.0.1/8", "dev", "lo"], os.environ)
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise OSError("lo stays down")
