# expect: no-function
# Exercise 5.1 · 5 lines
set_propagation = MS_SLAVE
