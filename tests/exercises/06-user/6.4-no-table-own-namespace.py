# expect: no-table
# Exercise 6.4 · 7 lines
def show_as(source, target, pid):
    tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE)
    userns = os.open("/proc/self/ns/user", os.O_RDONLY)
    place = os.open(target, os.O_PATH)
    mount_setattr(tree, "", MOUNT_ATTR_IDMAP, userns_fd=userns)
    move_mount(tree, place)
    for fd in (tree, userns, place):
        os.close(fd)
