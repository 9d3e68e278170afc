# expect: other-chain
# Exercise 4.4 · 6 lines
def find_faults(router, guest):
    rules = router.out("nft list ruleset")
    found = {"forwarding": router.out("cat /proc/sys/net/ipv4/ip_forward") == "0\n",
             "policy": "policy drop" in rules,
             "route": "default" not in guest.out("ip route"),
             "reply": "masquerade" not in rules}
    return [word for word in found if found[word]]
