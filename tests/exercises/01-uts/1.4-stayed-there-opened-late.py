# expect: stayed-there
# Exercise 1.4 · 5 lines
def visit(target, name):
    setns(target, CLONE_NEWUTS)
    home = os.open("/proc/self/ns/uts", os.O_RDONLY)
    sethostname(name)
    setns(home, CLONE_NEWUTS)
    os.close(home)
