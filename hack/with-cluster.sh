#!/usr/bin/env bash
# with-cluster.sh [--node] COMMAND…: runs it with KUBECONFIG, HELM and PATH (kubectl) set for the test cluster,
# with --node also REGISTRY and AUDIT_LOG (of the API server).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kind=()
if [ "${1:-}" = --node ]; then kind=(--node) && shift; fi
case "${1:-}" in
-h | --help) sed -n '2,3s/^# //p' "$0"; exit 0 ;;
esac
[ $# -gt 0 ] || { echo "usage: hack/with-cluster.sh [--node] COMMAND…" >&2; exit 2; }
while read -r setting; do export "${setting?}"; done < <("$here/cluster.sh" env "${kind[@]}")
PATH=$(dirname "$("$here/testcluster/build.sh" kube)"):$PATH
HELM=$("$here/testcluster/build.sh" helm)
export PATH HELM
exec "$@"
