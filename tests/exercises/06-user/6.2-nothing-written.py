# expect: nothing-written
# Exercise 6.2 · 5 lines
def write_maps(pid, uid_maps, gid_maps):
    for name, maps in ("uid_map", uid_maps), ("gid_map", gid_maps):
        text = ""
        for each in maps:
            text += f"{each['containerID']} {each['hostID']} {each['size']}"
        write(f"/proc/{pid}/{name}", text)
