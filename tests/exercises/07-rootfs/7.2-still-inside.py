# expect: still-inside
# Exercise 7.2 · 4 lines
def escape():
    for _ in range(1000):
        os.chdir("..")
    os.chroot(".")
