#!/usr/bin/env bash
# A test: what the documents say of files, flags, fields and values is so.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'END'
usage: hack/docs.sh [--check]

Compares the documents with the tree: links and anchors of every *.md, the files that
controller/ARCHITECTURE.md names, the flags of README.md, the fields and reasons of docs/api.md, the
reasons of docs/troubleshooting.md, the values of the chart's README. Says what differs; exit 1 if
anything does.
END
}

case "${1:-}" in -h | --help) usage; exit 0 ;; --check | '') ;; *) usage >&2; exit 2 ;; esac
status=0
complain() { echo "docs: $*" >&2; status=1; }

# same WHAT A B: two lists, one item a line, hold the same.
same() {
    local differ
    [ -n "$2" ] || complain "$1: nothing was found to compare"
    differ=$(comm -3 <(sort -u <<<"$2") <(sort -u <<<"$3"))
    [ -z "$differ" ] || complain "$1: only the first has, only the second (indented) has:"$'\n'"$differ"
}

# As GitHub makes them of headings.
anchors_of() { sed -n 's/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | tr -d '!-,./:-@[-^`{-~' | tr ' ' '-'; }

links() {
    local file=$1 link path anchor
    while read -r link; do
        path=${link%%#*} anchor=${link#"${link%%#*}"}
        path=${path:+$(dirname "$file")/$path} path=${path:-$file}
        [ -e "$path" ] || complain "$file: links to $link, which is not there"
        [ -z "$anchor" ] || grep -qxF -- "${anchor#\#}" <(anchors_of "$path") ||
            complain "$file: links to $link: there is no such heading"
    done < <(tr '\n' ' ' <"$file" | grep -oP '\]\(\K[^)\s]+' | grep -vE '^[a-z]+:')
}
while read -r document; do links "$document"; done < <(find . \( -name build -o -name node_modules \) -prune -o -name '*.md' -print)
# ARCHITECTURE.md: paths are relative to controller/.
architecture=controller/ARCHITECTURE.md
named=$(tr '`' '\n' <$architecture | grep -xE '[a-z0-9_/]+\.[ch]')
for path in $named; do [ -e "controller/$path" ] || complain "$architecture names $path, which is not there"; done
same "headers of controller/ and of $architecture" "$(find controller -name '*.h' -printf '%P\n')" "$(grep '\.h$' <<<"$named")"
# Flags: as parsed, as --help prints them, as README.md lists them.
parsed=$(sed -nE 's/^ *\{ "([a-z-]+)", (no|required)_argument.*/\1/p' controller/options.c)
help=$(sed -n '/OPTIONS_HELP\[\]/,/;$/p' controller/options.c | grep -oP -- ' --\K[a-z-]+')
same "flags of options.c and of its --help" "$parsed" "$help"
same "flags of options.c and of README.md" "$parsed" "$(sed -nE 's/^\| `--([a-z-]+).*/\1/p' README.md)"
# Fields of the spec: the CRD's, and those of docs/api.md's first YAML block.
fields() {
    python3 - "$1" <<'END'
import sys, yaml
def of_schema(node): return node.get("items", node).get("properties", {})
def of_example(node): return of_example(node[0]) if isinstance(node, list) else node if isinstance(node, dict) else {}
def names(node, below, at=""):
    for name, child in below(node).items():
        yield at + name
        yield from names(child, below, at + name + ".")
text = open(sys.argv[1], encoding="utf-8").read()
if sys.argv[1].endswith(".md"):
    found = names(yaml.safe_load(text.split("```yaml")[1].split("```")[0])["spec"], of_example)
else:
    schema = yaml.safe_load(text)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    found = names(schema["properties"]["spec"], of_schema)
print(*found, sep="\n")
END
}
same "fields of the CRD's spec and of docs/api.md's example" "$(fields crd/appreleases.yaml)" "$(fields docs/api.md)"
same "reasons of deploy/reason.h and of docs/api.md" "$(sed -nE 's/^ +X\(([A-Za-z]+), .*/\1/p' controller/deploy/reason.h)" \
    "$(sed -nE 's/^\| .([A-Z][A-Za-z]+).( \*)? \|.*/\1/p' docs/api.md)"
# The troubleshooting pages: every reason, and which are looked at again by themselves.
reasons=$(sed -nE 's/^ +X\(([A-Za-z]+), (true|false)\).*/\1 \2/p' controller/deploy/reason.h | sed 's/ true$/ */; s/ false$//')
for page in docs/troubleshooting.md docs/troubleshooting.zh.md; do
    same "reasons of deploy/reason.h and of $page" "$reasons" "$(sed -nE 's/^\| .([A-Z][A-Za-z]+).( \*)? \|.*/\1\2/p' $page)"
done
chart=charts/btc-shopflow-deployer
same "values.yaml and the table of $chart/README.md" "$(grep -oE '^[A-Za-z]+' $chart/values.yaml)" \
    "$(grep "^| \`" $chart/README.md | cut -d'|' -f2 | grep -oE "\`[A-Za-z]+" | tr -d '`')"
exit $status
