#!/usr/bin/env bash
# The main job on a real cluster: five commits of a small shop, with traffic running.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
usage: hack/demo.sh [down] [--kubeconfig FILE --registry HOST[:PORT][/PATH] [--tls]]

Brings up a Kubernetes with a node and a registry on this machine (as root; about 15 min the first
time, then seconds), installs the controller with helm, and releases five commits of a shop of two
apps: a good one, one that crashes, one whose image is missing, the same again, and a good one.
The cluster stays up; `hack/demo.sh down` removes it.

  --kubeconfig  use this cluster instead (kubectl's current context in FILE): the demo applies crd/ and
                makes the namespaces shopflow-demo and shopflow-demo-system there
  --registry    the registry that its nodes pull from and this machine may push to, without http://
  --tls         that registry has TLS
END
}

wrong() { echo "demo.sh: $*" >&2; exit 2; }

down='' kubeconfig='' registry='' tls='' own=1
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage; exit 0 ;;
    down) down=1 ;;
    --kubeconfig | --registry)
        [ -n "${2:-}" ] || wrong "$1 needs a value: hack/demo.sh -h"
        if [ "$1" = --registry ]; then registry=$2; else kubeconfig=$(readlink -f "$2") own=''; fi
        shift
        ;;
    --tls) tls=1 ;;
    *) wrong "unknown argument: $1 (hack/demo.sh -h tells what there is)" ;;
    esac
    shift
done
[ -z "$kubeconfig" ] || [ -r "$kubeconfig" ] || wrong "cannot read $kubeconfig"
[ -z "$own" ] || [ -z "$registry$tls" ] || wrong "--registry and --tls go with --kubeconfig"
[ -n "$own$registry$down" ] || wrong "--kubeconfig needs --registry: where do its nodes pull from?"
case $registry in *://*) wrong "--registry takes HOST[:PORT][/PATH], without http://" ;; esac

ns=shopflow-demo system=shopflow-demo-system chart=charts/btc-shopflow-deployer
# shellcheck source=demo/steps.sh
source hack/demo/steps.sh

if [ -n "$down" ] && [ -n "$own" ]; then exec hack/cluster.sh down --node; fi
prepare
if [ -n "$down" ]; then remove; exit 0; fi
install_controller
install_shop

tail=000000000000000000000000000000000 # seven digits become a whole commit
commit_a=1111111$tail commit_b=2222222$tail commit_c=3333333$tail commit_d=4444444$tail commit_e=5555555$tail

step "(a) Commit ${commit_b::7} changes the app api"
image api "$commit_b"
before web
release "$commit_b" "$commit_a"
await ReleaseSucceeded
expect "api runs the new image, pinned to its digest" grep -q "/api:${commit_b::7}@sha256:" <(running api)
expect "web was not touched" untouched web
finish

step "(b) Commit ${commit_c::7} of api crashes when it starts"
image api "$commit_c" crash
before web
good=$(running api)
release "$commit_c" "$commit_a"
await RolledBack
expect "api runs exactly the image from before again" test "$(running api)" = "$good"
expect "the object names the cause" grep -q 'CrashLoop .* exited 1' <(kube get arel shop -o jsonpath='{.status.apps[0].reason} {.status.apps[0].message}')
expect "and holds the app's last words" grep -q 'DATABASE_URL is not set' <(kube get arel shop -o jsonpath='{.status.apps[0].failure.logTail}')
expect "web was not touched" untouched web
show_failure
finish

step "(c) Commit ${commit_d::7}: the image of api was never pushed"
before api web
release "$commit_d" "$commit_a"
await ImageNotFound
expect "no Deployment was touched" untouched api web
finish

step "(d) The same object is applied again"
before api web
object=$(kube get arel shop -o jsonpath='{.metadata.resourceVersion}')
release "$commit_d" "$commit_a"
sleep 5
expect "no Deployment was touched" untouched api web
expect "nor was the object" test "$(kube get arel shop -o jsonpath='{.metadata.resourceVersion}')" = "$object"
finish

step "(e) The next commit, ${commit_e::7}, mends it all"
image api "$commit_e"
image web "$commit_e"
release "$commit_e" "$commit_e"
await ReleaseSucceeded
expect "api runs it" grep -q "/api:${commit_e::7}@" <(running api)
expect "web runs it" grep -q "/web:${commit_e::7}@" <(running web)
finish

summary
