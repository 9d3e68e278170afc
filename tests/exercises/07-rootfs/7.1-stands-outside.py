# expect: stands-outside
# Exercise 7.1 · 4 lines
def pivot(rootfs):
    room = f"/proc/self/fd/{rootfs}"
    pivot_root(room, room)
    umount("/", MNT_DETACH)
