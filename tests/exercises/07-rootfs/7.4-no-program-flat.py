# expect: no-program
# Exercise 7.4 · 2 lines
def build(who, top, program):
    who.sh(f"cp --dereference {program} {top}")
