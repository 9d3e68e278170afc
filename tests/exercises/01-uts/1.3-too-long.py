# expect: too-long
# Exercise 1.3 · 1 line
most_letters = 33
