# expect: no-forwarding
# Exercise 4.3 · 4 lines
def publish(router, port, address):
    router.out("nft add table ip published")
    router.out("nft add chain ip published in '{ type nat hook prerouting priority dstnat; }'")
    router.out(f"nft add rule ip published in iifname wan0 tcp dport {port} dnat to {address}:80")
