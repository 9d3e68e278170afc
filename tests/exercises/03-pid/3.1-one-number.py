# expect: one-number
# Exercise 3.1 · 4 lines
def three_numbers(outer, name):
    between = outer.fork("between")
    return between.fork(name)
