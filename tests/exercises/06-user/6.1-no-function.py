# expect: no-function
# Exercise 6.1 · 4 lines
own_root = "unshare --map-root-user"
