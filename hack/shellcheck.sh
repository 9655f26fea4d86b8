#!/usr/bin/env bash
# Checks every shell script of the project.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
--check | '') ;;
-h | --help) echo "usage: hack/shellcheck.sh [--check]: checks every shell script of the project."; exit 0 ;;
*) echo "usage: hack/shellcheck.sh [--check]" >&2; exit 2 ;;
esac
grep -rlE '^#!/(usr/bin/env bash|bin/(ba)?sh)|^# shellcheck shell=' hack tests examples .ci --include='*' |
    xargs shellcheck -x -P SCRIPTDIR
