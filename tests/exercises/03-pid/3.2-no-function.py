# expect: no-function
# Exercise 3.2 · 4 lines
small_init = os.wait
