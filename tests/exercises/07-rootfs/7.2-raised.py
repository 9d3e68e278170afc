# expect: raised
# Exercise 7.2 · 4 lines
def escape():
    os.mkdir("deeper")
    os.chroot("deeper")
    for _ in range(1000):
        os.chdir("..")
    os.chroot(".")
