# expect: raised
# Exercise 7.1 · 4 lines
def pivot(rootfs):
    pivot_root(".", ".")
    umount(".", MNT_DETACH)
    os.chdir("/")
