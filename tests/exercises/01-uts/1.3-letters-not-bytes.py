# expect: letters-not-bytes
# Exercise 1.3 · 1 line
most_letters = 64
