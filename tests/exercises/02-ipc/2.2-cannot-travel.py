# expect: cannot-travel
# Exercise 2.2 · 2 lines
def join_session_keyring():
    alice.call(keyctl_join_session_keyring)
