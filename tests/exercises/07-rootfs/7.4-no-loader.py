# expect: no-loader
# Exercise 7.4 · 2 lines
def build(who, top, program):
    who.sh(f"cp --parents --dereference {program} {top}")
