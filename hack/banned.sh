#!/usr/bin/env bash
# Finds calls that the style bans.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
--check | '') ;;
-h | --help) echo "usage: hack/banned.sh [--check]: finds calls that the style bans: exit 1 if there are any."; exit 0 ;;
*) echo "usage: hack/banned.sh [--check]" >&2; exit 2 ;;
esac
status=0

# forbid WHY PATTERN FILE…: no file may match the (Perl) pattern.
forbid() {
    local why=$1 pattern=$2
    shift 2
    if grep -nP "$pattern" "$@"; then
        echo "banned: $why" >&2
        status=1
    fi
}

mapfile -t all < <(find controller cli tests -name '*.[ch]' 2>/dev/null)
mapfile -t not_main < <(printf '%s\n' "${all[@]}" | grep -E '^(controller|cli)/' | grep -v '/main\.c$')
mapfile -t below_clock < <(printf '%s\n' "${not_main[@]}" | grep -v 'base/clock\.c$')
forbid "unbounded or not reentrant" \
    '(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|system|popen|fork|vfork|rand|srand|localtime|gmtime)\s*\(' \
    "${all[@]}"
forbid "exit is main's: return an error instead" '(?<![\w.>])_?exit\s*\(' "${not_main[@]}"
forbid "time is an argument below the loop (base/clock.h reads it)" \
    '(?<![\w.>])(clock_gettime|gettimeofday|time)\(' "${below_clock[@]}"
mapfile -t below_main < <(printf '%s\n' "${not_main[@]}" | grep -v 'base/backoff\.c$')
forbid "chance and the environment are arguments too (base/backoff.h, main.c)" \
    '(?<![\w.>])(random|getrandom|secure_getenv|getenv|setenv|putenv)\s*\(' "${below_main[@]}"
exit $status
