# expect: submount-writable
# Exercise 5.2 · 2 lines
def show_readonly(source, target):
    mount(source, target, None, MS_BIND | MS_REC)
    mount_setattr(AT_FDCWD, target, MOUNT_ATTR_RDONLY, flags=0)
