#!/usr/bin/env bash
# A layer includes only what stands below it, and each library has one owner (controller/ARCHITECTURE.md).
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
--check | '') ;;
-h | --help) echo "usage: hack/layers.sh [--check]: checks that a layer includes only what stands below it, and that each library has one owner."; exit 0 ;;
*) echo "usage: hack/layers.sh [--check]" >&2; exit 2 ;;
esac
status=0

complain() { echo "layers: $*" >&2; status=1; }

# allow LAYER BELOW…
allow() {
    local layer=$1 may
    may=$(IFS='|'; echo "$*")
    if grep -rnE '^#include "' "controller/$layer" | grep -vE "#include \"($may)/"; then
        complain "controller/$layer may include only: $*"
    fi
}

# owner FILES HEADER
owner() {
    if grep -rnE "#include <$2>" controller cli | grep -vE "^$1:"; then
        complain "<$2> belongs to $1 alone"
    fi
}

allow base
allow io base
allow kube base io
allow registry base io
allow deploy base
allow reconcile base io kube registry deploy
allow web base io
# The command-line tool knows nothing of how the controller decides and runs.
if grep -rnE '^#include "(reconcile|web)/' cli; then
    complain "cli may not include reconcile or web"
fi
# The controller reads registries and writes nothing there.
if grep -rnE '#include "registry/(transfer|call)\.h"|registry_send\(' controller | grep -vE '^controller/registry/(client(_auth)?\.c|call\.h|transfer\.h):'; then
    complain "registry/transfer.h is for cli alone"
fi
owner controller/io/http.c curl/curl.h
owner controller/web/server.c libwebsockets.h
owner controller/base/yaml.c yaml.h
exit $status
