# expect: only-chroot
# Exercise 7.1 · 4 lines
def pivot(rootfs):
    os.fchdir(rootfs)
    os.chroot(".")
    os.chdir("/")
