# expect: same-owner
# Exercise 6.4 · 7 lines
def show_as(source, target, pid):
    mount(source, target, None, MS_BIND)
