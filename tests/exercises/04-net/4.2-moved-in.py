# expect: moved-in
# Exercise 4.2 · 5 lines
def plug_in(router, guest, cable, address):
    guest.call(setns, router, CLONE_NEWNET)
