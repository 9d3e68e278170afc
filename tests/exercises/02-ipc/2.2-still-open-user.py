# expect: still-open
# Exercise 2.2 · 2 lines
def join_session_keyring():
    keyring = keyctl_join_session_keyring()
    keyctl_setperm(keyring, 0x3F3F0000)
