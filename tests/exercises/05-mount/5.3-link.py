# expect: link
# Exercise 5.3 · 4 lines
def make_dev(directory, names):
    mount("dev", directory, "tmpfs", MS_NOSUID, "mode=755,size=64k")
    for name in names:
        os.symlink(f"/dev/{name}", f"{directory}/{name}")
