# expect: source-readonly
# Exercise 5.2 · 2 lines
def show_readonly(source, target):
    mount(source, target, None, MS_BIND | MS_REC)
    mount(None, target, None, MS_REMOUNT | MS_RDONLY)
