# expect: no-function
# Exercise 4.2 · 5 lines
plug_in = "ip link add"
