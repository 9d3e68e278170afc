# expect: other-root
# Exercise 7.1 · 4 lines
def pivot(rootfs):
    os.fchdir(rootfs)
    os.chdir("..")
    pivot_root(".", ".")
    umount(".", MNT_DETACH)
