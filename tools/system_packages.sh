#!/bin/sh
# system_packages.sh NAME...: makes sure that commands the tests need, and no wheel brings, are there.
# Installs what is missing when it may (root, apt-get). Otherwise says what is missing and the command that gets it;
# with CI=true that fails, without it the tests that need it say so at their end.
set -eu

package_of() {
    case $1 in
    chromium | prometheus | tmux) echo "$1" ;;
    *)
        echo "system_packages.sh does not know '$1'; it knows chromium, prometheus, tmux" >&2
        return 2
        ;;
    esac
}

missing=
for name in "$@"; do
    package=$(package_of "$name")
    command -v "$name" >/dev/null 2>&1 || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # shellcheck disable=SC2086 # a list of words
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing && exit 0
fi
echo "not installed:$missing; get it with: sudo apt-get install -y$missing" >&2
[ "${CI:-}" != true ]
