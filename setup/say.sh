# shellcheck shell=sh
# Sourced by the other scripts: the checkout as the current directory, one make at a time, errors with a hint.
set -eu
cd "$(dirname "$0")/.."

fail() {  # fail WHAT HINT...
    printf 'make: %s\n' "$1" >&2
    shift
    for hint in "$@"; do printf '      %s\n' "$hint" >&2; done
    exit 1
}

one_at_a_time() {  # two makes in one checkout wait for each other
    exec 9<Makefile
    flock 9
}

# AS_ROOT: the words that make a command root's. Fails when there are none.
find_root() {
    if [ "$(id -u)" = 0 ]; then AS_ROOT=
    elif ! command -v sudo >/dev/null; then return 1
    elif sudo -n true 2>/dev/null; then AS_ROOT="sudo -n"
    elif [ -t 0 ]; then AS_ROOT="sudo"
    else return 1
    fi
}
