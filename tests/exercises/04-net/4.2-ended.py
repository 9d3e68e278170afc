# expect: ended
# Exercise 4.2 · 5 lines
def plug_in(router, guest, cable, address):
    router.out(f"ip link add {cable} type veth peer name eth0 netns {guest.pid}")
    router.out(f"ip link set {cable} master shop0 up")
    guest.out(f"ip address add {address}/24 dev eth0")
    guest.out("ip link set eth0 up")
    guest.out("ip route add default via 10.4.0.1")
    guest.sh("busybox ping 10.4.0.1")
