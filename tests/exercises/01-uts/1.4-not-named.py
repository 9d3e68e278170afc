# expect: not-named
# Exercise 1.4 · 5 lines
def visit(target, name):
    home = os.open("/proc/self/ns/uts", os.O_RDONLY)
    setns(target, CLONE_NEWUTS)
    setns(home, CLONE_NEWUTS)
    os.close(home)
