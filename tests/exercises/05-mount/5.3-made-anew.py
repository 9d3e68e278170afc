# expect: made-anew
# Exercise 5.3 · 4 lines
def make_dev(directory, names):
    mount("dev", directory, "tmpfs", MS_NOSUID, "mode=755,size=64k")
    for name in names:
        os.mknod(f"{directory}/{name}", 0o020666, os.stat(f"/dev/{name}").st_rdev)
