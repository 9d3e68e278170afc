# expect: groups-are-users
# Exercise 6.2 · 5 lines
def write_maps(pid, uid_maps, gid_maps):
    text = ""
    for each in uid_maps:
        text += f"{each['containerID']} {each['hostID']} {each['size']}\n"
    write(f"/proc/{pid}/uid_map", text)
    write(f"/proc/{pid}/gid_map", text)
