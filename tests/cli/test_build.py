#!/usr/bin/env python3
"""shopflow build against builders that build nothing: test_build.py PROGRAM [TEST…]"""
import base64
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

from repos import ALL, Answer, branch, has, main, same

FAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_engine.py")
PASSWORD = "hunter2-in-no-log"


class Engines:
    """Programs in a PATH of their own, and what they were called with."""

    def __init__(self, world, *names):
        self.dir = world.path("engines")
        bin_dir = os.path.join(self.dir, "bin")
        os.makedirs(bin_dir)
        for tool in ("git", "python3", "sh", "sleep", "env"):
            os.symlink(shutil.which(tool), os.path.join(bin_dir, tool))
        for name in names:
            os.symlink(FAKE, os.path.join(bin_dir, name))
        self.env = {"PATH": bin_dir, "FAKE": self.dir, "PYTHONDONTWRITEBYTECODE": "1"}

    def say(self, name, text=""):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8", errors="surrogateescape") as f:
            f.write(text)

    def calls(self):
        try:
            with open(os.path.join(self.dir, "calls"), encoding="utf-8") as f:
                return [json.loads(line) for line in f]
        except FileNotFoundError:
            return []

    def builds(self):
        return {call["build"]: call for call in self.calls() if "build" in call}


def start(repo, engines, *args, **env):
    return subprocess.Popen([repo.world.program, *args], cwd=repo.path, env={**repo.env, **engines.env, **env},
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


# --- what is built ---------------------------------------------------------------------------------

def only_what_changed_is_built(world):
    _, repo = branch(world)
    engines = Engines(world, "podman")
    commit = repo.commit({"apps/web/index.html": "two"})
    got = repo.shopflow("build", "--no-push", "-o", "json", **engines.env).json()
    same([(app["name"], app["result"]) for app in got["apps"]], [("web", "built")])
    same(got["commit"], commit)
    builds = engines.builds()
    same(set(builds), {"web"})
    argv = builds["web"]["argv"]
    for pair in (("--build-arg", "APP_DIR=apps/web"), ("--build-arg", "GIT_SHA=" + commit), ("--platform", "linux/amd64"),
                 ("--file", argv[-1] + "/apps/web/Dockerfile")):
        assert any(pair == (argv[i], argv[i + 1]) for i in range(len(argv) - 1)), (pair, argv)
    same(builds["web"]["cwd"], repo.path)


def shopflow_yaml_says_how(world):
    _, repo = branch(world)
    engines = Engines(world, "docker")
    repo.commit({"shopflow.yaml": "platforms: [linux/amd64, linux/arm64]\napps:\n  web:\n    target: run\n"
                 "    args: {BASE: node, N: '1'}\n    secrets: ['id=npmrc,src=.npmrc']\n    ssh: [default]\n"
                 "    dockerfile: Dockerfile\n"})
    answer = repo.shopflow("build", "--no-push", "--apps", "web", **engines.env)
    same(answer.code, 0, answer.err)
    line = " ".join(engines.builds()["web"]["argv"])
    has(line, "--build-arg BASE=node", "--build-arg N=1", "--target run", "--secret id=npmrc,src=.npmrc", "--ssh default",
        "--platform linux/amd64,linux/arm64", "--provenance=false", "--sbom=false", "inputs/Dockerfile",
        "--output type=cacheonly", "--label io.shopflow.inputs=")


def the_same_inputs_have_the_same_tag(world):
    _, repo = branch(world)
    engines = Engines(world, "podman")
    def tag():
        got = repo.shopflow("build", "--no-push", "--apps", "web", "-o", "json", **engines.env).json()
        return got["apps"][0]["image"]
    one = tag()
    repo.commit({"apps/shop/src/main.ts": "other"})
    same(tag(), one, "another app changed")
    repo.commit({"apps/web/index.html": "other"})
    assert tag() != one, "its own files changed"


# --- the files -------------------------------------------------------------------------------------

def what_shopflow_yaml_says_makes_the_tag(world):
    _, repo = branch(world)
    engines = Engines(world, "podman")
    tags = []
    for app in ("{}", "{platforms: [linux/arm64]}", "{platforms: [linux/arm64, linux/amd64]}", "{dockerfile: Dockerfile}",
                "{target: x}", "{args: {A: b}}", "{args: {A: c}}"):
        repo.commit({"shopflow.yaml": f"ignore: [shopflow.yaml]\napps:\n  web: {app}\n"})
        got = repo.shopflow("build", "--no-push", "--apps", "web", "-o", "json", **engines.env).json()
        tags.append(got["apps"][0]["image"])
    same(len(set(tags)), len(tags), str(tags))
    same(len({str(call["files"]) for call in engines.calls() if "build" in call}), 1, "the files are the same")


def the_builder_gets_the_inputs_and_nothing_else(world):
    _, repo = branch(world)
    engines = Engines(world, "podman")
    repo.write({"apps/web/run.sh": "#!/bin/sh\n", "apps/web/crlf.txt": "a\r\nb\n", "apps/web/lf.txt": "a\nb\n",
                "node_modules/x": "ignored", "apps/web/a b\n.txt": "odd"})
    os.chmod(os.path.join(repo.path, "apps/web/run.sh"), 0o755)
    os.symlink("index.html", os.path.join(repo.path, "apps/web/link"))
    repo.commit()
    repo.git("config", "core.autocrlf", "true")
    repo.git("config", "core.symlinks", "false")
    repo.git("config", "core.sparseCheckout", "true")
    repo.write({".git/info/sparse-checkout": "/apps/shop/\n"})
    before = (repo.git("status", "--porcelain", GIT_OPTIONAL_LOCKS="0"), repo.git("for-each-ref"))
    old = os.umask(0o077)
    try:
        answer = repo.shopflow("build", "--no-push", "--apps", "web", **engines.env)
    finally:
        os.umask(old)
    same(answer.code, 0, answer.err)
    files = engines.builds()["web"]["files"]
    same({name.split("/")[1] for name in files if name.startswith("apps/")}, {"web"}, "no other app")
    assert "node_modules" not in files and ".git" not in files and "docs" not in files, list(files)
    modes = {name: stat.filemode(int(files["apps/web/" + name][0], 8)) for name in ("run.sh", "index.html", "link", "a b\n.txt")}
    same(modes, {"run.sh": "-rwxr-xr-x", "index.html": "-rw-r--r--", "link": "lrwxrwxrwx", "a b\n.txt": "-rw-r--r--"})
    same(stat.filemode(int(files["apps/web"][0], 8)), "drwxr-xr-x")
    same([files["apps/web/crlf.txt"][2], files["apps/web/lf.txt"][2]], ["a\r\nb\n", "a\nb\n"])
    same((repo.git("status", "--porcelain", GIT_OPTIONAL_LOCKS="0"), repo.git("for-each-ref")), before, "nothing of the user's")


def times_follow_from_contents(world):
    _, repo = branch(world)
    def times(*files):
        engines = Engines(world, "podman")
        repo.shopflow("build", "--no-push", "--apps", "web", **engines.env)
        return {name: found[1] for name, found in engines.builds()["web"]["files"].items()}
    one = times()
    same({t // 10**9 for t in one.values()}, {946684800}, "the second")
    same(times(), one, "again")
    repo.commit({"apps/web/index.html": "wob\n"})  # of the same length: a builder compares size and time
    two = times()
    same({name for name in one if one[name] != two[name]}, {"apps/web/index.html"})


def what_is_left_of_an_older_build_is_gone(world):
    _, repo = branch(world)
    repo.commit({"apps/web/old.txt": "x"})
    for wanted in (True, False):
        engines = Engines(world, "podman")
        repo.shopflow("build", "--no-push", "--apps", "web", **engines.env)
        same("apps/web/old.txt" in engines.builds()["web"]["files"], wanted)
        if wanted:
            repo.git("rm", "-q", "apps/web/old.txt")
            repo.commit()


def submodules_are_filled_or_refused(world):
    library = world.init({"lib.c": "int x;\n"})
    origin, repo = branch(world)
    repo.git("submodule", "--quiet", "add", "file://" + library.path, "apps/web/lib")
    repo.commit()
    engines = Engines(world, "podman")
    answer = repo.shopflow("build", "--no-push", "--apps", "web", **engines.env)
    same(answer.code, 0, answer.err)
    same(engines.builds()["web"]["files"]["apps/web/lib/lib.c"][2], "int x;\n")
    repo.git("push", "-q", "origin", "feat")
    bare = world.clone(origin, "--branch=feat")
    engines = Engines(world, "podman")
    answer = bare.shopflow("build", "--no-push", "--apps", "web,shop", **engines.env)
    same(answer.code, 1)
    has(answer.err, "the submodule apps/web/lib is not here", "git submodule update --init")
    same(set(engines.builds()), {"shop"}, "the other app is built")


# --- the builder -----------------------------------------------------------------------------------

def the_first_that_answers_builds(world):
    _, repo = branch(world)
    run = lambda engines, *args: repo.shopflow("build", "--no-push", "--apps", "web", *args, **engines.env)
    engines = Engines(world, "docker", "podman", "buildah")
    same(run(engines).code, 0)
    has(engines.builds()["web"]["argv"][0], "/docker")
    engines = Engines(world, "docker", "podman", "buildah")
    same(run(engines, "--engine", "buildah").code, 0)
    has(engines.builds()["web"]["argv"][0], "/buildah")
    for said, text in (("version", "github.com/docker/buildx v0.9.1 abc"),
                       ("inspect", "Driver: docker\nError: Cannot connect to the Docker daemon\n")):
        engines = Engines(world, "docker", "podman")
        engines.say(said, text)
        same(run(engines).code, 0, said)
        has(engines.builds()["web"]["argv"][0], "/podman")


def no_builder_is_an_error_that_says_why(world):
    _, repo = branch(world)
    engines = Engines(world, "podman")
    engines.say("refuse", "cannot set up namespace\n")
    answer = repo.shopflow("build", "--no-push", "--apps", "web", **engines.env)
    same(answer.code, 1)
    has(answer.err, "no builder answers", "docker buildx: not installed", "podman: cannot set up namespace",
        "buildah: not installed")
    for args, wanted in ((["--engine", "kaniko"], "--engine 'kaniko': must be buildx, podman or buildah"),
                         (["--parallel", "0"], "--parallel '0': must be a number from 1 to 64"),
                         (["--parallel", "2x"], "--parallel '2x'")):
        answer = repo.shopflow("build", "--no-push", "--apps", "web", *args, **engines.env)
        same(answer.code, 2, answer.err)
        has(answer.err, wanted)


def docker_gets_a_builder_for_plain_http(world):
    _, repo = branch(world)
    engines = Engines(world, "docker")
    engines.say("inspect", "Name: default\nDriver: docker\n")
    answer = repo.shopflow("build", "--no-push", "--apps", "web", **engines.env)
    same(answer.code, 0, answer.err)
    assert "--builder" not in engines.builds()["web"]["argv"], "without a registry in plain HTTP docker's own will do"


# --- the login -------------------------------------------------------------------------------------

def the_login_is_private_and_gone_afterwards(world):
    _, repo = branch(world)
    engines = Engines(world, "podman")
    theirs = world.path("docker")
    os.mkdir(theirs)
    with open(os.path.join(theirs, "config.json"), "w", encoding="utf-8") as f:
        json.dump({"auths": {"ghcr.io": {"auth": "eDp5"}}, "credsStore": "desktop", "currentContext": "colima"}, f)
    answer = repo.shopflow("build", "--no-push", "--apps", "web", DOCKER_CONFIG=theirs,
                           PRIVATE_REGISTRY="10.0.0.1:5000/team", PRIVATE_REGISTRY_USERNAME="alice",
                           PRIVATE_REGISTRY_PASSWORD=PASSWORD, **engines.env)
    same(answer.code, 0, answer.err)
    call = engines.builds()["web"]
    same(call["logins"]["."], "0o40700")
    mode, config = call["logins"]["config.json"]
    same(mode, "0o100600")
    same(base64.b64decode(config["auths"]["10.0.0.1:5000"]["auth"]).decode(), "alice:" + PASSWORD)
    same(config["auths"]["ghcr.io"], {"auth": "eDp5"})
    same(config["credHelpers"], {"10.0.0.1:5000": ""}, "docker asks the store for all but ours")
    same(config["cliPluginsExtraDirs"], [theirs + "/cli-plugins"])
    same(config["currentContext"], "colima")
    same(call["env"]["BUILDX_CONFIG"], theirs + "/buildx")
    assert PASSWORD not in " ".join(call["argv"]) and PASSWORD not in "".join(call["env"].values())
    assert PASSWORD not in answer.err + answer.out
    assert not os.path.exists(call["env"]["DOCKER_CONFIG"]), "the folder is gone"


# --- side by side ----------------------------------------------------------------------------------

def a_failure_stops_no_other_and_its_log_is_whole(world):
    _, repo = branch(world)
    engines = Engines(world, "podman")
    lines = [f"line {i}" for i in range(20000)]
    lines += ["\x1b[31mred\x1b[0m", "10%\r100%", "::error::not a command", "##[group]neither", "bell\x07",
              "Authorization: Bearer abcdef0123456789", "pw " + PASSWORD,
              'failed to compute cache key: "/tools": not found']
    engines.say("fail-shop", "\n".join(lines) + "\n")
    answer = repo.shopflow("build", "--no-push", "--all", PRIVATE_REGISTRY="10.0.0.1:5000", PRIVATE_REGISTRY_USERNAME="a",
                           PRIVATE_REGISTRY_PASSWORD=PASSWORD, **engines.env)
    same(answer.code, 1)
    same(set(engines.builds()), ALL, "the others are built")
    log = [line[2:] for line in answer.err.splitlines() if line.startswith("| ")]
    same(log[:20000], lines[:20000])
    same(log[20000:20005], ["red", "100%", "::error::not a command", "## group]neither", "bell "])
    assert "abcdef0123456789" not in answer.err and PASSWORD not in answer.err
    has(answer.err, "shop: failed: the build of podman ended with exit code 1", "apps.<name>.inputs",
        "2 built, 0 there already, 1 failed", "failed: shop")
    assert not any(line.startswith(("::", "##[")) for line in answer.err.splitlines())


def as_many_at_once_as_asked_for(world):
    _, repo = branch(world)
    for parallel, overlaps in (("1", False), ("3", True)):
        engines = Engines(world, "podman")
        for app in ALL:
            engines.say("slow-" + app, "1")
        answer = repo.shopflow("build", "--no-push", "--all", "--parallel", parallel, **engines.env)
        same(answer.code, 0, answer.err)
        spans = sorted((call["began"], call["ended"]) for call in engines.calls() if "built" in call)
        same(any(a[1] > b[0] for a, b in zip(spans, spans[1:])), overlaps, parallel)


def ctrl_c_ends_all_that_runs(world):
    _, repo = branch(world)
    engines = Engines(world, "podman")
    for app in ALL:
        engines.say("slow-" + app, "600")
    for signo, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        before = len(engines.calls())
        run = start(repo, engines, "build", "--no-push", "--all", "--parallel", "2")
        wait_until(lambda: sum("child" in call for call in engines.calls()[before:]) == 2, "two builds run")
        run.send_signal(signo)
        out, err = run.communicate(timeout=60)
        same(run.returncode, code, err)
        has(err, "interrupted: nothing was released")
        same(out, "")
        same(sum("stopped" in call for call in engines.calls()[before:]), 2, "each could end by itself: SIGTERM comes first")
        for call in engines.calls()[before:]:
            if "child" in call:
                wait_until(lambda: not is_running(call["child"]), "what the builder started has ended", 5)
    answer = repo.shopflow("build", "--no-push", "--apps", "web", **{**engines.env, "FAKE": Engines(world).dir})
    same(answer.code, 0, "and again: " + answer.err)


def two_runs_at_once_take_turns(world):
    _, repo = branch(world)
    engines = Engines(world, "podman")
    engines.say("slow-web", "1.5")
    first = start(repo, engines, "build", "--no-push", "--apps", "web")
    wait_until(lambda: "web" in engines.builds(), "the first builds")
    second = start(repo, engines, "build", "--no-push", "--apps", "web,shop")
    out = [Answer(subprocess.CompletedProcess([], run.wait(60), *run.communicate())) for run in (first, second)]
    same([answer.code for answer in out], [0, 0], out[0].err + out[1].err)
    has(out[1].err, "web: waiting for another shopflow that builds it in this clone")
    assert "waiting" not in out[0].err
    spans = sorted((call["began"], call["ended"]) for call in engines.calls() if call.get("built") == "web")
    assert len(spans) == 2 and spans[0][1] <= spans[1][0], spans


def a_builder_that_outlives_us_keeps_its_files(world):
    _, repo = branch(world)
    engines = Engines(world, "podman")
    engines.say("slow-web", "2")
    first = start(repo, engines, "build", "--no-push", "--apps", "web")
    wait_until(lambda: any("child" in call for call in engines.calls()), "the first builds")
    first.kill()
    first.communicate()
    answer = repo.shopflow("build", "--no-push", "--apps", "web", **engines.env)
    same(answer.code, 0, answer.err)
    has(answer.err, "waiting for another shopflow")
    spans = sorted((call["began"], call["ended"]) for call in engines.calls() if call.get("built") == "web")
    assert len(spans) == 2 and spans[0][1] <= spans[1][0], spans
    for name in os.listdir(world.env["TMPDIR"]):  # of the killed one
        shutil.rmtree(os.path.join(world.env["TMPDIR"], name))


def several_wait_for_one(world):
    _, repo = branch(world)
    engines = Engines(world, "podman")
    for app in ALL:
        engines.say("slow-" + app, "1")
    runs = [start(repo, engines, "build", "--no-push", "--all", "--parallel", "3") for _ in range(3)]
    for run in runs:
        out, err = run.communicate(timeout=120)
        same(run.returncode, 0, err)
    same(len([call for call in engines.calls() if "built" in call]), 9)


# --- what would be done ----------------------------------------------------------------------------

def a_dry_run_prints_lines_and_builds_nothing(world):
    _, repo = branch(world)
    engines = Engines(world, "podman")
    answer = repo.shopflow("build", "--no-push", "--dry-run", "--apps", "web", **engines.env)
    same(answer.code, 0, answer.err)
    has(answer.out, "podman build --", "APP_DIR=apps/web", "--tag localhost/shopflow/web:in-")
    same(engines.builds(), {})
    assert not os.path.exists(os.path.join(repo.path, ".git/shopflow")), "nothing was written"
    got = repo.shopflow("build", "--no-push", "--dry-run", "--apps", "web", "-o", "json", **engines.env).json()
    same([app["result"] for app in got["apps"]], ["planned"])
    has(got["apps"][0]["commands"][0], "podman build --")


def a_pull_request_pushes_nothing(world):
    _, repo = branch(world)
    engines = Engines(world, "podman")
    repo.commit({"apps/web/index.html": "two"})
    env = {**engines.env, "CI": "true", "GITLAB_CI": "true", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "develop"}
    answer = repo.shopflow("build", "--registry", "10.0.0.1:5000", **env)
    same(answer.code, 2, answer.err)
    has(answer.err, "a pull request into develop pushes nothing", "--no-push")
    same(engines.builds(), {})
    same(repo.shopflow("build", "--no-push", **env).code, 0)
    same(set(engines.builds()), {"web"})


def nothing_changed_is_nothing_to_build(world):
    _, repo = branch(world)
    engines = Engines(world)
    answer = repo.shopflow("build", "--no-push", **engines.env)
    same((answer.code, answer.out), (0, ""), answer.err)
    has(answer.err, "nothing changed", "nothing to build")
    same(repo.shopflow("build", "--no-push", "--fail-if-unchanged", **engines.env).code, 5)


if __name__ == "__main__":
    main(sys.modules[__name__])
