# expect: map-first
# Exercise 6.1 · 4 lines
def own_root(uid, gid):
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"0 {uid} 1")
    write("/proc/self/gid_map", f"0 {gid} 1")
    unshare(CLONE_NEWUSER)
