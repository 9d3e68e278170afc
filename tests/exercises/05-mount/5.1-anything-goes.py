# expect: anything-goes
# Exercise 5.1 · 5 lines
def set_propagation(propagation):
    if propagation == "shared":
        kind = MS_SHARED
    elif propagation == "slave":
        kind = MS_SLAVE
    elif propagation == "unbindable":
        kind = MS_UNBINDABLE
    else:
        kind = MS_PRIVATE
    mount(None, "/", None, MS_REC | kind)
