#!/usr/bin/env bash
# Formats the C sources as .clang-format says; --check only tells which are not.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
--check) mode=(--dry-run --Werror) ;;
'') mode=(-i) ;;
-h | --help) echo "usage: hack/format.sh [--check]: formats the C sources; --check only tells which need it"; exit 0 ;;
*) echo "usage: hack/format.sh [--check]" >&2; exit 2 ;;
esac
find controller cli tests -name '*.[ch]' -print0 | xargs -0 clang-format-14 "${mode[@]}"
