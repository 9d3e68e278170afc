# expect: no-setgroups
# Exercise 6.2 · 5 lines
def write_maps(pid, uid_maps, gid_maps):
    write(f"/proc/{pid}/setgroups", "deny")
    for name, maps in ("uid_map", uid_maps), ("gid_map", gid_maps):
        lines = [f"{each['containerID']} {each['hostID']} {each['size']}" for each in maps]
        write(f"/proc/{pid}/{name}", "\n".join(lines))
