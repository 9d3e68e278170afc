# expect: refused-silently
# Exercise 5.1 · 5 lines
def set_propagation(propagation):
    kinds = {"shared": MS_SHARED, "slave": MS_SLAVE, "private": MS_PRIVATE,
             "unbindable": MS_UNBINDABLE}
    if propagation in kinds:
        mount(None, "/", None, MS_REC | kinds[propagation])
