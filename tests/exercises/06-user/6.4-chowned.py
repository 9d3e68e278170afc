# expect: chowned
# Exercise 6.4 · 7 lines
def show_as(source, target, pid):
    for name in os.listdir(source):
        os.chown(f"{source}/{name}", 23002, -1)
    mount(source, target, None, MS_BIND)
