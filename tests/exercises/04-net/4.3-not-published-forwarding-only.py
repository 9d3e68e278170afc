# expect: not-published
# Exercise 4.3 · 4 lines
def publish(router, port, address):
    router.out("echo 1 > /proc/sys/net/ipv4/ip_forward")
