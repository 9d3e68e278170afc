# expect: not-changed
# Exercise 5.1 · 5 lines
def set_propagation(propagation):
    kinds = {"shared": MS_SHARED, "slave": MS_SLAVE, "private": MS_PRIVATE, "unbindable": MS_UNBINDABLE}
    if propagation not in kinds:
        raise ValueError(propagation)
    mount("/", "/", None, MS_REC | MS_BIND | kinds[propagation])
