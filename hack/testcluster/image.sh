#!/usr/bin/env bash
# Builds images without a Docker engine and without a hub, and pushes them to a registry.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=versions.env
source "$here/versions.env"

usage() {
    cat <<'END'
usage: hack/testcluster/image.sh --registry HOST[:PORT][/PATH] [--tls] IMAGE

IMAGE is one of
  pause                 what containerd runs a pod's sandbox with, as pause:1
  shop APP TAG [FATE]   an app of the demo's shop; FATE is good (default), fresh (good too, but another
                        image), crash, oom, unready, nostart (what it names to run is not in it),
                        or foreign (for a platform that no node has)
  controller            btc-shopflow-deployer from the Dockerfile, on a Debian made by debootstrap;
                        its tag is made of the version and of what is in it
  node                  in the place of the hub's node:…-slim: Node.js and npm on that Debian
Prints the reference that was pushed. Without --tls the registry is spoken to in plain HTTP.
END
}

say() { echo "image.sh: $*" >&2; }
cache=${SHOPFLOW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/btc-shopflow-deployer}
registry='' tls=false
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage; exit 0 ;;
    --registry) registry=${2:?--registry needs a value}; shift 2 ;;
    --tls) tls=true; shift ;;
    *) break ;;
    esac
done
if [ -z "$registry" ] || [ $# -eq 0 ]; then usage >&2; exit 2; fi
mkdir -p "$cache"
log=$cache/image-$1.log

# Own storage: nothing of the machine's images is touched. vfs works on every file system.
tool=(buildah --root "$cache/buildah" --runroot "$cache/buildah-run" --storage-driver vfs)
tool() { "${tool[@]}" "$@"; }

# push LOCAL NAME:TAG
push() {
    tool push -q --tls-verify=$tls "$1" "docker://$registry/$2" >>"$log" 2>&1 ||
        { tail -n 5 "$log" >&2; say "cannot push to $registry: the whole output is in $log"; exit 1; }
    echo "$registry/$2"
}

shop_program() {
    local program
    program=$cache/shop-$(sha256sum <"$here/shop.c" | cut -c1-16)
    [ -x "$program" ] || { gcc -O2 -s -static -pthread -Wall -o "$program.new" "$here/shop.c" && mv "$program.new" "$program"; }
    echo "$program"
}

# from_scratch NAME:TAG CONFIG…: the shop program as an image.
from_scratch() {
    local name=$1 program container
    shift
    program=$(shop_program)
    container=$(tool from scratch)
    {
        tool copy -q "$container" "$program" /shop
        tool config --entrypoint '["/shop"]' --user 65532:65532 "$@" "$container"
        tool commit -q --rm "$container" "$name"
    } >>"$log"
    push "$name" "$name"
}

# only_for ARCHITECTURE NAME:TAG: in the image's place, an index that offers it for that platform alone.
only_for() {
    local list=localhost/only-for:${2##*:}
    {
        tool manifest rm "$list" || true
        tool manifest create "$list"
        tool manifest add --arch "$1" "$list" "localhost/$2"
        tool manifest push -q --all --tls-verify=$tls "$list" "docker://$registry/$2"
    } >>"$log" 2>&1
}

# Debian's minimal base, from the mirror that this machine's apt uses.
base_image() {
    local name=localhost/debian:$DEBIAN_SUITE-minbase root mirror
    if ! tool inspect "$name" >/dev/null 2>&1; then
        say "making a Debian $DEBIAN_SUITE base image, about a minute"
        # shellcheck disable=SC2016  # apt's own variables
        mirror=$(apt-get indextargets --format '$(SITE) $(ORIGIN) $(LABEL)' 'Created-By: Packages' |
            awk '$2 == "Debian" && $3 == "Debian" { print $1; exit }')
        root=$(mktemp -d "$cache/base.XXXXXX")
        debootstrap --variant=minbase "$DEBIAN_SUITE" "$root" "${mirror:-http://deb.debian.org/debian}" >>"$log" 2>&1 ||
            { tail -n 5 "$log" >&2; say "debootstrap failed: the whole output is in $log"; exit 1; }
        rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
        container=$(tool from scratch)
        {
            tool add -q "$container" "$root" /
            tool commit -q --rm "$container" "$name"
        } >>"$log"
        rm -rf "$root"
    fi
    echo "$name"
}

# Debian's Node.js, npm as npm publishes it (Debian's has hundreds of packages), and the certificates
# that this machine trusts: a package registry may be behind a proxy of its own.
node_image() {
    local base folder trusted=/etc/ssl/certs/ca-certificates.crt inputs
    inputs=$( (echo "$DEBIAN_SUITE $NPM_VERSION" && declare -f node_image && cat $trusted) | sha256sum | cut -c1-16)
    if ! tool inspect "localhost/node:$inputs" >/dev/null 2>&1; then
        base=$(base_image)
        say "making a base image with Node.js, about a minute"
        folder=$(mktemp -d "$cache/node.XXXXXX")
        cp $trusted "$folder/trusted.crt"
        (cd "$folder" && npm pack --silent "npm@$NPM_VERSION" && tar xf npm-*.tgz) >>"$log" 2>&1 ||
            { tail -n 5 "$log" >&2; say "cannot fetch npm $NPM_VERSION: the whole output is in $log"; exit 1; }
        cat >"$folder/Dockerfile" <<'END'
ARG BASE
FROM ${BASE}
RUN apt-get update -q && apt-get install -y -q --no-install-recommends nodejs && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc /usr/share/man
COPY trusted.crt /etc/ssl/certs/ca-certificates.crt
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
COPY package /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && npm config set -g prefix /usr/local && npm --version
END
        tool bud -q --isolation chroot --pull=never --build-arg BASE="$base" -t "localhost/node:$inputs" "$folder" >>"$log" 2>&1 ||
            { tail -n 20 "$log" >&2; say "it does not build: the whole output is in $log"; exit 1; }
        rm -rf "$folder"
    fi
    push "localhost/node:$inputs" "node:$inputs"
}

# Every layer is a whole copy in this storage: what earlier builds left goes when it has become much.
clear_old_images() {
    [ "$(du -sm "$cache/buildah" | cut -f1)" -gt 6000 ] || return 0
    say "removing the images of earlier builds"
    {
        tool images -q localhost/controller | xargs -r "${tool[@]}" rmi -f
        tool rmi --prune
    } >>"$log" 2>&1 || true
}

controller_image() {
    local base version repo inputs
    repo=$(cd "$here/../.." && pwd)
    version=$(sed -n 's/^project(btc-shopflow-deployer VERSION \([0-9.]*\).*/\1/p' "$repo/CMakeLists.txt")
    base=$(base_image)
    inputs=$(cd "$repo" && find Dockerfile CMakeLists.txt CMakePresets.json LICENSE cmake controller -type f -print0 |
        sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
    if ! tool inspect "localhost/controller:$inputs" >/dev/null 2>&1; then
        clear_old_images
        say "building the controller's image from the Dockerfile, about two minutes"
        tool bud -q --isolation chroot --layers --pull=never --build-arg BASE="$base" --build-arg VERSION="$version" \
            -t "localhost/controller:$inputs" "$repo" >>"$log" 2>&1 ||
            { tail -n 20 "$log" >&2; say "the Dockerfile does not build: the whole output is in $log"; exit 1; }
    fi
    push "localhost/controller:$inputs" "btc-shopflow-deployer:$version-$inputs"
}

: >"$log"
case $1 in
pause) from_scratch pause:1 --cmd pause ;;
shop)
    [ $# -ge 3 ] || { usage >&2; exit 2; }
    config=(--port 8080 --env "SHOP_APP=$2" --env "SHOP_VERSION=$3" --env "SHOP_FATE=${4:-good}")
    [ "${4:-}" != nostart ] || config+=(--entrypoint '["/missing"]')
    from_scratch "$2:$3" "${config[@]}"
    [ "${4:-}" != foreign ] || only_for s390x "$2:$3"
    ;;
controller) controller_image ;;
node) node_image ;;
*) usage >&2; exit 2 ;;
esac
