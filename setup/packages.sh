#!/bin/sh
# packages.sh SECTION...: install the apt packages of these sections of packages.txt that are missing.
. "$(dirname "$0")/say.sh"

listed() {  # the names in the sections asked for, for this architecture and release
    release=$( (. /etc/os-release && echo "${VERSION_CODENAME:-}") 2>/dev/null || true)
    awk -v wanted=" $* " -v arch="$1" -v release="$release" '
        { sub(/#.*/, "") }
        /^\[/ { name = $1; gsub(/[][]/, "", name); on = index(wanted, " " name " "); next }
        $2 ~ /^\[not-/ { if ($2 == "[not-" release "]") next; NF = 1 }
        on && NF && (NF == 1 || $2 == "[" arch "]") && !seen[$1]++ { print $1 }
    ' packages.txt
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    [ -n "${SKIP_APT:-}" ] || fail "this system has no apt" \
        "install what these Debian packages hold: $(listed none "$@" | tr '\n' ' ')" \
        "then say so: make SKIP_APT=1 ..."
    exit 0
fi
[ -z "${SKIP_APT:-}" ] || exit 0

names=$(listed "$(dpkg --print-architecture)" "$@")
missing() {
    for name in $names; do echo "$name"; done | sort >"$list.want"
    # shellcheck disable=SC2086
    dpkg-query -W -f '${Package} ${db:Status-Status}\n' $names 2>/dev/null |
        awk '$2 == "installed" { print $1 }' | sort >"$list.have" || true
    comm -23 "$list.want" "$list.have" | tr '\n' ' '
}
list=$(mktemp)
trap 'rm -f "$list" "$list.want" "$list.have"' EXIT
missing=$(missing)
[ -n "$missing" ] || exit 0

one_at_a_time
missing=$(missing)  # another make may just have installed them
[ -n "$missing" ] || exit 0
find_root || fail "these apt packages are missing: $missing" \
    "you are not root, and sudo is not there or asks for a password with no terminal to type it in" \
    "have root run: apt-get install $missing" \
    "or go on without them: make SKIP_APT=1 ..."

echo "apt packages to install: $missing"
export DEBIAN_FRONTEND=noninteractive
apt() {
    $AS_ROOT env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" \
        </dev/null >"$list" 2>&1 9<&-
}
apt update || tail -n 5 "$list" >&2  # a stale list may still do
# shellcheck disable=SC2086
if ! apt install --no-install-recommends $missing; then
    tail -n 15 "$list" >&2
    fail "apt could not install: $missing" \
        "the lines above are its own words; if nothing answers, look at the network, the proxy and /etc/apt/sources.list*" \
        "by hand: apt-get update; apt-get install $missing"
fi
for name in $missing; do echo "$name" >>.apt-installed; done  # make undo tells what it leaves
