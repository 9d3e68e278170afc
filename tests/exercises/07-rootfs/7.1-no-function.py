# expect: no-function
# Exercise 7.1 · 4 lines
pivot = "rootfs"
