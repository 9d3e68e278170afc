# expect: not-moved
# Exercise 4.2 · 5 lines
def plug_in(router, guest, cable, address):
    router.out(f"ip link add {cable} type veth peer name eth0")
    router.out(f"ip link set {cable} master shop0 up")
