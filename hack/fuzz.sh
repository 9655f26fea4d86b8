#!/usr/bin/env bash
# Fuzzes the parsers (tests/fuzz) with libFuzzer under ASan and UBSan.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
usage: hack/fuzz.sh [SECONDS] [TARGET…]

Builds the preset "fuzz" and runs each target (default: all) for SECONDS (default 60), one after
the other, from its corpus and from what earlier runs found (build/fuzz/corpus).
A new crash is minimised and put into tests/fuzz/corpus/TARGET, so that ctest replays it: mend the
parser and commit both. Exit status 1 when there was one.
END
}

case "${1:-}" in
-h | --help) usage; exit 0 ;;
esac
seconds=60
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    seconds=$1
    shift
fi
mapfile -t all < <(basename -a -s .c tests/fuzz/fuzz_*.c | sed 's/^fuzz_//')
[ $# -gt 0 ] || set -- "${all[@]}"
for target; do
    [[ " ${all[*]} " == *" $target "* ]] || { echo "fuzz.sh: no target '$target'; there are: ${all[*]}" >&2; exit 2; }
done

mkdir -p build
log=build/fuzz.log
if ! { cmake --preset fuzz && cmake --build --preset fuzz --target fuzz; } >$log 2>&1; then
    tail -n 40 $log
    echo "fuzz.sh: the build failed: the whole output is in $log" >&2
    exit 1
fi
status=0
# keep TARGET CRASH: the smallest input that still fails goes into the corpus, named by its content.
keep() {
    local target=$1 crash=$2 small=build/fuzz/small name
    rm -f $small
    build/fuzz/tests/fuzz_"$target" -minimize_crash=1 -max_total_time=20 -exact_artifact_path=$small "$crash" \
        >/dev/null 2>&1 || true
    [ -s $small ] || cp "$crash" $small
    name=crash-$(sha256sum $small | cut -c 1-12)
    cp $small tests/fuzz/corpus/"$target"/"$name"
    echo "fuzz.sh: $target: FAILED: tests/fuzz/corpus/$target/$name (log: build/fuzz/$target.log)"
    grep -E -m 3 'does not hold|runtime error|ERROR: ' build/fuzz/"$target".log || true
}

for target; do
    found=build/fuzz/corpus/$target crashes=build/fuzz/crashes/$target/
    rm -rf "$crashes"
    mkdir -p "$found" "$crashes"
    if build/fuzz/tests/fuzz_"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=32768 \
        -artifact_prefix="$crashes" "$found" tests/fuzz/corpus/"$target" >build/fuzz/"$target".log 2>&1; then
        echo "fuzz.sh: $target: clean: $(grep -E '^Done [0-9]+ runs' build/fuzz/"$target".log)"
    else
        status=1
        for crash in "$crashes"*; do
            [ -f "$crash" ] && keep "$target" "$crash"
        done
    fi
done
exit $status
