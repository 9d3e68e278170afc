# expect: ended
# Exercise 7.1 · 4 lines
def pivot(rootfs):
    os.fchdir(rootfs)
    pivot_root(".", ".")
    umount(".", MNT_DETACH)
    os._exit(0)
