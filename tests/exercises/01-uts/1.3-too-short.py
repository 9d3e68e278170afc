# expect: too-short
# Exercise 1.3 · 1 line
most_letters = 30
