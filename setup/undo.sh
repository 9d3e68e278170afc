#!/bin/sh
# undo.sh PREFIX: containers and what they made, the environment, caches. Notebooks and mine/ are the learner's: they stay.
. "$(dirname "$0")/say.sh"
if [ -x .venv/bin/labcore ] && [ -e labcore/cli.py ]; then
    .venv/bin/labcore reset || fail "labcore reset failed, so nothing else was removed" "what it says is above"
    # an ordinary user's notebooks have a root side too, through sudo
    if [ "$(id -u)" != 0 ] && { [ -e /run/labcore ] || [ -e /var/lib/labcore ]; }; then
        if find_root; then $AS_ROOT "$(pwd -P)/.venv/bin/labcore" reset
        else echo "note: root's side remains: sudo .venv/bin/labcore reset" >&2
        fi
    fi
fi
setup/link.sh uninstall "$1"
make -s clean
rm -rf .venv 2>/dev/null || fail ".venv could not be removed" "root wrote into it: sudo rm -rf .venv"
echo "removed: containers of the lab, .venv, caches"
echo "kept:    notebooks/ and mine/, which are yours"
if [ -s .apt-installed ]; then
    echo "kept:    apt packages that make installed; to remove them:"
    echo "         sudo apt-get purge --autoremove $(sort -u .apt-installed | tr '\n' ' ')"
fi
