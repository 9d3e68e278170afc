# expect: raised
# Exercise 7.1 · 4 lines
def pivot(rootfs):
    pivot_root(rootfs, rootfs)
    umount(".", MNT_DETACH)
    os.chdir("/")
