#!/bin/sh
# Creates .venv with the first Python from 3.11 to 3.13 it finds ($PYTHON first), and installs the locked uv in it.
set -eu
cd "$(dirname "$0")/.."

suitable() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

if ! [ -x .venv/bin/pip ]; then
    for python in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        suitable "$python" && break
        python=
    done
    if [ -z "$python" ]; then
        echo "Weft needs Python 3.11, 3.12 or 3.13. Found: $(python3 --version 2>&1 || true). Name one with PYTHON=... make install" >&2
        exit 1
    fi
    if ! "$python" -m venv .venv; then
        rm -rf .venv
        echo "$python cannot create a virtual environment. On Debian and Ubuntu: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi
.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
