#!/usr/bin/env bash
# Checks every shell script of the project.
set -euo pipefail
cd "$(dirname "$0")/.."
grep -rlE '^#!/(usr/bin/env bash|bin/(ba)?sh)|^# shellcheck shell=' hack tests .ci --include='*' |
    xargs shellcheck -x -P SCRIPTDIR
