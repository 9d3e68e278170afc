# expect: still-shared
# Exercise 2.2 · 2 lines
def join_session_keyring():
    add_key("note", "mine", KEY_SPEC_SESSION_KEYRING)
    request_key("note")
