# expect: always-same
# Exercise 0.1 · 1 line
def same_namespace(kind, a, b):
    return os.readlink(f"/proc/self/ns/{kind}") == os.readlink(f"/proc/self/ns/{kind}")
