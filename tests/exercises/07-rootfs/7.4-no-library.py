# expect: no-library
# Exercise 7.4 · 2 lines
def build(who, top, program):
    needs = [word for word in who.out(f"ldd {program}").split() if word.startswith("/") and "/ld-" in word]
    who.sh(f"cp --parents --dereference {program} {' '.join(needs)} {top}")
