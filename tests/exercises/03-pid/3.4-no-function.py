# expect: no-function
# Exercise 3.4 · 2 lines
next_number = 77
