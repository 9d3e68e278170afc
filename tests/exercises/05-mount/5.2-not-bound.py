# expect: not-bound
# Exercise 5.2 · 2 lines
def show_readonly(source, target):
    mount(target, source, None, MS_BIND | MS_REC)
