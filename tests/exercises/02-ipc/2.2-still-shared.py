# expect: still-shared
# Exercise 2.2 · 2 lines
def join_session_keyring():
    unshare(CLONE_NEWIPC)
