#!/usr/bin/env bash
# Every header compiles alone, and begins with what it is for.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
--check | '') ;;
-h | --help) echo "usage: hack/headers.sh [--check]: checks that every header compiles alone and begins with what it is for."; exit 0 ;;
*) echo "usage: hack/headers.sh [--check]" >&2; exit 2 ;;
esac
status=0
while read -r header; do
    head -1 "$header" | grep -qE "^/\* ${header} — " ||
        { echo "$header: must begin with '/* $header — what it is for'" >&2; status=1; }
    gcc -std=gnu17 -D_GNU_SOURCE -Icontroller -Icli -Itests -fsyntax-only -x c "$header" || status=1
done < <(find controller cli tests -name '*.h' 2>/dev/null)
exit $status
