#!/usr/bin/env bash
# Makes what is derived from crd/ and from the chart: the chart's CRD and manifests/install.yaml.
set -euo pipefail

usage() {
    cat <<END
usage: hack/manifests.sh [--check]

Copies crd/appreleases.yaml into the chart and renders manifests/install.yaml from the chart.
  --check   change nothing; exit 1 and show the difference when a copy is out of date
Needs helm (3.19 or newer): in PATH, or named by \$HELM; hack/testcluster/build.sh helm builds one.
END
}

check=
case "${1:-}" in
-h | --help) usage; exit 0 ;;
--check) check=1 ;;
'') ;;
*) usage >&2; exit 2 ;;
esac

cd "$(dirname "$0")/.."
chart=charts/btc-shopflow-deployer
helm=${HELM:-helm}
command -v "$helm" >/dev/null || {
    echo "manifests.sh: no helm: run hack/testcluster/build.sh helm and set HELM to its path" >&2
    exit 2
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Helm's own marks have no place in a plain manifest.
plain() { sed -e '/^ *helm\.sh\/chart:/d' -e '/managed-by: Helm$/d' -e '/^# Source: /d' -e '/^$/d'; }

{
    cat <<'END'
# btc-shopflow-deployer without Helm. Made by hack/manifests.sh: change the chart, not this file.
# Put your image in place of btc-shopflow-deployer:<version> first:
#   sed 's#image: btc-shopflow-deployer:#image: 192.168.1.100:5000/btc-shopflow-deployer:#' manifests/install.yaml |
#     kubectl apply --server-side -f -
apiVersion: v1
kind: Namespace
metadata:
  name: btc-shopflow-system
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/warn: restricted
---
END
    cat crd/appreleases.yaml
    "$helm" template btc-shopflow-deployer "$chart" --namespace btc-shopflow-system --kube-version 1.36 \
        --set image.repository=btc-shopflow-deployer | plain
} >"$tmp/install.yaml"

# place NEW FILE: put NEW there, or with --check compare.
place() {
    if [ -z "$check" ]; then
        cp "$1" "$2"
    elif ! diff -u "$2" "$1"; then
        echo "manifests.sh: $2 is out of date: run hack/manifests.sh and commit the result" >&2
        return 1
    fi
}

bad=0
place crd/appreleases.yaml "$chart/crds/appreleases.yaml" || bad=1
place "$tmp/install.yaml" manifests/install.yaml || bad=1
exit "$bad"
