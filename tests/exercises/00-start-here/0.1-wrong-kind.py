# expect: wrong-kind
# Exercise 0.1 · 1 line
def same_namespace(kind, a, b):
    return os.readlink(f"/proc/{a}/ns/uts") == os.readlink(f"/proc/{b}/ns/uts")
