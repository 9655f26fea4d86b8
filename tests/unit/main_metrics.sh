#!/usr/bin/env bash
# The controller's /metrics say what was built, also while there is no API server.
# usage: main_metrics.sh BTC-SHOPFLOW-DEPLOYER
set -euo pipefail
program=$1
tmp=$(mktemp -d)
cat >"$tmp/kubeconfig" <<'END'
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: u, user: {token: t}}]
END
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
: >"$tmp/log"
"$program" --kubeconfig "$tmp/kubeconfig" --listen "127.0.0.1:$port" 2>"$tmp/log" &
pid=$!
trap 'kill $pid; wait $pid; rm -rf "$tmp"' EXIT
for _ in {1..100}; do
    grep -q '"msg":"started"' "$tmp/log" && break
    sleep 0.1
done
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&3
timeout 10 cat <&3 >"$tmp/metrics" || true
version=$("$program" --version)
grep -qxF "shopflow_deployer_build_info{version=\"${version##* }\"} 1" <(tr -d '\r' <"$tmp/metrics") ||
    { cat "$tmp/metrics" "$tmp/log"; exit 1; }
