# expect: below-writable
# Exercise 5.4 · 3 lines
def make_readonly(rootfs, paths):
    for path in paths:
        try:
            place = openat2(rootfs, path, os.O_PATH, 0, RESOLVE_IN_ROOT)
        except (FileNotFoundError, NotADirectoryError):
            continue
        tree = open_tree(place, "", OPEN_TREE_CLONE | AT_RECURSIVE | AT_EMPTY_PATH)
        mount_setattr(tree, "", MOUNT_ATTR_RDONLY, flags=AT_EMPTY_PATH)
        move_mount(tree, place)
