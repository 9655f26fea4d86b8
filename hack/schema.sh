#!/usr/bin/env bash
# A test: the number of the CRD's schema is the one that the controller needs, and was raised with it.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
usage: hack/schema.sh [--check | --record]

The description of the CRD's schema ends with a number, which the controller compares with its own
(CRD_SCHEMA in controller/reconcile/crd.h). crd/schema.txt has the hash of the schema, descriptions
aside, at each number. After a change of the schema raise both numbers, then:
  --record  adds the new number to crd/schema.txt; a number that is there keeps its schema
END
}

mode=--check
case "${1:-}" in -h | --help) usage; exit 0 ;; --check | --record) mode=$1 ;; '') ;; *) usage >&2; exit 2 ;; esac

complain() { echo "schema: $*" >&2; exit 1; }

# "NUMBER HASH" of a CRD.
number_and_hash() {
    python3 - "$1" <<'END'
import hashlib, json, re, sys, yaml
def bare(node):
    """Without descriptions; a field may be called so, too: then it is an object."""
    if isinstance(node, dict):
        return {k: bare(v) for k, v in node.items() if k != "description" or isinstance(v, dict)}
    return [bare(v) for v in node] if isinstance(node, list) else node
schema = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
number = re.search(r"Schema (\d+)\.$", schema["description"].strip())
print(number.group(1) if number else "none", hashlib.sha256(json.dumps(bare(schema), sort_keys=True).encode()).hexdigest())
END
}

source=crd/appreleases.yaml copy=charts/btc-shopflow-deployer/crds/appreleases.yaml known=crd/schema.txt
is=$(number_and_hash $source)
number=${is% *}
needed=$(sed -nE 's/^#define CRD_SCHEMA ([0-9]+)$/\1/p' controller/reconcile/crd.h)
[ "$number" = "$needed" ] || complain "$source ends its description with schema $number, controller/reconcile/crd.h needs '$needed'"
if [ "$mode" = --record ] && ! grep -q "^$number " $known; then echo "$is" >>$known; fi
[ "$(grep "^$number " $known)" = "$is" ] ||
    complain "the schema of $source is not what $known has as $number: raise the number in it and CRD_SCHEMA, then hack/schema.sh --record"
[ "$(tail -1 $known)" = "$is" ] || complain "$number is not the newest in $known: numbers only rise"
[ "$(number_and_hash $copy)" = "$is" ] || complain "$copy is another: run hack/manifests.sh"
