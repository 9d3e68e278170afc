# expect: left-open
# Exercise 7.1 · 4 lines
def pivot(rootfs):
    old = os.open("/", os.O_RDONLY)
    os.fchdir(rootfs)
    pivot_root(".", ".")
    os.fchdir(old)
    umount(".", MNT_DETACH)
    os.chdir("/")
