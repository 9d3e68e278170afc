# expect: no-function
# Exercise 7.4 · 2 lines
build = "cp"
