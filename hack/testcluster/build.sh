#!/usr/bin/env bash
# Builds the programs of the test cluster from source, once for each set of inputs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
readers=$here/../../tests/readers
# shellcheck source=versions.env
source "$here/versions.env"

usage() {
    cat <<END
usage: hack/testcluster/build.sh TOOL…

Prints the path of each TOOL's program: the one in \$KUBE_BIN if that is set, else the one in the
cache, else one that it builds. TOOL is one of
  kube         etcd, the Kubernetes components and kubectl $KUBERNETES_VERSION (prints kubectl's path)
  kwok         simulated nodes, $KWOK_VERSION
  helm, helm3  helm $HELM_VERSION, helm $HELM3_VERSION
  kubeconform  $KUBECONFORM_VERSION
  gitops       a folder with the CRDs of Argo CD $GITOPS_ARGOCD_VERSION and Flux (kustomize-controller $GITOPS_FLUX_VERSION)
  buildx       docker's build client as a program of its own, $BUILDX_VERSION
  buildkitd    the daemon that it builds with, $BUILDKITD_VERSION
  actionlint   $ACTIONLINT_VERSION
  readers      kstatus and Argo CD's Lua, for tests/readers; versions in its go.mod
The cache is \$SHOPFLOW_CACHE, or btc-shopflow-deployer in \$XDG_CACHE_HOME or ~/.cache. A build that is
interrupted goes on where it was the next time.
END
}

COMPONENTS=(etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl)
cache=${SHOPFLOW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/btc-shopflow-deployer}

say() { echo "build.sh: $*" >&2; }
die() { say "$@"; exit 1; }

# --- the recipes: each leaves its program in $1 -------------------------------------------------

build_kube() {
    local stamp=k8s.io/component-base/version
    (cd "$here/kube" && go build -v -trimpath -o "$1/kube" -ldflags "-s -w \
        -X $stamp.gitVersion=$KUBERNETES_VERSION -X $stamp.gitMajor=1 \
        -X $stamp.gitMinor=$(cut -d. -f2 <<<"$KUBERNETES_VERSION")" .)
    for name in "${COMPONENTS[@]}"; do ln -s kube "$1/$name"; done
}
build_kwok() { build_module "$1" sigs.k8s.io/kwok "$KWOK_VERSION" "$KWOK_SUM" /cmd/kwok; }
build_kubeconform() {
    build_module "$1" github.com/yannh/kubeconform "$KUBECONFORM_VERSION" "$KUBECONFORM_SUM" /cmd/kubeconform
}
build_helm() {
    build_module "$1" helm.sh/helm/v4 "$HELM_VERSION" "$HELM_SUM" /cmd/helm \
        -X "helm.sh/helm/v4/internal/version.version=$HELM_VERSION"
}
build_helm3() {
    build_module "$1" helm.sh/helm/v3 "$HELM3_VERSION" "$HELM3_SUM" /cmd/helm \
        -X "helm.sh/helm/v3/internal/version.version=$HELM3_VERSION"
    mv "$1/helm" "$1/helm3"
}
build_buildx() {
    build_module "$1" github.com/docker/buildx "$BUILDX_VERSION" "$BUILDX_SUM" /cmd/buildx \
        -X "github.com/docker/buildx/version.Version=$BUILDX_VERSION"
}
build_actionlint() {
    build_module "$1" github.com/rhysd/actionlint "$ACTIONLINT_VERSION" "$ACTIONLINT_SUM" /cmd/actionlint
}
# go install takes no module whose go.mod excludes versions: this one is built where it lies.
build_buildkitd() {
    local source
    source=$(fetch_module github.com/moby/buildkit "$BUILDKITD_VERSION" "$BUILDKITD_SUM")
    (cd "$source" && go build -v -trimpath -o "$1/buildkitd" -ldflags "-s -w \
        -X github.com/moby/buildkit/version.Version=$BUILDKITD_VERSION" ./cmd/buildkitd)
}

build_readers() { (cd "$readers" && go build -v -trimpath -ldflags "-s -w" -o "$1/readers" .); }

build_gitops() {
    local argo flux
    argo=$(fetch_module github.com/argoproj/argo-cd/v3 "$GITOPS_ARGOCD_VERSION" "$GITOPS_ARGOCD_SUM")
    flux=$(fetch_module github.com/fluxcd/kustomize-controller "$GITOPS_FLUX_VERSION" "$GITOPS_FLUX_SUM")
    mkdir "$1/gitops"
    cp "$argo/manifests/crds/application-crd.yaml" "$flux"/config/crd/bases/*_kustomizations.yaml "$1/gitops"
}

# fetch_module MODULE VERSION SUM: prints where it is.
fetch_module() {
    local json got
    json=$(go mod download -json "$1@$2")
    got=$(sed -n 's/^\t"Sum": "\(.*\)",\?$/\1/p' <<<"$json")
    [ "$got" = "$3" ] || die "$1@$2 has the checksum $got, versions.env wants $3"
    sed -n 's/^\t"Dir": "\(.*\)",\?$/\1/p' <<<"$json"
}

# build_module FOLDER MODULE VERSION SUM PACKAGE [LINKER-FLAG…]
build_module() {
    local folder=$1 module=$2 version=$3 sum=$4 package=$5 got
    shift 5
    got=$(go mod download -json "$module@$version" | sed -n 's/^\t"Sum": "\(.*\)",\?$/\1/p')
    [ "$got" = "$sum" ] || die "$module@$version has the checksum $got, versions.env wants $sum"
    GOBIN=$folder go install -v -trimpath -ldflags "-s -w $*" "$module$package@$version"
}

# What a build takes from nothing on two cores, in seconds.
typical_s() {
    case $1 in
    kube) echo 540 ;;
    helm | helm3 | buildx) echo 150 ;;
    buildkitd) echo 200 ;;
    kwok) echo 90 ;;
    *) echo 30 ;;
    esac
}

# --- a Go that is new enough --------------------------------------------------------------------

# Puts a Go of at least GO_VERSION first in PATH: the machine's, or one fetched as a module.
find_go() {
    local arch have json root
    command -v go >/dev/null || die "no Go compiler: run hack/deps.sh cluster"
    have=$(GOTOOLCHAIN=local go env GOVERSION)
    export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS="-buildvcs=false -mod=readonly"
    if printf '%s\n' "go$GO_VERSION" "$have" | sort -VC; then
        return
    fi
    arch=$(go env GOARCH)
    say "Go here is $have: fetching $GO_VERSION from the Go module proxy (about 70 MB)"
    json=$(cd / && GOFLAGS=-mod=mod go mod download -json "golang.org/toolchain@v0.0.1-go$GO_VERSION.linux-$arch")
    root=$(sed -n 's/^\t"Dir": "\(.*\)",\?$/\1/p' <<<"$json")
    [ -d "$root" ] || die "could not fetch Go $GO_VERSION: $json"
    chmod -R +x "$root/bin" "$root/pkg/tool" # modules carry no file modes
    unset GOROOT
    export PATH=$root/bin:$PATH
}

# --- build, show how far it is ------------------------------------------------------------------

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# progress TOOL PID LOG: a line now and then until PID ends.
progress() {
    local tool=$1 pid=$2 log=$3 typical started=$SECONDS shown=0 took
    typical=$(($(typical_s "$tool") * 2 / $(nproc)))
    say "building $tool: about $(clock "$typical") min from nothing on $(nproc) cores, less if Go has parts of it cached"
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.5
        took=$((SECONDS - started))
        if ((took - shown >= 20)); then
            shown=$took
            say "$tool: $(wc -l <"$log") packages compiled, $(clock "$took") of about $(clock "$typical")"
        fi
    done
}

build() {
    local tool=$1 target=$2 tmp=$cache/tmp-$1 log=$cache/build-$1.log pid started=$SECONDS
    rm -rf "$tmp"
    mkdir -p "$tmp"
    find_go
    (set -e; "build_$tool" "$tmp") </dev/null >"$log" 2>&1 9>&- &
    pid=$!
    trap 'kill "$pid" 2>/dev/null; exit 130' INT TERM
    progress "$tool" "$pid" "$log"
    wait "$pid" || {
        tail -n 15 "$log" >&2
        die "$tool did not build; the whole output is in $log. Is the Go module proxy reachable?"
    }
    trap - INT TERM
    mv -T "$tmp" "$target"
    say "$tool is built, took $(clock $((SECONDS - started)))"
}

# --- where a tool is ----------------------------------------------------------------------------

program_of() { if [ "$1" = kube ]; then echo kubectl; else echo "$1"; fi; }

# Everything that decides what comes out.
inputs_of() {
    uname -m
    grep -i "^${1/kube/kubernetes}_" "$here/versions.env" || true
    declare -f build_module "build_$1"
    if [ "$1" = kube ]; then cat "$here"/kube/{main.go,go.mod,go.sum}; fi
    if [ "$1" = readers ]; then cat "$readers"/{*.go,go.mod,go.sum}; fi
}

check_kube_pins() {
    local want
    for want in "k8s.io/kubernetes $KUBERNETES_VERSION" "go.etcd.io/etcd/server/v3 $ETCD_VERSION"; do
        grep -qF "$want" "$here/kube/go.mod" || die "kube/go.mod does not require $want, as versions.env says: bring them together"
    done
}

# In $KUBE_BIN a tool may be missing (then it is built), but not one component of Kubernetes.
in_kube_bin() {
    local name
    [ -n "${KUBE_BIN:-}" ] && [ -x "$KUBE_BIN/$(program_of "$1")" ] || return 1
    if [ "$1" = kube ]; then
        for name in "${COMPONENTS[@]}"; do
            [ -x "$KUBE_BIN/$name" ] || die "KUBE_BIN=$KUBE_BIN has kubectl but no $name: add it or unset KUBE_BIN"
        done
    fi
}

locate() {
    local tool=$1 target
    if in_kube_bin "$tool"; then
        echo "$(cd "$KUBE_BIN" && pwd)/$(program_of "$tool")"
        return
    fi
    if [ "$tool" = kube ]; then check_kube_pins; fi
    target=$cache/$tool-$(inputs_of "$tool" | sha256sum | cut -c1-16)
    if [ ! -d "$target" ]; then
        mkdir -p "$cache"
        exec 9>"$cache/lock-$tool"
        flock -n 9 || { say "waiting for another build of $tool"; flock 9; }
        [ -d "$target" ] || build "$tool" "$target" # may have appeared while waiting
        exec 9>&-
    fi
    echo "$target/$(program_of "$tool")"
}

case "${1:-}" in
-h | --help) usage; exit 0 ;;
'') usage >&2; exit 2 ;;
esac
for tool; do
    case $tool in
    kube | kwok | helm | helm3 | kubeconform | gitops | buildx | buildkitd | actionlint | readers) ;;
    *) say "no such tool: $tool"; usage >&2; exit 2 ;;
    esac
done
for tool; do locate "$tool"; done
