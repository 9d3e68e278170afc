# expect: no-function
# Exercise 2.3 · 4 lines
remove_queues = 'done'
