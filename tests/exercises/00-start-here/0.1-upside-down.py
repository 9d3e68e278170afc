# expect: upside-down
# Exercise 0.1 · 1 line
def same_namespace(kind, a, b):
    return os.readlink(f"/proc/{a}/ns/{kind}") != os.readlink(f"/proc/{b}/ns/{kind}")
