# expect: no-function
# Exercise 5.3 · 4 lines
make_dev = ['null', 'zero']
