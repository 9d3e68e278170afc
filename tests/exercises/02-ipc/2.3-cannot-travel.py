# expect: cannot-travel
# Exercise 2.3 · 4 lines
def remove_queues():
    attic.sh("ipcrm --all=msg")
