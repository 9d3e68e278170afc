# expect: not-attached
# Exercise 6.4 · 7 lines
def show_as(source, target, pid):
    tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE)
    userns = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
    mount_setattr(tree, "", MOUNT_ATTR_IDMAP, userns_fd=userns)
    for fd in (tree, userns):
        os.close(fd)
