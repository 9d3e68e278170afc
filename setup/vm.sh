#!/bin/sh
# vm.sh COMMAND: in the tests' virtual machine, by a shell there, in this checkout.
. "$(dirname "$0")/say.sh"
[ -n "$1" ] || fail "which command?" "make vm CMD='.venv/bin/labcore doctor'" "tests/vm/run.py --help tells more"
find_root || fail "the VM needs root" "you are not root, and sudo is not there or asks for a password with no terminal"
exec $AS_ROOT .venv/bin/python tests/vm/run.py sh -c "$1"
