# expect: old-root-left
# Exercise 7.1 · 4 lines
def pivot(rootfs):
    os.fchdir(rootfs)
    pivot_root(".", ".")
    os.chdir("/")
