# expect: no-function
# Exercise 2.2 · 2 lines
join_session_keyring = 'done'
