#!/bin/sh
# Writes requirements/*.txt from requirements/*.in: one version of everything, hashes, no addresses.
# What is locked already stays as it is; `tools/lock.sh --upgrade` moves everything.
set -eu
cd "$(dirname "$0")/.."
compile() {
    out=$1
    shift
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
        --output-file "requirements/$out" "$@"
}
compile dev.txt "$@" requirements/dev.in requirements/build.in
compile main.txt "$@" --constraints requirements/dev.txt requirements/main.in requirements/build.in
compile uv.txt "$@" --constraints requirements/dev.txt requirements/uv.in
