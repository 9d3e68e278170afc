# expect: source-readonly
# Exercise 5.2 · 2 lines
def show_readonly(source, target):
    mount(source, source, None, MS_BIND | MS_REC)
    mount_setattr(AT_FDCWD, source, MOUNT_ATTR_RDONLY, flags=AT_RECURSIVE)
    mount(source, target, None, MS_BIND | MS_REC)
