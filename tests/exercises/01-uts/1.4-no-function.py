# expect: no-function
# Exercise 1.4 · 5 lines
visit = setns
visit = 7
