# expect: no-function
# Exercise 2.1 · 4 lines
deliver = 'done'
