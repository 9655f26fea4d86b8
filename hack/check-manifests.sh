#!/usr/bin/env bash
# A test: copies of the CRD are fresh, the chart renders and keeps its promises, bad values are refused.
set -euo pipefail

usage() {
    cat <<'END'
usage: hack/check-manifests.sh [--server]

  --server  also send what is rendered to the API server of $KUBECONFIG (dry run)
Needs helm (in PATH or named by $HELM; hack/testcluster/build.sh helm builds one).
END
}

case "${1:-}" in
-h | --help) usage; exit 0 ;;
--server | '') server=${1:-} ;;
*) usage >&2; exit 2 ;;
esac

cd "$(dirname "$0")/.."
chart=charts/btc-shopflow-deployer
export HELM=${HELM:-helm}
passed=0
failed=0
out=$(mktemp)
trap 'rm -f "$out" "$out.log" "$out.err"' EXIT

# check NAME COMMAND…: the command succeeds.
check() {
    if "${@:2}" >"$out.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED  $1" && sed 's/^/        /' "$out.log"
    fi
}
render() { "$HELM" template deployer "$chart" --kube-version 1.36 -n default -f "tests/chart/values/$1.yaml" "${@:2}" >"$out"; }
has() { grep -Eq -- "$1" "$out" || { echo "no line matches: $1"; return 1; }; }
lacks() { ! grep -En -- "$1" "$out"; }
# A ServiceMonitor comes last, and a bare cluster does not know it.
server_takes_it() { sed '/^apiVersion: monitoring/,$d' "$out" | kubectl create --dry-run=server -f -; }
# refuses WORD JSON: the chart does not render with these values, and says so about WORD.
refuses() {
    if render plain -f <(echo "$2") 2>"$out.err"; then echo "rendered" && return 1; fi
    grep -F -- "$1" "$out.err" || { cat "$out.err" && return 1; }
}

check "copies are fresh" hack/manifests.sh --check
for name in plain namespaced least everything impersonating; do
    check "$name: lint" "$HELM" lint --strict "$chart" --kube-version 1.36 -f "tests/chart/values/$name.yaml"
    check "$name: renders" render "$name"
    for line in 'replicas: 1$' 'type: Recreate' 'runAsNonRoot: true' 'runAsUser: 65532' 'drop: \[ALL\]' \
        'readOnlyRootFilesystem: true' 'allowPrivilegeEscalation: false' 'type: RuntimeDefault' \
        'path: /livez' 'path: /readyz' 'memory: 64Mi'; do
        check "$name: $line" has "$line"
    done
    check "$name: no wildcard, no right that is not used" lacks '\*|coordination|escalate|bind\]'
    [ "$name" = impersonating ] || check "$name: impersonates nobody" lacks 'impersonate|default-service-account'
    [ -z "$server" ] || check "$name: the server takes it" server_takes_it
done
check "namespaced: no cluster-wide right" eval "render namespaced; lacks 'kind: ClusterRole'"
check "namespaced: says which" has 'default,kube-public'
check "least: no logs, no delete" eval "render least; lacks 'pods/log|delete'"
check "least: nothing more" lacks '^kind: (ServiceAccount|Service|NetworkPolicy)$|aggregate-to'
check "everything: the CA is a file" eval "render everything; has 'path: ca/registry.example.com_8443.crt'"
check "everything: the digest is pinned" has 'deployer@sha256:1{64}'
check "plain: writing is not part of edit" eval "render plain; lacks 'aggregate-to-edit'"
check "impersonating: by name" eval "render impersonating; has 'resourceNames: \[\"ci\",\"deployer\"\]'"
check "impersonating: the flag" has 'default-service-account$'
check "impersonating: no right of its own to patch Deployments" eval "grep -A1 'resources: \[deployments\]' '$out' | grep 'verbs: \[get, list, watch\]\$'"
check "impersonating: anybody" eval "render impersonating --set 'rbac.impersonate={*}'; lacks resourceNames"
check "impersonating: anybody, and that is a right" has 'verbs: \[impersonate\]'
while read -r word json; do
    [[ -z $word || $word == '#' ]] || check "refused: $json" refuses "$word" "$json"
done <tests/chart/refused.txt

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
