# expect: no-function
# Exercise 7.2 · 4 lines
escape = os.chroot
escape = 7
