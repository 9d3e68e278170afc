# expect: other-source
# Exercise 5.2 · 2 lines
def show_readonly(source, target):
    mount(source, target, "tmpfs", MS_RDONLY)
