# expect: no-function
# Exercise 3.1 · 4 lines
three_numbers = 3
