# expect: no-function
# Exercise 1.1 · 4 lines
set_hostname = "lantern-4"
