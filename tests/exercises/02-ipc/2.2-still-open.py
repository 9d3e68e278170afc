# expect: still-open
# Exercise 2.2 · 2 lines
def join_session_keyring():
    keyctl_join_session_keyring()
