# What the demo's steps are made of.
# shellcheck shell=bash disable=SC2154  # sourced by demo.sh, which sets the names in lower case

commit_first=1111111
failures=0
declare -A generation
rows=()

say() { echo "demo.sh: $*" >&2; }
kube() { kubectl -n "$ns" "$@"; }
ms() { date +%s%3N; }

# Brings the cluster up, or takes the user's; finds kubectl and helm.
prepare() {
    local setting
    hack/deps.sh cluster node
    if [ -n "$own" ]; then
        hack/cluster.sh up --node
        while read -r setting; do export "${setting?}"; done < <(hack/cluster.sh env --node)
        # shellcheck disable=SC2153  # from the line above
        registry=$REGISTRY
    else
        export KUBECONFIG=$kubeconfig
    fi
    PATH=$(dirname "$(hack/testcluster/build.sh kube)"):$(dirname "$(hack/testcluster/build.sh helm)"):$PATH
    kubectl version --request-timeout=10s >/dev/null || { say "no cluster answers at $KUBECONFIG"; exit 1; }
}

mark=app.kubernetes.io/part-of=shopflow-demo
is_ours() { [ -n "$(kubectl get namespace -l $mark --field-selector "metadata.name=$1" -o name)" ]; }

remove() {
    local name
    if is_ours "$system"; then helm -n "$system" uninstall btc-shopflow-deployer --ignore-not-found --wait; fi
    for name in "$ns" "$system"; do
        if is_ours "$name"; then kubectl delete namespace "$name"; fi
    done
    say "removed; the CRD stays, with every AppRelease of the cluster: kubectl delete -f crd/"
}

push() { hack/testcluster/image.sh --registry "$registry" ${tls:+--tls} "$@"; }
image() { push shop "$1" "${2::7}" "${3:-good}" >/dev/null; }

# namespace NAME: one of the demo's own, where only restricted pods run.
namespace() {
    if ! is_ours "$1"; then
        kubectl create namespace "$1" >/dev/null || { say "the demo takes no namespace that it did not make"; exit 1; }
    fi
    kubectl label --overwrite namespace "$1" $mark pod-security.kubernetes.io/enforce=restricted >/dev/null
}

install_controller() {
    local others image settings=()
    others=$(kubectl get deployments -A -l app.kubernetes.io/name=btc-shopflow-deployer \
        -o jsonpath='{range .items[*]}{.metadata.namespace}{"\n"}{end}' | sed "/^$system\$/d")
    [ -z "$others" ] || { say "this cluster has a controller already, in $others: the demo would disturb it"; exit 1; }
    say "installing the controller with helm into $system"
    image=$(push controller)
    namespace "$system"
    [ -n "$tls" ] || settings=(--set-json "registries=[{\"host\": \"${registry%%/*}\", \"plainHTTP\": true}]")
    kubectl apply --server-side --force-conflicts -f crd/ >/dev/null
    helm upgrade --install btc-shopflow-deployer "$chart" --namespace "$system" --wait --timeout 2m \
        --set image.repository="${image%:*}" --set image.tag="${image##*:}" "${settings[@]}" >/dev/null
}

install_shop() {
    say "installing a shop of two apps, and traffic, into $ns"
    image api "$commit_first"
    image web "$commit_first"
    if is_ours "$ns"; then kubectl delete namespace "$ns" >/dev/null; fi
    namespace "$ns"
    sed -e "s#REGISTRY#$registry#" -e "s#FIRST#$commit_first#" hack/demo/shop.yaml | kube apply -f - >/dev/null
    kube wait --for=condition=Available deployment --all --timeout=120s >/dev/null
}

# --- a step -------------------------------------------------------------------------------------

counts() { kube exec deployment/traffic -- /shop count | tr -dc '0-9 \n'; } # "123  4 "

# Bold, where a person looks.
heading() { if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$1"; else printf '\n%s\n' "$1"; fi; }

step() {
    title=$1
    read -r sent_before failed_before < <(counts)
    took=-
    heading "$title"
}

# release API-COMMIT WEB-COMMIT: what CI would write after it pushed the images.
release() {
    began=$(ms)
    kube apply -f - <<END >/dev/null
apiVersion: deploy.btc-shopflow.io/v1alpha1
kind: AppRelease
metadata: {name: shop}
spec:
  commit: "$1"
  registry: $registry
  missingImagePolicy: Fail
  apps:
  - {name: api}
  - {name: web, commit: "$2"}
  health: {soakSeconds: 3, deadlineSeconds: 60}
END
}

# await REASON: until the release says so of the newest generation; shows how it goes.
await() {
    local seen='' now end=$((SECONDS + 120))
    while :; do
        now=$(kube get arel shop -o jsonpath='{range .status.apps[*]}{.name}={.state} {end}')
        if [ "$now" != "$seen" ]; then
            printf '    %5s s  %s\n' "$(seconds_since "$began")" "$now"
            seen=$now
        fi
        if [ "$(kube get arel shop -o jsonpath='{.metadata.generation} {range .status.conditions[?(@.type=="Ready")]}{.observedGeneration} {.reason}{end}')" = \
            "$(kube get arel shop -o jsonpath='{.metadata.generation} {.metadata.generation}') $1" ]; then
            break
        fi
        [ $SECONDS -lt $end ] || { say "waited 120 s for Ready to say $1"; failures=$((failures + 1)); break; }
        sleep 0.2
    done
    took="$(seconds_since "$began") s"
}

seconds_since() { local t=$(($(ms) - $1)); printf '%d.%d' $((t / 1000)) $((t % 1000 / 100)); }

running() { kube get deployment "btc-$1" -o jsonpath='{.spec.template.spec.containers[0].image}'; }
generation_of() { kube get deployment "btc-$1" -o jsonpath='{.metadata.generation}'; }
before() { local app; for app; do generation[$app]=$(generation_of "$app"); done; }
untouched() { local app; for app; do [ "$(generation_of "$app")" = "${generation[$app]}" ] || return 1; done; }

# expect WHAT COMMAND…
expect() {
    local what=$1
    shift
    if "$@"; then
        echo "    ok      $what"
    else
        echo "    NOT SO  $what"
        failures=$((failures + 1))
    fi
}

# What the object says of a failure, for people.
show_failure() {
    kube get arel shop -o jsonpath='{"\n"}{.status.apps[0].message}{"\nlast log lines:\n"}{.status.apps[0].failure.logTail}{"\n"}' |
        sed 's/^/    /'
}

finish() {
    local sent failed
    read -r sent failed < <(counts)
    expect "no request failed" test "$failed" = "$failed_before"
    rows+=("$(printf '%-62s %8s %9d %7d' "$title" "$took" $((sent - sent_before)) $((failed - failed_before)))")
    echo
    kube get arel
}

summary() {
    local down="hack/demo.sh down"
    [ -n "$own" ] || down+=" --kubeconfig $KUBECONFIG"
    heading "$(printf '%-62s %8s %9s %7s' Step took requests failed)"
    printf '%s\n' "${rows[@]}"
    if [ "$failures" -gt 0 ]; then
        echo && say "$failures things were not as promised"
        exit 1
    fi
    cat <<END

Everything was as promised. The cluster is up; try it:
  export KUBECONFIG=$KUBECONFIG PATH=$(dirname "$(command -v kubectl)"):\$PATH
  kubectl -n $ns describe arel shop             # conditions, history, what each app did, Events
  kubectl -n $ns set image deployment/btc-api api=$registry/api:$commit_first   # drift is told, not fought:
  kubectl -n $ns events --for apprelease/shop | tail -n 1
  $down   # removes it all
END
}
