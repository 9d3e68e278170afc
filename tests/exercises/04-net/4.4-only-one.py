# expect: only-one
# Exercise 4.4 · 6 lines
def find_faults(router, guest):
    rules = router.out("nft list ruleset")
    if router.out("cat /proc/sys/net/ipv4/ip_forward") == "0\n":
        return ["forwarding"]
    if "hook forward priority filter; policy drop" in rules:
        return ["policy"]
    if "default" not in guest.out("ip route"):
        return ["route"]
    return [] if "masquerade" in rules else ["reply"]
