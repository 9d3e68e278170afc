# expect: other-table
# Exercise 6.4 · 7 lines
def show_as(source, target, pid):
    mount("other", target, "tmpfs")
    for name in os.listdir(source):
        os.close(os.open(f"{target}/{name}", os.O_CREAT))
