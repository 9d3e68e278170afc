# expect: deeper
# Exercise 7.2 · 4 lines
def escape():
    os.chroot("tmp")
    for _ in range(1000):
        os.chdir("..")
