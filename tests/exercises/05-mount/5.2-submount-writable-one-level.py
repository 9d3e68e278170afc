# expect: submount-writable
# Exercise 5.2 · 2 lines
def show_readonly(source, target):
    mount(source, target, None, MS_BIND | MS_REC)
    mount(None, target, None, MS_REMOUNT | MS_BIND | MS_RDONLY)
    for name in os.listdir(target):
        if os.path.ismount(f"{target}/{name}"):
            mount(None, f"{target}/{name}", None, MS_REMOUNT | MS_BIND | MS_RDONLY)
