# expect: no-function
# Exercise 7.3 · 3 lines
leak = {"descriptor": 4}
