# expect: ended
# Exercise 5.1 · 5 lines
def set_propagation(propagation):
    kinds = {"shared": MS_SHARED, "slave": MS_SLAVE, "private": MS_PRIVATE, "unbindable": MS_UNBINDABLE}
    if propagation not in kinds:
        os._exit(1)
    mount(None, "/", None, MS_REC | kinds[propagation])
