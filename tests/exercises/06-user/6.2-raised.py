# expect: raised
# Exercise 6.2 · 5 lines
def write_maps(pid, uid_maps, gid_maps):
    for name, maps in ("uid_map", uid_maps), ("gid_map", gid_maps):
        write(f"/proc/{pid}/{name}", maps)
