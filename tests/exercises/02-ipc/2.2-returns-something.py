# expect: returns-something
# Exercise 2.2 · 2 lines
def join_session_keyring():
    keyring = keyctl_join_session_keyring()
    keyctl_setperm(keyring, POSSESSOR_ONLY)
    return keyring
