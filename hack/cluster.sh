#!/usr/bin/env bash
# A Kubernetes on this machine, for the demo, the tests and development.
set -euo pipefail

usage() {
    cat <<'END'
usage: hack/cluster.sh up|down|status|env [--node]

  up       bring it up, or what is missing of it; builds Kubernetes the first time (about 10 min)
  down     stop and remove it; what was built stays cached
  status   what runs
  env      prints KUBECONFIG=… (with --node also REGISTRY=…), for: export $(hack/cluster.sh env)
Without --node it is a control plane with simulated nodes (no root needed); with --node a real node
on this machine (containerd, kubelet, kube-proxy and a registry; as root). Both may run side by side.
Everything is under $SHOPFLOW_CACHE (~/.cache/btc-shopflow-deployer).
END
}

here=$(cd "$(dirname "$0")" && pwd)
command=${1:-}
kind=${2:-}
case "$command $kind" in
'-h ' | '--help ') usage; exit 0 ;;
'up '* | 'down '* | 'status '* | 'env '*) ;;
*) usage >&2; exit 2 ;;
esac
case $kind in
'') # simulated nodes
    label=simulated api=127.0.0.1:16443 host_ip=192.0.2.1 node_ip=127.0.0.1 node_name=sim-0
    etcd_port=23790 etcd_peer_port=23791 manager_port=20257 scheduler_port=20259 service_net=10.97
    ;;
--node)
    label=shopflow-node host_ip=10.98.255.1 node_ip=10.98.255.1 node_name=node-0
    api=$node_ip:6443 registry=$node_ip:5000 bridge=shopflow0 pod_net=10.98.128.0/18
    etcd_port=23792 etcd_peer_port=23793 manager_port=20267 scheduler_port=20269 service_net=10.98
    ;;
*) usage >&2; exit 2 ;;
esac
state=${SHOPFLOW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/btc-shopflow-deployer}/$label

# shellcheck source=testcluster/process.sh
source "$here/testcluster/process.sh"
# shellcheck source=testcluster/control_plane.sh
source "$here/testcluster/control_plane.sh"
# shellcheck source=testcluster/simulated.sh
source "$here/testcluster/simulated.sh"
# shellcheck source=testcluster/node.sh
[ -z "$kind" ] || source "$here/testcluster/node.sh"

build() { "$here/testcluster/build.sh" "$1"; }

up() {
    local began=$SECONDS
    [ -z "$kind" ] || [ "$(id -u)" = 0 ] || die "a real node needs root: sudo hack/cluster.sh up --node"
    bin=$(dirname "$(build kube)")
    [ -z "$kind" ] || network_up
    control_plane_up
    kubectl apply --server-side --force-conflicts -f "$here/../crd/" >/dev/null
    if [ -n "$kind" ]; then node_up; else simulated_up; fi
    say "up in $((SECONDS - began)) s: export KUBECONFIG=$state/kubeconfig"
}

down() {
    local name
    [ -e "$state" ] || { say "not up"; return; }
    [ -z "$kind" ] || node_down
    for name in kwok kube-scheduler kube-controller-manager kube-apiserver etcd; do stop "$name"; done
    rm -rf --one-file-system "$state" # a mount that could not be undone is not emptied
    say "down"
}

status() {
    local name file down=0
    for file in "$state"/run/*.cmd; do
        [ -e "$file" ] || { echo "not up"; return 1; }
        name=$(basename "$file" .cmd)
        if pid_of "$name" >/dev/null; then echo "$name runs"; else echo "$name is down"; down=1; fi
    done
    echo "KUBECONFIG=$state/kubeconfig${registry:+  registry $registry}"
    return $down
}

case $command in
env) printf '%s\n' "KUBECONFIG=$state/kubeconfig" ${registry:+"REGISTRY=$registry" "AUDIT_LOG=$state/log/audit.log"} ;;
status) status ;;
*)
    mkdir -p "$(dirname "$state")"
    exec 9>"$state.lock"
    flock -n 9 || { say "waiting for another cluster.sh"; flock 9; }
    if [ "$command" = up ]; then mkdir -p "$state" && up; else down; fi
    ;;
esac
