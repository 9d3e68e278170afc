# expect: no-function
# Exercise 4.1 · 4 lines
set_loopback_up = os.system("true")
