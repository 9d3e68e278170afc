# expect: counted-the-end
# Exercise 1.3 · 1 line
most_letters = 65
