# expect: no-function
# Exercise 4.3 · 4 lines
publish = 8080
