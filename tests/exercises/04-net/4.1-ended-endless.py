# expect: ended
# Exercise 4.1 · 4 lines
def set_loopback_up():
    child = os.posix_spawnp("ip", ["ip", "link", "set", "lo", "up"], os.environ)
    os.waitpid(child, 0)
    os.system("busybox ping 127.0.0.1 > /dev/null")
