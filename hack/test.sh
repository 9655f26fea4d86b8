#!/usr/bin/env bash
# Everything that must hold before a change lands. Ends with ctest's closing lines.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
usage: hack/test.sh [--quick] [CTEST-OPTION…]

Installs what it needs, builds with gcc and clang (warnings are errors), and runs every test under
ASan and UBSan: static checks, unit, golden, HTTP conversations, fuzz corpora, valgrind, the
controller against a real Kubernetes with simulated nodes, and the image and chart on a real node.
  --quick   no cluster: a few minutes instead of 25
Options for ctest are passed on: hack/test.sh -R crash
END
}

say() { echo "test.sh: [$((SECONDS / 60)):$(printf %02d $((SECONDS % 60)))] $*"; }
quick='' options=()
for option; do
    case $option in
    -h | --help) usage; exit 0 ;;
    --quick) quick=1 ;;
    --rerun-failed | --stop-on-failure | --verbose | --extra-verbose | --repeat | --timeout) options+=("$option") ;;
    --*) echo "test.sh: unknown option: $option (hack/test.sh -h tells what there is)" >&2; exit 2 ;;
    *) options+=("$option") ;;
    esac
done

build() {
    local log=build/$1.log
    say "building: $1"
    mkdir -p build
    if ! { cmake --preset "$@" && cmake --build --preset "$1"; } >"$log" 2>&1; then
        tail -n 40 "$log"
        say "the build with preset $1 failed: the whole output is in $log"
        exit 1
    fi
}

if [ -n "$quick" ]; then
    hack/deps.sh build test
else
    hack/deps.sh build test cluster node engines
fi
build debug
build clang
build release
build asan -DSHOPFLOW_PLAIN_BUILD="$PWD/build/debug" -DSHOPFLOW_CLUSTER="$([ -n "$quick" ] && echo OFF || echo ON)"
# A cluster that is up is used and stays; what is left of one that is not is cleared away, before and after.
cluster_down() {
    local kind
    for kind in "${ours[@]}"; do hack/cluster.sh down "$kind"; done >>build/down.log 2>&1
}
ours=()
if [ -z "$quick" ]; then
    hack/testcluster/build.sh kube kwok helm helm3 readers gitops buildx buildkitd actionlint >/dev/null
    for kind in '' --node; do hack/cluster.sh status "$kind" >/dev/null 2>&1 || ours+=("$kind"); done
    cluster_down || { cat build/down.log; exit 1; }
    trap 'cluster_down || cat build/down.log' EXIT
fi
say "testing"
ctest --test-dir build/asan --output-on-failure -j3 "${options[@]}"
