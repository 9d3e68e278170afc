# expect: ended
# Exercise 6.3 · 3 lines
def id_outside(maps, inside):
    while inside not in maps:
        inside += 1
    return inside
