# expect: no-cable
# Exercise 4.2 · 5 lines
def plug_in(router, guest, cable, address):
    guest.sh(f"ip address add {address}/24 dev lo")
