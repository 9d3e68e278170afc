# expect: no-tmpfs
# Exercise 5.3 · 4 lines
def make_dev(directory, names):
    for name in names:
        os.close(os.open(f"{directory}/{name}", os.O_CREAT | os.O_WRONLY))
        mount(f"/dev/{name}", f"{directory}/{name}", None, MS_BIND)
