#!/usr/bin/env bash
# Measures the figures in the README on the real node, beside the same work by kubectl.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
usage: hack/bench.sh [--quick]

Brings the node up and installs the controller as the demo does (hack/demo.sh, as root), then measures
and prints a table; exits 1 when a figure misses its goal. Takes about 10 min.
  --quick   fewer releases, no comparison that waits for kubectl's deadline: about 4 min
END
}

case "${1:-}" in
-h | --help) usage; exit 0 ;;
'' | --quick) ;;
*) usage >&2; exit 2 ;;
esac
hack/demo.sh >/dev/null
exec hack/with-cluster.sh --node python3 tests/bench/bench.py "$@"
