# expect: no-function
# Exercise 4.4 · 6 lines
find_faults = ["forwarding"]
