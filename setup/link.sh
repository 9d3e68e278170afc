#!/bin/sh
# link.sh install|uninstall PREFIX: a link to labcore in PREFIX/bin. Only our own link is ever replaced or removed.
. "$(dirname "$0")/say.sh"
target="$(pwd -P)/.venv/bin/labcore"
link="$2/bin/labcore"
ours() { [ "$(readlink "$link" 2>/dev/null)" = "$target" ]; }

if [ "$1" = install ]; then
    ours && exit 0
    [ ! -e "$link" ] && [ ! -L "$link" ] || fail "$link exists and is not ours" "remove it, or: make install PREFIX=..."
    set -- ln -s "$target" "$link"
else
    ours || exit 0
    set -- rm -f "$link"
fi
if [ -w "$(dirname "$link")" ]; then "$@"
elif find_root; then $AS_ROOT "$@"
else fail "no right to write in $(dirname "$link")" "another place: make install PREFIX=\$HOME/.local"
fi
echo "$*"
