# expect: no-function
# Exercise 5.2 · 2 lines
show_readonly = MS_BIND | MS_RDONLY
