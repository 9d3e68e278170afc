# expect: nothing-returned
# Exercise 0.1 · 1 line
def same_namespace(kind, a, b):
    print(os.readlink(f"/proc/{a}/ns/{kind}") == os.readlink(f"/proc/{b}/ns/{kind}"))
