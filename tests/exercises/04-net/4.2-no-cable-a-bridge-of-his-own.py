# expect: no-cable
# Exercise 4.2 · 5 lines
def plug_in(router, guest, cable, address):
    guest.out("ip link add eth0 type bridge")
    guest.out(f"ip address add {address}/24 dev eth0")
    guest.out("ip link set eth0 up")
    guest.out("ip route add default via 10.4.0.1")
