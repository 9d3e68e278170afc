# expect: no-number
# Exercise 1.3 · 1 line
most_letters = "32 letters"
