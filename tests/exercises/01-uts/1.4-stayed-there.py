# expect: stayed-there
# Exercise 1.4 · 5 lines
def visit(target, name):
    setns(target, CLONE_NEWUTS)
    sethostname(name)
