# expect: wrong-guest
# Exercise 4.3 · 4 lines
def publish(router, port, address):
    router.out("nft add table ip published")
    router.out("nft add chain ip published in '{ type nat hook prerouting priority dstnat; }'")
    router.out(f"nft add rule ip published in iifname wan0 tcp dport {port} dnat to 10.4.0.20:80")
    router.out("echo 1 > /proc/sys/net/ipv4/ip_forward")
