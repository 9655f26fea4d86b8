#!/usr/bin/env bash
# Installs what the project needs from Debian 12's packages (as root); what is there is left alone.
set -euo pipefail

usage() {
    cat <<'END'
usage: hack/deps.sh GROUP…

  build    to compile the controller
  test     compilers, checkers and interpreters of the tests
  cluster  what a control plane with simulated nodes needs (Go, to build Kubernetes)
  engines  what builds images in the tests of examples/monorepo: podman, buildah, a registry
  node     what a real node needs: containerd, runc, CNI, a registry, buildah
END
}

go=()
command -v go >/dev/null || go=(golang-go)
packages_of() {
    case $1 in
    build) echo gcc g++ libc6-dev cmake ninja-build pkg-config libcurl4-openssl-dev libyaml-dev libcjson-dev \
        libssl-dev libwebsockets-dev tzdata ;;
    test) echo libcunit1-dev clang-14 clang-format-14 libclang-rt-14-dev llvm-14 valgrind gcovr shellcheck python3 \
        python3-yaml git docker-registry openssl ;;
    cluster) echo openssl ca-certificates curl git procps "${go[@]}" ;;
    engines) echo podman buildah runc docker-registry debootstrap nodejs curl ;;
    node) echo containerd runc containernetworking-plugins iptables conntrack iproute2 procps docker-registry \
        buildah debootstrap gcc libc6-dev curl ;;
    *) return 1 ;;
    esac
}

case "${1:-}" in
-h | --help) usage; exit 0 ;;
'') usage >&2; exit 2 ;;
esac
missing=()
for group; do
    list=$(packages_of "$group") || { usage >&2; exit 2; }
    for package in $list; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing+=("$package")
    done
done
[ ${#missing[@]} -gt 0 ] || exit 0
[ "$(id -u)" = 0 ] || { echo "deps.sh: as root: apt-get install ${missing[*]}" >&2; exit 1; }
echo "deps.sh: installing ${missing[*]}"
# A package's service must not start: the test cluster runs its own, on its own ports.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
    trap 'rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
{ apt-get update -q && apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; echo "deps.sh: apt-get failed: the whole output is in $log" >&2; exit 1; }
rm -f "$log"
