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
  --quick   no cluster: a minute instead of half an hour
Options for ctest are passed on: hack/test.sh -R crash
END
}

say() { echo "test.sh: [$((SECONDS / 60)):$(printf %02d $((SECONDS % 60)))] $*"; }
quick=
case "${1:-}" in
-h | --help) usage; exit 0 ;;
--quick) quick=1; shift ;;
esac

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
    hack/deps.sh build test cluster node
fi
build debug
build clang
build release
build asan -DSHOPFLOW_PLAIN_BUILD="$PWD/build/debug" -DSHOPFLOW_CLUSTER="$([ -n "$quick" ] && echo OFF || echo ON)"
if [ -z "$quick" ]; then
    hack/testcluster/build.sh kube kwok helm >/dev/null
    trap 'hack/cluster.sh down; hack/cluster.sh down --node' EXIT
fi
say "testing"
status=0
ctest --test-dir build/asan --output-on-failure -j4 "$@" || status=$?
if [ -z "$quick" ]; then
    trap - EXIT
    { hack/cluster.sh down && hack/cluster.sh down --node; } >build/down.log 2>&1 || { cat build/down.log; status=1; }
fi
exit $status
