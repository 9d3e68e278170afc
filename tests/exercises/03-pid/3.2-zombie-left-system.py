# expect: zombie-left
# Exercise 3.2 · 4 lines
def small_init(command):
    return os.waitstatus_to_exitcode(os.system(command))
