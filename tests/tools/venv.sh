#!/bin/sh
# A private Python environment with what requirements name (tests/requirements.txt):  venv.sh build/venv [REQUIREMENTS]
set -eu
venv=$1
requirements=${2:-$(cd "$(dirname "$0")/.." && pwd)/requirements.txt}
cmp -s "$requirements" "$venv/requirements.txt" && exit 0
echo "Preparing the Python environment $venv"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
log=$venv/pip.log
if "$venv/bin/python" -m pip install -q --disable-pip-version-check -r "$requirements" >"$log" 2>&1; then
  cp "$requirements" "$venv/requirements.txt"
else
  tail -5 "$log" >&2
  echo "pip could not install $requirements (log: $log)" >&2
  exit 1
fi
