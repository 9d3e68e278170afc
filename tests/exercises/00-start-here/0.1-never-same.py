# expect: never-same
# Exercise 0.1 · 1 line
def same_namespace(kind, a, b):
    return f"/proc/{a}/ns/{kind}" == f"/proc/{a}/ns/" + str(b)
