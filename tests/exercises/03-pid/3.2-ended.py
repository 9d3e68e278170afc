# expect: ended
# Exercise 3.2 · 4 lines
def small_init(command):
    os.execv("/bin/sh", ["sh", "-c", command])
