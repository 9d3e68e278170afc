#!/bin/sh
# lab.sh IP PORT: JupyterLab in the foreground. What it writes for itself stays in .venv, so that undo is whole.
. "$(dirname "$0")/say.sh"
[ -d notebooks ] || fail "there is no notebooks/ here" "this is not a whole checkout: clone it again"
here=$(pwd -P)
export JUPYTER_CONFIG_DIR="$here/.venv/home/config" JUPYTER_DATA_DIR="$here/.venv/home/data"
export JUPYTER_RUNTIME_DIR="$here/.venv/home/run" IPYTHONDIR="$here/.venv/home/ipython"
export MPLCONFIGDIR="$here/.venv/home/matplotlib" PATH="$here/.venv/bin:$PATH"
mkdir -p .venv/home
chmod 700 .venv/home

set -- --ServerApp.ip="$1" --ServerApp.port="$2" --ServerApp.root_dir="$here/notebooks" \
    --ServerApp.answer_yes=True --Application.log_level=WARN
[ "$(id -u)" != 0 ] || set -- "$@" --allow-root
[ "$(id -u)" != 0 ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || set -- "$@" --no-browser
echo "JupyterLab is starting; open the address that appears below. Ctrl-C ends it."
[ -z "${JUPYTER_TOKEN:-}" ] || echo "the token is the one in JUPYTER_TOKEN; the address http://$1/lab (a taken port moves on)"
exec .venv/bin/python -m jupyterlab "$@"
