# Background processes with a record each, so that only what was started here is ever stopped.
# shellcheck shell=bash disable=SC2154  # sourced by cluster.sh, which sets $state

say() { echo "cluster.sh: $*" >&2; }
die() { say "$@"; exit 1; }

# A pid alone may be another process by now: its start time and the boot make it unique.
identity() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) }
    # shellcheck disable=SC2086  # the fields of proc(5), from the third on
    set -- "$1" $stat
    [ "$2" != Z ] && echo "$1 ${21} $(</proc/sys/kernel/random/boot_id)"
}

# pid_of NAME: of the process that NAME's record speaks of, if it still runs.
pid_of() {
    local record pid
    record=$(cat "$state/run/$1.pid" 2>/dev/null) || return 1
    pid=${record%% *}
    [ -n "$pid" ] && [ "$(identity "$pid")" = "$record" ] && echo "$pid"
}

# start NAME COMMAND…: unless it already runs with this very command line.
start() {
    local name=$1 command
    shift
    command=$(printf '%q ' "$@")
    if pid_of "$name" >/dev/null; then
        [ "$command" = "$(cat "$state/run/$name.cmd")" ] && return
        say "$name: its command line changed, starting it again"
        stop "$name"
    fi
    mkdir -p "$state/run" "$state/log"
    printf '%s' "$command" >"$state/run/$name.cmd"
    rm -f "$state/run/$name.pid"
    (
        exec </dev/null >>"$state/log/$name.log" 2>&1 9>&-
        identity "$BASHPID" >"$state/run/$name.pid" # before exec: no process without a record
        exec setsid "$@"
    ) &
    while [ ! -s "$state/run/$name.pid" ] && kill -0 $! 2>/dev/null; do sleep 0.01; done
}

# There is nothing to save: etcd's log holds what was acknowledged, and down deletes it all.
stop() {
    local pid
    if pid=$(pid_of "$1"); then
        kill -KILL "$pid"
        while pid_of "$1" >/dev/null; do sleep 0.02; done
    fi
    rm -f "$state/run/$1.pid"
}

# wait_for SECONDS NAME COMMAND…: until COMMAND succeeds; names the log of NAME when it does not.
wait_for() {
    local end=$((SECONDS + $1)) name=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ! pid_of "$name" >/dev/null || ((SECONDS >= end)); then
            tail -n 8 "$state/log/$name.log" >&2
            die "$name is not ready ('$*' fails): the end of $state/log/$name.log is above"
        fi
        sleep 0.1
    done
}
