#!/usr/bin/env bash
# The controller's program itself: what it prints, and its exit codes.
# usage: main.sh BTC-SHOPFLOW-DEPLOYER
set -uo pipefail
program=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# expect NAME CODE STDOUT STDERR ARG…: the program must end with just these (patterns of [[ ]]).
expect() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    env -i HOME="$tmp" timeout 20 "$program" "$@" >"$tmp/out" 2>"$tmp/err"
    local got=$?
    # shellcheck disable=SC2053  # patterns are meant
    if [[ $got != "$code" || $(<"$tmp/out") != $out || $(<"$tmp/err") != $err ]]; then
        printf 'FAILED: %s: exit code %s\nstdout: %s\nstderr: %s\n' \
            "$name" "$got" "$(<"$tmp/out")" "$(<"$tmp/err")"
        failed=1
    fi
}

me=btc-shopflow-deployer
expect "help" 0 "$me: rolls the apps*--log-level LEVEL*--version, --help" '' --help
expect "help wins" 0 "$me: rolls*" '' --version --help --log-level loud
expect "version" 0 "$me [0-9]*.[0-9]*.[0-9]*" '' --version
expect "an unknown flag" 2 '' "$me: '--nope' is not an option; --help" --nope
expect "a flag without its value" 2 '' "$me: --listen needs a value; --help" --listen
expect "a bad level" 2 '' "$me: --log-level 'loud': must be debug, info, warn or error" \
    --log-level loud
expect "a bad format" 2 '' "$me: --log-format 'xml': must be json or text" --log-format xml

printf 'registries: [{host: a.io, plainHTTP: maybe}]\n' >"$tmp/config.yaml"
expect "a bad file" 2 '' "$me: --config $tmp/config.yaml: registries\[\].plainHTTP of a.io: must be true or false" \
    --config "$tmp/config.yaml"

expect "no cluster" 1 '' '{"time":"*","level":"error","msg":"cannot start","err":"*kubeconfig*"}' \
    --listen 127.0.0.1:0
expect "no cluster, in text" 1 '' 'time=* level=error msg="cannot start" err=*kubeconfig*' \
    --listen 127.0.0.1:0 --log-format text

cat >"$tmp/kubeconfig" <<'END'
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: u, user: {exec: {command: aws}}}]
END
expect "an exec plugin" 1 '' "*the kubeconfig wants to run 'aws': the controller starts no processes*" \
    --kubeconfig "$tmp/kubeconfig" --listen 127.0.0.1:0
sed -i 's/exec: .*/token: t}}]/' "$tmp/kubeconfig"
expect "a bad address" 1 '' '*--listen 127.0.0.1:x: port '\''x'\'' is not 0..65535*' \
    --kubeconfig "$tmp/kubeconfig" --listen 127.0.0.1:x

# While there is no API server: /metrics say what was built, and a stop signal ends it by itself.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
env -i HOME="$tmp" "$program" --kubeconfig "$tmp/kubeconfig" --listen "127.0.0.1:$port" 2>"$tmp/err" &
pid=$!
for _ in {1..100}; do
    grep -q '"msg":"started"' "$tmp/err" && break
    sleep 0.1
done
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&3
timeout 10 cat <&3 >"$tmp/metrics" || true
version=$("$program" --version)
if ! grep -qxF "shopflow_deployer_build_info{version=\"${version##* }\"} 1" <(tr -d '\r' <"$tmp/metrics"); then
    echo "FAILED: build info"
    cat "$tmp/metrics" "$tmp/err"
    failed=1
fi
kill -TERM "$pid"
wait "$pid"
code=$?
if [[ $code != 0 ]] || ! grep -q '"msg":"stopping","signal":15' "$tmp/err"; then
    echo "FAILED: SIGTERM: exit code $code"
    cat "$tmp/err"
    failed=1
fi
exit $failed
