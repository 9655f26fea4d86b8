#!/usr/bin/env bash
# A buildkitd of its own, for tests: what it keeps, its socket and its processes are under one folder.
set -euo pipefail

usage() {
    cat <<'END'
usage: hack/testcluster/buildkit.sh up|down FOLDER [REGISTRY…]

  up    starts buildkitd (as root), or leaves the one of that folder running; each REGISTRY (host:port)
        is spoken to in plain HTTP; prints BUILDKIT_HOST=unix://… for: export $(buildkit.sh up FOLDER)
  down  stops it and removes the folder
END
}

case "${1:-}" in
-h | --help) usage; exit 0 ;;
up | down) [ -n "${2:-}" ] || { usage >&2; exit 2; } ;;
*) usage >&2; exit 2 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
command=$1
state=$(realpath -m "$2")
shift 2
# shellcheck source=process.sh
source "$here/process.sh"
say() { echo "buildkit.sh: $*" >&2; }
# A Unix socket's path may have 107 characters, a folder's more.
socket=/run/shopflow-buildkit-$(sha256sum <<<"$state" | cut -c1-12).sock

answers() { [ -S "$socket" ] && grep -q 'running server on' "$state/log/buildkitd.log"; }

up() {
    local daemon registry config
    [ "$(id -u)" = 0 ] || die "buildkitd needs root here"
    daemon=$("$here/build.sh" buildkitd)
    mkdir -p "$state"
    config=$state/buildkitd-$(sha256sum <<<"$*" | cut -c1-12).toml # another one, and it is started again
    {
        echo '[worker.oci]'
        echo 'enabled = true'
        echo 'networkMode = "host"' # no CNI needed
        echo '[worker.containerd]'
        echo 'enabled = false'
        for registry; do printf '[registry."%s"]\nhttp = true\n' "$registry"; done
    } >"$config"
    start buildkitd "$daemon" --config "$config" --root "$state/root" --addr "unix://$socket"
    wait_for 30 buildkitd answers
    echo "BUILDKIT_HOST=unix://$socket"
}

# On SIGTERM it ends the builds that run, and with them their containers and mounts.
down() {
    local pid end=$((SECONDS + 15))
    if pid=$(pid_of buildkitd); then
        kill -TERM "$pid"
        while pid_of buildkitd >/dev/null && ((SECONDS < end)); do sleep 0.1; done
        stop buildkitd
    fi
    rm -f "$socket" "$socket.lock"
    rm -rf --one-file-system "$state"
}

mkdir -p "$(dirname "$state")"
exec 9>"$state.lock" # two at once would both start it
flock 9
if [ "$command" = up ]; then up "$@"; else down; fi
