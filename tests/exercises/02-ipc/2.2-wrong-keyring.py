# expect: wrong-keyring
# Exercise 2.2 · 2 lines
def join_session_keyring():
    keyctl_setperm(KEY_SPEC_SESSION_KEYRING, POSSESSOR_ONLY)
    keyctl_join_session_keyring()
