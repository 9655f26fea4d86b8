#!/usr/bin/env bash
# The files of examples/monorepo that no build reads. CI: GitHub's by actionlint (which gives each script to shellcheck),
# the composite action's and GitLab's scripts by shellcheck, and that they call only what there is.
# shellcheck disable=SC2016  # what is in single quotes is for the scripts that this one writes
set -euo pipefail
repo=$(cd "$(dirname "$0")/../.." && pwd)
actionlint=$("$repo/hack/testcluster/build.sh" actionlint)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -r "$repo/examples/monorepo/.github" "$folder/"
cp "$repo/examples/monorepo/.gitlab-ci.yml" "$folder/"
# What says the same in two places, and what the guide calls by name.
python3 - "$repo/examples/monorepo" <<'END'
import json, os, re, sys, yaml

os.chdir(sys.argv[1])
package = json.load(open("package.json", encoding="utf-8"))
docker = open("Dockerfile", encoding="utf-8").read()
pnpm = re.search("ARG PNPM_VERSION=(.*)", docker)[1]
if package["packageManager"] != f"pnpm@{pnpm}":
    sys.exit("ci_files: package.json and the Dockerfile name different versions of pnpm")
for name, command in {"build-deploy:k8s": "shopflow up", "build-deploy:k8s:all": "shopflow up --all",
                      "build:k8s": "shopflow build", "deploy:k8s": "shopflow deploy"}.items():
    if package["scripts"].get(name) != command:
        sys.exit(f"ci_files: the script {name} is not {command}")
for app in os.listdir("apps"):
    deployment, service = yaml.safe_load_all(open(f"k8s/{app}.yaml", encoding="utf-8"))
    rolling = deployment["spec"]["strategy"]["rollingUpdate"]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    if deployment["metadata"]["name"] != f"btc-{app}" or rolling != {"maxSurge": 1, "maxUnavailable": 0}:
        sys.exit(f"ci_files: k8s/{app}.yaml is not the guide's Deployment")
    if not {"readinessProbe", "livenessProbe"} <= set(container) or service["spec"]["selector"] != {"app": app}:
        sys.exit(f"ci_files: k8s/{app}.yaml lacks a probe or its Service")
END
cd "$folder"
git init -q . # actionlint finds local actions from the root of a repository
"$actionlint"
python3 - <<'END'
import sys, yaml

def fail(text):
    sys.exit(f"ci_files: {text}")

def write(name, shell, script):
    with open(name, "w", encoding="utf-8") as file:
        file.write(f"#!{shell}\n{script}\n")

action = yaml.safe_load(open(".github/actions/shopflow/action.yml", encoding="utf-8"))
for number, step in enumerate(action["runs"]["steps"]):
    if "${{" in step["run"]:
        fail("an expression in a script of the action: pass it by env")
    write(f"action-{number}.sh", "/bin/bash", "set -eo pipefail\n" + step["run"])

lab = yaml.safe_load(open(".gitlab-ci.yml", encoding="utf-8"))
jobs = {name: job for name, job in lab.items() if isinstance(job, dict) and name != "variables"}
for name, job in jobs.items():
    if name.startswith("."):
        continue
    if job.get("extends") not in jobs or "rules" not in job:
        fail(f"{name}: extends an unknown job or runs at every push")
    write(f"lab-{name}.sh", "/bin/sh", "set -e\n" + "\n".join(job["script"]))
release = jobs["release"]
if release["interruptible"] or "resource_group" not in release or "environment" not in release:
    fail("GitLab's release must run alone, to its end, in an environment")

flow = yaml.safe_load(open(".github/workflows/k8s-incremental.yml", encoding="utf-8"))
on = flow[True]  # YAML 1.1 reads the key as a boolean
if flow["name"] != "Build and Deploy to K8s (Incremental)" or on["push"]["branches"] != ["develop"]:
    fail("the workflow is not the guide's")
if list(on["workflow_dispatch"]["inputs"]) != ["deploy_all", "skip_build", "skip_deploy"]:
    fail("the workflow's inputs are not the guide's")
job = flow["jobs"]["release"]
if flow["concurrency"]["cancel-in-progress"] is not False or "environment" not in job:
    fail("GitHub's release must run alone, to its end, in an environment")
if job["permissions"] != {"contents": "read", "packages": "write"} or flow["permissions"] != {"contents": "read"}:
    fail("the permissions are not the least")
if job["steps"][0]["with"] != {"fetch-depth": 0, "filter": "blob:none"}:
    fail("the checkout is not a whole history without files")
for name, value in job["steps"][1]["env"].items():
    if name != "GITHUB_TOKEN" and value != "${{ secrets.%s }}" % name:
        fail(f"{name} is not the secret of that name")
END
shellcheck -- *.sh
# The step itself: which words reach shopflow for the inputs that the services give.
mkdir bin
printf '#!/bin/sh\nfor word; do printf "[%%s]" "$word"; done\n' >bin/shopflow
chmod +x bin/shopflow
export PATH=$folder/bin:$PATH
same() { [ "$1" = "$2" ] || { echo "ci_files: expected $2, got $1" >&2; exit 1; }; }
same "$(COMMAND=up ALL=false SKIP_BUILD=false SKIP_DEPLOY=false NO_PUSH=false APPS='' bash action-1.sh)" "[up]"
same "$(COMMAND=up ALL=true SKIP_BUILD=true SKIP_DEPLOY=true NO_PUSH=false APPS='' bash action-1.sh)" "[up][--all][--skip-build][--skip-deploy]"
same "$(COMMAND=build ALL='' SKIP_BUILD='' SKIP_DEPLOY='' NO_PUSH=true APPS='a,b $(id)' bash action-1.sh)" '[build][--no-push][--apps][a,b $(id)]'
same "$(VERSION=1 DOWNLOAD=none SHA256='' bash action-0.sh)" "[--version]"
lab() { env CI_REGISTRY_IMAGE=lab/shop CI_REGISTRY_USER=u CI_REGISTRY_PASSWORD=p "$@"; }
same "$(lab DEPLOY_ALL=true SKIP_BUILD=false SKIP_DEPLOY=true sh lab-release.sh)" "[up][--all][--skip-deploy]"
printf '#!/bin/sh\necho "$PRIVATE_REGISTRY $PRIVATE_REGISTRY_USERNAME"\n' >bin/shopflow
same "$(lab DEPLOY_ALL=false sh lab-release.sh)" "lab/shop u"
same "$(lab PRIVATE_REGISTRY=mine:5000 DEPLOY_ALL=false sh lab-release.sh)" "mine:5000 "
# What is downloaded is checked before it is unpacked, and then found by the next step.
rm bin/shopflow
download() { RUNNER_TEMP=$folder/temp GITHUB_PATH=$folder/path VERSION=1 DOWNLOAD=file://$folder/releases SHA256=$1 bash action-0.sh; }
mkdir -p temp releases/v1 pack/shopflow-1/bin
printf '#!/bin/sh\necho mine\n' >pack/shopflow-1/bin/shopflow
chmod +x pack/shopflow-1/bin/shopflow
archive=releases/v1/shopflow-1-linux-$(uname -m).tar.gz
tar -czf "$archive" -C pack shopflow-1
sha256sum "$archive" >"$archive.sha256"
download ''
same "$(PATH=$(cat path):$PATH shopflow)" mine
rm -r path temp
if download "$(printf '0%.0s' {1..64})" 2>/dev/null; then echo "ci_files: another file was taken" >&2; exit 1; fi
[ ! -e path ] || { echo "ci_files: a file that is not the right one reached PATH" >&2; exit 1; }
