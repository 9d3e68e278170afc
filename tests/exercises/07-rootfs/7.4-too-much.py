# expect: too-much
# Exercise 7.4 · 2 lines
def build(who, top, program):
    needs = [word for word in who.out(f"ldd {program}").split() if word.startswith("/")]
    who.sh(f"cp --parents --dereference {program} {' '.join(needs)} {top}; cp --parents -r /etc {top} 2>/dev/null")
