# expect: ended
# Exercise 5.3 · 4 lines
def make_dev(directory, names):
    mount("dev", directory, "tmpfs", MS_NOSUID, "mode=755,size=64k")
    while names:
        os.close(os.open(f"{directory}/{names[0]}", os.O_CREAT | os.O_WRONLY))
        mount(f"/dev/{names[0]}", f"{directory}/{names[0]}", None, MS_BIND)
