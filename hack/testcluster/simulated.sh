# One simulated node for thousands of pods (kwok).
# shellcheck shell=bash disable=SC2154  # sourced by cluster.sh, which sets $state and $here

simulated_up() {
    local files=("$here"/testcluster/simulated-{node,pods}.yaml) stages
    # Named by what is in them: a kwok that runs with other stages is started again.
    stages=$state/stages-$(cat "${files[@]}" | sha256sum | cut -c 1-12)
    rm -rf "$state"/stages-*
    mkdir "$stages"
    cp "${files[@]}" "$stages"
    start kwok "$(build kwok)" --kubeconfig="$state/kubeconfig" \
        --config="$stages/simulated-node.yaml" --config="$stages/simulated-pods.yaml" \
        --manage-all-nodes=false --manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake \
        --server-address=127.0.0.1:0 --node-lease-duration-seconds=40
    sed -n '/^---$/,$p' "$here/testcluster/simulated-node.yaml" | kubectl apply --server-side -f - >/dev/null
    wait_for 60 kwok kubectl wait --for=condition=Ready node/sim-0 --timeout=1s
}
