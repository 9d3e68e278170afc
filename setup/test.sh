#!/bin/sh
# test.sh FOLDER... -- PYTEST-ARGUMENT...: those folders of tests/ that exist, in one pytest, as root where possible.
. "$(dirname "$0")/say.sh"
paths=
needs_root=
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
    [ ! -d "tests/$1" ] || paths="$paths tests/$1"
    [ "$1" = unit ] || needs_root=yes
    shift
done
[ "$#" -eq 0 ] || shift
[ -n "$paths" ] || fail "there are no such tests yet"

# nbval takes two seconds to load, and unit tests run no notebook
[ -n "$needs_root" ] || set -- -p no:nbval "$@"

AS_ROOT=
if [ -n "$needs_root" ]; then
    find_root || echo "note: no root and no sudo: tests that need root skip" >&2
fi
# as root in a learner's checkout: leave no bytecode behind
# shellcheck disable=SC2086
exec $AS_ROOT env PYTHONDONTWRITEBYTECODE=1 ${CI:+CI="$CI"} .venv/bin/python -m pytest $paths "$@"
