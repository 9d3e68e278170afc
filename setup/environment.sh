#!/bin/sh
# environment.sh: make or renew .venv from requirements.txt, and write .venv/bin/labcore.
. "$(dirname "$0")/say.sh"
here=$(pwd -P)

# What the environment depends on; a copied or moved checkout needs one of its own.
wanted() {
    { cat requirements.txt setup/environment.sh; echo "$here"
      .venv/bin/python -c 'import sys; print(sys.version)'; } 2>/dev/null | sha256sum | cut -c1-64
}
ready() { [ -x .venv/bin/python ] && [ "$(cat .venv/stamp 2>/dev/null)" = "$(wanted)" ]; }

ready && exit 0
one_at_a_time
ready && exit 0  # another make was quicker
[ ! -e .venv ] || [ -O .venv ] || [ "$(id -u)" = 0 ] || fail ".venv belongs to another user" \
    "probably make was once run with sudo; remove it: sudo rm -rf .venv" \
    "then run make as yourself: it asks for sudo where it needs it"
[ "$(id -u)" != 0 ] || [ -z "${SUDO_UID:-}" ] || [ "$SUDO_UID" = 0 ] ||
    echo "note: sudo is not needed; make asks for it where it is. What follows will belong to root." >&2

python=
for candidate in ${PYTHON:-} /usr/bin/python3 python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$candidate; break; fi
done
[ -n "$python" ] || fail "no Python 3.11 or later found" \
    "apt-get install python3, or name one: make PYTHON=/path/to/python3 ..."

usable() {  # the same Python as before, and its pip is whole
    [ "$(.venv/bin/python -c 'import sys; print(sys.version)' 2>/dev/null)" = \
      "$("$python" -c 'import sys; print(sys.version)')" ] && .venv/bin/python -m pip --version >/dev/null 2>&1
}
if ! usable; then
    echo "making .venv with $python"
    "$python" -m venv --clear .venv || fail "$python cannot make a virtual environment" \
        "on Debian: apt-get install python3-venv"
fi
echo "installing the Python packages of requirements.txt (about a minute)"
rm -f .venv/stamp .venv/compiled
# every package is pinned, so nothing is left to resolve; a wheel for each, so nothing is compiled
.venv/bin/python -m pip install -q --no-input --disable-pip-version-check --no-deps --only-binary :all: \
    -r requirements.txt || fail "pip could not install the packages" \
    "the lines above are its own words; no network? PIP_PROXY, PIP_INDEX_URL and PIP_CERT tell pip another way" \
    "'no matching distribution' means no ready-made package for this Python or machine: make PYTHON=..."
.venv/bin/python -m pip check -q --disable-pip-version-check ||
    fail "requirements.txt does not fit together" "CONTRIBUTING.md says how to renew it"

# notebooks and tests import labcore from the checkout
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$here" >"$site/labcore.pth"

# no news from the internet in a class room
mkdir -p .venv/etc/jupyter/labconfig
echo '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}' \
    >.venv/etc/jupyter/labconfig/page_config.json

# The command: isolated, no site-packages, no bytecode written, UTF-8; nothing but the checkout is added.
# A path that a #! line cannot hold (spaces, length) goes through sh.
{
    case "$here" in
        *[[:space:]]*) long=yes ;;
        *) long=$([ ${#here} -lt 90 ] || echo yes) ;;
    esac
    if [ -z "$long" ]; then echo "#!$here/.venv/bin/python -ISBXutf8"
    else printf '%s\n' "#!/bin/sh" "'''exec' \"$here/.venv/bin/python\" -ISBXutf8 \"\$0\" \"\$@\"" "' '''"
    fi
    HERE=$here .venv/bin/python -c 'import os; print("import sys\n\nsys.path.append(%r)" % os.environ["HERE"])'
    printf '%s\n' "from labcore.cli import main" "" "sys.exit(main())"
} >.venv/bin/labcore.new
chmod 755 .venv/bin/labcore.new
mv .venv/bin/labcore.new .venv/bin/labcore
wanted >.venv/stamp
