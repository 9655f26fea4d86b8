#!/usr/bin/env bash
# Every bound of crd/appreleases.yaml, on a real API server: the value next to it is accepted, the
# first one past it is refused, and the error names the field.
set -euo pipefail

usage() {
    cat <<'END'
usage: KUBECONFIG=… tests/e2e/crd_bounds.sh

Applies crd/appreleases.yaml, sends objects to the server (dry run) in a namespace that it removes
at the end, prints a line for each case and then "N passed, N failed". Needs: kubectl, a cluster
(hack/cluster.sh up; the right to write CRDs and namespaces).
END
}

case "${1:-}" in
-h | --help) usage; exit 0 ;;
'') ;;
*) usage >&2; exit 2 ;;
esac
: "${KUBECONFIG:?is not set: run hack/cluster.sh up, then take it from hack/cluster.sh env}"

crd=$(dirname "$0")/../../crd/appreleases.yaml
ns=crd-bounds-$$
passed=0
failed=0
trap 'kubectl delete namespace "$ns" --wait=false >/dev/null' EXIT

# check NAME WANTED OUTPUT: does OUTPUT hold WANTED?
check() {
    if [[ "$3" == *"$2"* ]]; then
        passed=$((passed + 1))
        echo "ok      $1"
    else
        failed=$((failed + 1))
        echo "FAILED  $1: wanted '$2', got: ${3:0:400}"
    fi
}

# patch JSON [FLAG…]: what the server says to this merge patch of the object "whole".
patch() {
    local json=$1
    shift
    kubectl -n "$ns" patch appreleases whole --type=merge --dry-run=server -p "$json" "$@" 2>&1 || true
}
said() { printf '%s' "${1:0:90}"; }
refused() { check "refused  $1  $(said "$2")" "$1: " "$(patch "$2")"; }
allowed() { check "allowed  $(said "$1")" "apprelease.deploy.btc-shopflow.io/whole patched" "$(patch "$1")"; }
status_refused() { check "refused  $1  $(said "$2")" "$1: " "$(patch "$2" --subresource=status)"; }
status_allowed() {
    check "allowed  $(said "$1")" "whole patched" "$(patch "$1" --subresource=status)"
}

# times N TEXT [SEPARATOR]; list N FORMAT: items numbered 1…N with commas between.
times() { local s; printf -v s "%${1}s"; printf '%s' "${s// /$2}"; }
list() { seq -s, "$1" | sed "s/[0-9]\+/$2/g"; }
spec() { printf '{"spec":{%s}}' "$1"; }
app() { spec "\"apps\":[{\"name\":\"a\",$1}]"; }

# text PATH WRAP GOOD… -- BAD…: WRAP is a printf format that puts a text at PATH.
text() {
    local path=$1 wrap=$2 verb=(allowed) value json
    shift 2
    for value; do
        if [ "$value" = -- ]; then
            verb=(refused "$path")
            continue
        fi
        # shellcheck disable=SC2059
        printf -v json "$wrap" "$value"
        "${verb[@]}" "$json"
    done
}

# number PATH LOW HIGH: below the dotted path in the spec.
number() {
    local path=$1 low=$2 high=$3 wrap='{"spec":{"%s":%s}}' key=${1#spec.} n
    [[ $key == health.* ]] && wrap='{"spec":{"health":{"%s":%s}}}' && key=${key#health.}
    for n in "$low" "$high"; do
        # shellcheck disable=SC2059
        allowed "$(printf "$wrap" "$key" "$n")"
    done
    for n in $((low - 1)) $((high + 1)) 1.5 '"7"'; do
        # shellcheck disable=SC2059
        refused "$path" "$(printf "$wrap" "$key" "$n")"
    done
}

kubectl apply --server-side --force-conflicts -f "$crd" >/dev/null
kubectl wait --for=condition=Established --timeout=60s crd/appreleases.deploy.btc-shopflow.io >/dev/null
kubectl create namespace "$ns" >/dev/null
kubectl -n "$ns" create -f - >/dev/null <<'END'
apiVersion: deploy.btc-shopflow.io/v1alpha1
kind: AppRelease
metadata: {name: whole}
spec: {commit: 9f8e7d6, registry: 10.0.0.1:5000, apps: [{name: a}]}
END

check "defaults of spec" '{"approval":{"required":false},"apps":[{"name":"a"}],"commit":"9f8e7d6","deploymentPrefix":"btc-","enforceRollingUpdate":true,"health":{"deadlineSeconds":300,"failFast":true,"restartThreshold":3,"soakSeconds":10},"historyLimit":10,"imageWaitSeconds":300,"maxConcurrent":3,"missingImagePolicy":"Wait","mode":"Apply","onFailure":"RollbackFailed","paused":false,"pinDigest":true,"registry":"10.0.0.1:5000","rollback":"Auto","suspend":false,"tag":"ShortSHA"}' \
    "$(kubectl -n "$ns" get appreleases whole -o jsonpath='{.spec}')"
check "default of status" '{"observedGeneration":-1}' \
    "$(kubectl -n "$ns" get arel whole -o jsonpath='{.status}')"

# Texts
for field in '"commit":"%s"' '"apps":[{"name":"a","commit":"%s"}]'; do
    path=spec.commit
    [[ $field == *apps* ]] && path='spec.apps[0].commit'
    text "$path" "$(spec "$field")" 0123456 "$(times 64 a)" -- \
        012345 "$(times 65 a)" 9F8E7D6 9f8e7dg '' ' 9f8e7d6' '9f8e7d6\n'
done
refused spec.commit "$(spec '"commit":1234567')"
refused spec.commit "$(spec '"commit":null')"
text spec.registry "$(spec '"registry":"%s"')" r ghcr.io localhost:5000 ghcr.io/acme/shop__x '[fd00::1]:5000' \
    "$(times 255 r)" -- "$(times 256 r)" '' https://ghcr.io ghcr.io/ GHCR.io ghcr.io/Acme \
    user:pw@ghcr.io 10.0.0.1:port ghcr.io//x ghcr.io/../x 'ghcr.io/x?y'
text 'spec.apps[0].repository' "$(app '"repository":"%s"')" nginx acme/x ghcr.io/acme/x h:5000/x '[fd00::1]:5000/x' \
    "$(times 255 r)" -- "$(times 256 r)" '' acme/x:latest nginx:1 acme/x@sha256:00 /x x/ Acme/x https://ghcr.io/x
text 'spec.apps[0].name' "$(spec '"apps":[{"name":"%s"}]')" a a-1 "$(times 59 a)" -- \
    "$(times 64 a)" '' A -a a- a.b a/b ..
text 'spec.apps[0].deployment' "$(app '"deployment":"%s"')" a a.b "$(times 63 a).$(times 63 b).$(times 63 c).$(times 61 d)" -- \
    "$(times 63 a).$(times 63 b).$(times 63 c).$(times 62 d)" "$(times 64 a)" '' A a..b .a a. ../x a/b a?b
text 'spec.apps[0].containers[0]' "$(app '"containers":["%s"]')" a "$(times 63 a)" -- "$(times 64 a)" '' A a.b
text 'spec.pullSecrets[0].name' "$(spec '"pullSecrets":[{"name":"%s"}]')" a a.b -- "$(times 254 a)" '' A ../x a/b
text spec.deploymentPrefix "$(spec '"deploymentPrefix":"%s"')" '' btc- a. "$(times 62 a)" -- "$(times 64 a)" - B a/ a_
for key in url ref actor runURL; do
    text "spec.source.$key" "$(spec "\"source\":{\"$key\":\"%s\"}")" '' "$(times 1024 x)" 'Zoë <z@example.com>' -- \
        "$(times 1025 x)" 'a\nb' 'a\u001bb'
done
text spec.source.commitTime "$(spec '"source":{"commitTime":"%s"}')" 2026-01-02T03:04:05Z 2026-01-02T03:04:05.123+01:00 -- \
    '' yesterday 2026-01-02 2026-13-02T03:04:05Z
text spec.tag "$(spec '"tag":"%s"')" ShortSHA -- '' shortsha Latest
text spec.missingImagePolicy "$(spec '"missingImagePolicy":"%s"')" Wait Skip Fail -- '' wait
text spec.rollback "$(spec '"rollback":"%s"')" Auto Never -- '' Halt
text spec.onFailure "$(spec '"onFailure":"%s"')" RollbackFailed RollbackAll Halt -- '' Never
text spec.mode "$(spec '"mode":"%s"')" Apply Plan -- '' plan
text 'spec.apps[0].dependsOn[0]' "$(app '"dependsOn":["%s"]')" b "$(times 63 b)" -- "$(times 64 b)" '' B b.c
text spec.approval.approvedCommit "$(spec '"approval":{"approvedCommit":"%s"}')" '' 0123456 "$(times 64 a)" -- \
    012345 "$(times 65 a)" 9F8E7D6
text spec.serviceAccountName "$(spec '"serviceAccountName":"%s"')" a a.b -- '' "$(times 254 a)" A ../x a/b a:b
window() { spec "\"freezeWindows\":[{\"schedule\":\"0 18 * * 5\",\"durationSeconds\":3600,$1}]"; }
text 'spec.freezeWindows[0].timeZone' "$(window '"timeZone":"%s"')" UTC Europe/Berlin America/Argentina/Ushuaia Etc/GMT+5 -- \
    '' /etc/passwd ../UTC Europe/../UTC Europe/ 'Europe Berlin'
text 'spec.freezeWindows[0].schedule' "$(spec '"freezeWindows":[{"durationSeconds":60,"schedule":"%s"}]')" \
    '0 18 * * 5' '*/5 0-6,22 1 JAN-MAR MON' @yearly @annually @monthly @weekly @daily @midnight @hourly -- '' '0 18 *' \
    '@weekley' '@Daily' '@daily 5' '@every 1h' '0 18 * * ?'
check 'a schedule is explained in words' '@hourly' "$(patch "$(spec '"freezeWindows":[{"durationSeconds":60,"schedule":"@weekley"}]')" | grep 'write five fields')"
check 'an approval is explained in words' 'hex digits' "$(patch "$(spec '"approval":{"approvedCommit":"HEAD"}')" | grep 'write the commit')"
for key in pinDigest enforceRollingUpdate suspend paused; do
    allowed "$(spec "\"$key\":false")"
    refused "spec.$key" "$(spec "\"$key\":\"no\"")"
done
refused spec.health.failFast "$(spec '"health":{"failFast":1}')"

# Numbers
number spec.imageWaitSeconds 0 86400
number spec.maxConcurrent 1 64
number spec.historyLimit 1 50
number spec.ttlSecondsAfterFinished 0 31536000
allowed "$(spec '"ttlSecondsAfterFinished":null')"
number spec.health.deadlineSeconds 10 86400
number spec.health.soakSeconds 0 3600
number spec.health.restartThreshold 1 20
for n in 60 31536000; do
    allowed "$(spec "\"freezeWindows\":[{\"schedule\":\"0 18 * * 5\",\"durationSeconds\":$n}]")"
done
for n in 59 31536001 1.5 '"7"' null; do
    refused 'spec.freezeWindows[0].durationSeconds' \
        "$(spec "\"freezeWindows\":[{\"schedule\":\"0 18 * * 5\",\"durationSeconds\":$n}]")"
done

# Lists
allowed "$(spec "\"apps\":[$(list 64 '{"name":"a&"}')]")"
refused spec.apps "$(spec "\"apps\":[$(list 65 '{"name":"a&"}')]")"
refused spec.apps "$(spec '"apps":[]')"
refused spec.apps "$(spec '"apps":null')"
refused 'spec.apps[1]' "$(spec '"apps":[{"name":"a"},{"name":"a"}]')"
refused 'spec.apps[0].name' "$(spec '"apps":[{"deployment":"a"}]')"
allowed "$(app "\"containers\":[$(list 4 '"c&"')]")"
refused 'spec.apps[0].containers' "$(app "\"containers\":[$(list 5 '"c&"')]")"
allowed "$(app "\"dependsOn\":[$(list 16 '"b&"')]")"
refused 'spec.apps[0].dependsOn' "$(app "\"dependsOn\":[$(list 17 '"b&"')]")"
refused 'spec.apps[0].dependsOn[1]' "$(app '"dependsOn":["c","c"]')"
refused 'spec.apps[0].dependsOn' "$(app '"dependsOn":["a"]')"
frozen='{"schedule":"0 1 * * &","durationSeconds":60}'
allowed "$(spec "\"freezeWindows\":[$(list 16 "$frozen")]")"
refused spec.freezeWindows "$(spec "\"freezeWindows\":[$(list 17 "$frozen")]")"
refused 'spec.freezeWindows[0].schedule' "$(spec '"freezeWindows":[{"durationSeconds":60}]')"
refused 'spec.apps[0].containers[1]' "$(app '"containers":["c","c"]')"
allowed "$(spec "\"pullSecrets\":[$(list 8 '{"name":"s&"}')]")"
refused spec.pullSecrets "$(spec "\"pullSecrets\":[$(list 9 '{"name":"s&"}')]")"
refused 'spec.pullSecrets[1]' "$(spec '"pullSecrets":[{"name":"s"},{"name":"s"}]')"

# Rules across fields
sha=$(times 40 a)
refused spec.onFailure "$(spec '"onFailure":"RollbackAll","rollback":"Never"')"
allowed "$(spec '"onFailure":"RollbackAll","rollback":"Auto"')"
refused spec.registry "$(spec '"registry":null')"
allowed "$(spec '"registry":null,"apps":[{"name":"a","repository":"r/a"},{"name":"b","repository":"r/b"}]')"
refused spec.registry "$(spec '"registry":null,"apps":[{"name":"a","repository":"r/a"},{"name":"b"}]')"
refused spec.commit "$(spec '"tag":"FullSHA"')"
refused spec.commit "$(spec "\"tag\":\"FullSHA\",\"commit\":\"${sha:1}\"")"
allowed "$(spec "\"tag\":\"FullSHA\",\"commit\":\"$sha\"")"
refused spec.apps "$(spec "\"tag\":\"FullSHA\",\"commit\":\"$sha\",\"apps\":[{\"name\":\"a\",\"commit\":\"9f8e7d6\"}]")"
refused spec.apps "$(spec '"apps":[{"name":"a"},{"name":"b","deployment":"btc-a"}]')"
refused spec.apps "$(spec "\"apps\":[{\"name\":\"$(times 60 a)\"}]")"
refused spec.apps "$(spec '"deploymentPrefix":"a.-"')"
long="$(times 63 a).$(times 63 b).$(times 63 c).$(times 58 d)"
allowed "$(spec "\"tag\":\"FullSHA\",\"commit\":\"$sha\",\"registry\":null,\"apps\":[$(list 64 "{\"name\":\"n&\",\"deployment\":\"$long&\",\"repository\":\"$(times 255 r)\",\"commit\":\"$sha\"}")]")"

# Status
status_allowed '{"status":{"apps":[{"name":"a","state":"Updating","attempt":{"id":"3f2a91c0-7","kind":"Roll"}}]}}'
status_refused 'status.apps[0].state' '{"status":{"apps":[{"name":"a","state":"Exploded"}]}}'
status_refused 'status.apps[0].attempt.kind' '{"status":{"apps":[{"name":"a","attempt":{"id":"1","kind":"Guess"}}]}}'
status_refused 'status.apps[0].attempt.trouble.since' \
    '{"status":{"apps":[{"name":"a","attempt":{"id":"1","kind":"Roll","trouble":{"container":"a","reason":"ConfigError"}}}]}}'
status_refused 'status.apps[1]' '{"status":{"apps":[{"name":"a"},{"name":"a"}]}}'
status_refused 'status.apps[0].failure.logTail' \
    "{\"status\":{\"apps\":[{\"name\":\"a\",\"failure\":{\"logTail\":\"$(times 1025 x)\"}}]}}"
status_refused 'status.conditions[0].status' '{"status":{"conditions":[{"type":"Ready","status":"Maybe",
"reason":"X","message":"","lastTransitionTime":"2026-01-02T03:04:05Z"}]}}'
status_refused 'status.observedGeneration' '{"status":{"observedGeneration":-2}}'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
