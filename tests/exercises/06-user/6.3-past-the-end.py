# expect: past-the-end
# Exercise 6.3 · 3 lines
def id_outside(maps, inside):
    for first, outside, count in maps:
        if first <= inside <= first + count:
            return outside + inside - first
