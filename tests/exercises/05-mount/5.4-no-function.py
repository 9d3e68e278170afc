# expect: no-function
# Exercise 5.4 · 3 lines
make_readonly = MOUNT_ATTR_RDONLY
