# expect: no-function
# Exercise 3.3 · 2 lines
new_session = os.setsid
