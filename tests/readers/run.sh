#!/usr/bin/env bash
# run.sh GOLDEN: what kstatus, Flux, Helm and Argo CD make of each AppRelease of the golden cases. GOLDEN
# is the program of tests/golden.
set -euo pipefail
cd "$(dirname "$0")/../.."
case "${1:-}" in
-h | --help | '') sed -n '2,3s/^# //p' "$0"; exit 2 ;;
esac
readers=$(hack/testcluster/build.sh readers)
"$1" --dump tests/golden | "$readers" tests/readers/table.txt charts/btc-shopflow-deployer/files/argocd-health.lua
