# expect: no-function
# Exercise 0.1 · 1 line
same_namespace = True
