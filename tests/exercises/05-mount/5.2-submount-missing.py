# expect: submount-missing
# Exercise 5.2 · 2 lines
def show_readonly(source, target):
    mount(source, target, None, MS_BIND)
    mount_setattr(AT_FDCWD, target, MOUNT_ATTR_RDONLY, flags=AT_RECURSIVE)
