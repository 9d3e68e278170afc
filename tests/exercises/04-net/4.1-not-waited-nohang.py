# expect: not-waited
# Exercise 4.1 · 4 lines
def set_loopback_up():
    child = os.posix_spawnp("sh", ["sh", "-c", "sleep 9; ip link set lo up"], os.environ)
    _, status = os.waitpid(child, os.WNOHANG)
    if status != 0:
        raise OSError("lo stays down")
