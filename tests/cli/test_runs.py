#!/usr/bin/env python3
"""Which run it is and since when, in clones of all kinds and in CI: test_runs.py PROGRAM [TEST…]"""
import os
import signal
import subprocess
import sys
import time

from repos import ALL, PROJECT, Repo, a_long_history, branch, has, main, push_more, same


# --- which run, since when -----------------------------------------------------------------------

def work_is_what_the_branch_changed(world):
    origin, repo = branch(world)
    base = repo.head()
    same(repo.changed(), {}, "nothing yet")
    repo.commit({"apps/web/index.html": "mine"})
    push_more(world, origin, {"apps/shop/src/main.ts": "theirs"})
    got = repo.shopflow("changed", "-o", "json").json()
    same(got, {"base": base, "commit": repo.head(), "dirty": False, "removed": [],
               "apps": [{"name": "web", "dir": "apps/web", "reasons": ["apps/web/index.html"]}]})
    same(repo.git("rev-parse", "origin/develop"), origin.git("rev-parse", "develop"), "fetched")


def merges_from_the_mainline_are_not_ours(world):
    origin, repo = branch(world)
    repo.commit({"apps/web/index.html": "mine"})
    push_more(world, origin, {"apps/shop/src/main.ts": "theirs"})
    repo.git("fetch", "-q")
    repo.git("merge", "-q", "--no-edit", "origin/develop")
    same(set(repo.changed()), {"web"})


def merged_work_is_the_mainlines(world):
    for how in ("squash", "merge"):
        origin, repo = branch(world)
        repo.commit({"apps/web/index.html": "mine"})
        repo.git("push", "-q", "origin", "feat")
        other = world.clone(origin)
        if how == "squash":
            other.git("merge", "-q", "--squash", "origin/feat")
        else:
            other.git("merge", "-q", "--no-ff", "--no-edit", "origin/feat")
        other.commit(message=how)
        other.commit({"apps/web/index.html": "moved on"})
        other.git("push", "-q", "origin", "develop")
        same(repo.changed(), {}, how)
        repo.commit({"apps/web/index.html": "more of mine"})
        same(set(repo.changed()), {"web"}, how + ", and more work")


def work_taken_back_is_none(world):
    _, repo = branch(world)
    repo.commit({"apps/web/index.html": "mine"})
    repo.git("revert", "--no-edit", "HEAD")
    same(repo.changed(), {})


def a_force_push_moves_the_merge_base(world):
    origin, repo = branch(world)
    repo.git("checkout", "-q", "develop")
    repo.commit({"apps/shop/src/main.ts": "gone soon"})
    repo.git("push", "-q", "origin", "develop")
    repo.git("checkout", "-q", "-B", "feat")
    repo.commit({"apps/web/index.html": "mine"})
    same(set(repo.changed()), {"web"})
    other = world.clone(origin)
    other.git("reset", "-q", "--hard", "HEAD~1")
    other.commit({"apps/admin/src/main.ts": "instead"})
    other.git("push", "-q", "--force", "origin", "develop")
    same(set(repo.changed()), {"web", "shop"}, "what the mainline dropped is in this work")


def the_mainline_at_a_pushed_commit_is_everything_without_a_cluster(world):
    _, repo = world.pair()
    got = repo.shopflow("changed", "-o", "json").json()
    same(got["base"], None)
    same({app["name"] for app in got["apps"]}, ALL)
    has(got["apps"][0]["reasons"][0], "no cluster was asked")
    repo.commit({"apps/web/index.html": "not pushed"})
    same(set(repo.changed()), {"web"}, "a commit that is not pushed is work")
    repo.git("push", "-q", "origin", "develop")
    same(set(repo.changed()), ALL, "pushed")
    repo.write({"apps/web/index.html": "dirty"})
    same(set(repo.changed()), {"web"}, "uncommitted work is work")


def the_mainline_is_found(world):
    origin, repo = world.pair()
    repo.git("push", "-q", "origin", "develop:main")
    origin.git("symbolic-ref", "HEAD", "refs/heads/main")
    base = repo.head()
    repo.git("checkout", "-q", "-b", "feat")
    repo.commit({"apps/web/index.html": "mine"})
    repo.git("push", "-q", "origin", "feat")
    narrow = world.clone(origin, "--single-branch", "--branch", "feat")
    got = narrow.shopflow("changed", "-o", "json").json()
    same((got["base"], len(got["apps"])), (base, 1), "a clone that does not know develop")
    origin.git("branch", "-D", "develop")
    narrow = world.clone(origin, "--single-branch", "--branch", "feat")
    same(set(narrow.changed()), {"web"}, "the remote's HEAD")
    repo.commit({"shopflow.yaml": "mainline: feat\n"})
    repo.git("push", "-q", "origin", "feat")
    same(set(repo.changed()), ALL, "shopflow.yaml says which, and it is pushed")
    repo.commit({"shopflow.yaml": "mainline: nowhere\n"})
    said = repo.shopflow("changed")
    has(said.err, "origin/nowhere could not be fetched", "the mainline nowhere is not known here")
    same(len(said.out.splitlines()), 3)


def a_remote_that_is_away_is_said(world):
    origin, repo = branch(world)
    repo.commit({"apps/web/index.html": "mine"})
    os.rename(origin.path, origin.path + ".away")
    said = repo.shopflow("changed")
    has(said.err, "origin/develop could not be fetched", "what this clone has of it is used")
    same((said.code, said.out.split()), (0, ["web", "apps/web/index.html"]))


def a_remote_of_another_name(world):
    _, repo = branch(world)
    repo.git("remote", "rename", "origin", "upstream")
    repo.commit({"apps/web/index.html": "mine"})
    same(set(repo.changed()), {"web"})


def without_a_remote_the_branch_is_the_mainline(world):
    repo = world.init()
    same(set(repo.changed()), ALL)
    repo.write({"apps/web/index.html": "dirty"})
    same(set(repo.changed()), {"web"})
    repo.git("checkout", "-q", "--", ".")
    repo.git("checkout", "-q", "--detach")
    said = repo.shopflow("changed")
    same(said.code, 2)
    has(said.err, "which branch is the mainline?", "`mainline: main`")
    same(set(repo.changed("--all")), ALL, "where none is needed")


def a_detached_head_is_work(world):
    _, repo = world.pair()
    repo.git("checkout", "-q", "--detach")
    same(repo.changed(), {})
    repo.commit({"apps/web/index.html": "mine"})
    same(set(repo.changed()), {"web"})


def the_first_commit(world):
    origin, repo = world.pair({"apps/web/Dockerfile": "FROM scratch\n"})
    same(set(repo.changed()), {"web"})
    fresh = world.init({"apps/web/Dockerfile": "FROM scratch\n"})
    same(set(fresh.changed()), {"web"})
    path = world.path("unborn")
    os.mkdir(path)
    unborn = Repo(world, path)
    unborn.git("init", "-q")
    said = unborn.shopflow("changed")
    same(said.code, 2)
    has(said.err, "there is no commit yet")


def no_history_in_common(world):
    origin, repo = branch(world)
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit({"x": "1"})
    said = repo.shopflow("changed")
    has(said.err, "no history in common")
    same(len(said.out.splitlines()), 3)


def an_interrupt_ends_it(world):
    _, repo = branch(world)
    mark = os.path.join(world.dir, "asked")
    repo.git("remote", "set-url", "origin", "ssh://nowhere/x")
    repo.git("config", "core.sshCommand", f"touch {mark}; exec sleep 1000 #")
    for how, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        run = subprocess.Popen([world.program, "changed"], cwd=repo.path, env=repo.env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        for _ in range(300):
            if os.path.exists(mark):
                break
            time.sleep(0.1)
        run.send_signal(how)
        out, err = run.communicate(timeout=60)
        same((run.returncode, out, err), (code, "", "shopflow: interrupted\n"))
        os.unlink(mark)


# --- clones of all kinds -------------------------------------------------------------------------

def shallow_clones_are_deepened(world):
    origin = a_long_history(world)
    for args in (["--depth=1"], ["--depth=1", "--no-single-branch"], ["--depth=2"]):
        for env in ({}, {"CI": "true"}):
            repo = world.clone(origin, "--branch=feat", *args)
            said = repo.shopflow("changed", **env)
            same((said.code, said.out.split()), (0, ["web", "apps/web/index.html"]),
                 f"{args} {env}: {said.err}")
            same(repo.git("rev-parse", "--is-shallow-repository"), "false", "it is whole")
            same(len(repo.git("rev-list", "HEAD").splitlines()), 6)


def a_shallow_clone_and_a_branch_as_base(world):
    origin = a_long_history(world)
    repo = world.clone(origin, "--branch=feat", "--depth=1", "--no-single-branch")
    same(set(repo.changed("--base", "origin/develop")), {"web"})
    same(repo.git("rev-parse", "--is-shallow-repository"), "false")


def a_shallow_clone_with_commits_of_its_own(world):
    origin = a_long_history(world)
    for env in ({}, {"CI": "true"}):
        repo = world.clone(origin, "--branch=feat", "--depth=1")
        repo.commit({"apps/admin/x": "mine alone"})
        said = repo.shopflow("changed", **env)
        same((said.code, {line.split()[0] for line in said.out.splitlines()}), (0, ALL), said.err)
        repo.write({"apps/shop/y": "and not committed"})
        same(repo.changed(**env)["shop"], ["apps/admin/x", "apps/shop/y"])


def a_shallow_clone_that_cannot_be_deepened_is_everything(world):
    origin = a_long_history(world)
    repo = world.clone(origin, "--branch=feat", "--depth=1", "--no-single-branch")
    os.rename(origin.path, origin.path + ".away")
    said = repo.shopflow("changed", "-o", "json")
    same({app["name"] for app in said.json()["apps"]}, ALL)
    same(said.json()["base"], None)
    has(said.err, "this clone is shallow and could not be completed", "fetch-depth: 0")
    same(repo.git("rev-parse", "--is-shallow-repository"), "true")


def a_shallow_clone_compares_two_commits(world):
    origin = a_long_history(world)
    repo = world.clone(origin, "--branch=feat", "--depth=1")
    base = origin.git("rev-parse", "feat~1")
    same(set(repo.changed("--base", base)), {"web"}, "fetched alone")
    same(repo.git("rev-list", base), base, "and not its history")


def partial_clones(world):
    origin = a_long_history(world)
    for what in ("blob:none", "tree:0"):
        repo = world.clone(origin, "--branch=feat", f"--filter={what}")
        same(set(repo.changed()), {"web"}, what)


def worktrees_and_folders(world):
    _, repo = branch(world)
    repo.commit({"apps/web/index.html": "mine"})
    path = world.path("tree")
    repo.git("worktree", "add", "-q", "-b", "more", path)
    tree = Repo(world, path)
    tree.write({"apps/shop/x": "untracked"})
    same(set(tree.changed()), {"web", "shop"})
    same(set(repo.changed()), {"web"})
    said = tree.shopflow("changed", cwd="apps/shop")
    same(len(said.out.splitlines()), 2, "from a folder within")
    same(len(repo.shopflow("-C", "apps/shop", "changed", cwd="apps/..").out.splitlines()), 1)


def bare_and_no_repositories(world):
    origin, _ = world.pair()
    said = origin.shopflow("changed")
    same(said.code, 2)
    has(said.err, "has no working tree")
    os.mkdir(os.path.join(world.dir, "plain"))
    said = Repo(world, os.path.join(world.dir, "plain")).shopflow("changed")
    same(said.code, 2)
    has(said.err, "is in no git repository")


def somebody_elses_repository(world):
    if os.getuid():
        return
    _, repo = world.pair()
    subprocess.run(["chown", "-R", "12345", repo.path], check=True)
    said = repo.shopflow("changed", cwd="apps/web")
    same(said.code, 2)
    has(said.err, "git config --global --add safe.directory " + repo.path)


def object_ids_of_sha256(world):
    path = world.path("sha256")
    os.mkdir(path)
    repo = Repo(world, path)
    repo.git("init", "-q", "--object-format=sha256")
    base = repo.commit(PROJECT)
    repo.write({"apps/web/index.html": "dirty"})
    same(set(repo.changed("--base", base)), {"web"})
    same(len(repo.shopflow("changed", "-o", "json").json()["commit"]), 64)


# --- CI ------------------------------------------------------------------------------------------

def github(event="push", ref="refs/heads/develop", base=""):
    return {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": event, "GITHUB_REF": ref,
            "GITHUB_BASE_REF": base, "GITHUB_REPOSITORY": "acme/shop"}


def checkout(world, origin, ref, *args):
    """What actions/checkout does: init, fetch of one commit, a branch or a detached HEAD."""
    path = world.path("checkout")
    os.mkdir(path)
    repo = Repo(world, path)
    repo.git("init", "-q")
    repo.git("remote", "add", "origin", "file://" + origin.path)
    repo.git("fetch", "-q", "--no-tags", *args, "origin", f"+{origin.git('rev-parse', ref)}:refs/remotes/origin/x")
    repo.git("checkout", "-q", "--detach", "refs/remotes/origin/x")
    return repo


def a_push_to_the_mainline_in_ci(world):
    origin = a_long_history(world)
    for args in ([], ["--depth=1"], ["--filter=blob:none"]):
        repo = checkout(world, origin, "develop", *args)
        got = repo.shopflow("changed", "-o", "json", **github()).json()
        same((got["base"], len(got["apps"])), (None, 3), str(args))
        same(set(repo.changed(**github("workflow_dispatch"))), ALL)
        gitlab = {"CI": "true", "GITLAB_CI": "true", "CI_COMMIT_BRANCH": "develop"}
        same(set(repo.changed(**gitlab)), ALL)


def a_dirty_checkout_in_ci_is_no_mainline_run(world):
    origin = a_long_history(world)
    repo = checkout(world, origin, "develop")
    repo.write({"apps/web/made.txt": "by the job"})
    said = repo.shopflow("changed", **github())
    same(said.out.split(), ["web", "apps/web/made.txt"])
    has(said.err, "the checkout has uncommitted work: this is no mainline run")


def a_push_to_a_branch_in_ci(world):
    origin = a_long_history(world)
    for args in ([], ["--depth=1"], ["--filter=blob:none"], ["--filter=blob:none", "--depth=1"]):
        repo = checkout(world, origin, "feat", *args)
        same(set(repo.changed(**github(ref="refs/heads/feat"))), {"web"}, str(args))


def ci_completes_history_without_its_files(world):
    origin = a_long_history(world)
    repo = checkout(world, origin, "feat", "--depth=1")
    same(set(repo.changed(**github(ref="refs/heads/feat"))), {"web"})
    missing = repo.git("rev-list", "--objects", "--missing=print", "--all").split()
    old = origin.git("rev-parse", "develop~5:apps/shop/src/main.ts")
    assert "?" + origin.git("rev-parse", "develop~5^{tree}") in missing or "?" + old in missing, missing
    path = world.path("home")
    subprocess.run(["git", "clone", "-q", "--depth=1", "--branch=feat", "file://" + origin.path, path], check=True,
                   env=world.env)
    home = Repo(world, path)
    same(set(home.changed()), {"web"})
    same(home.git("config", "--get-all", "remote.origin.url"), "file://" + origin.path)
    assert "partialclonefilter" not in home.git("config", "--list"), "a partial clone was made of the user's"


def a_pull_request_in_ci(world):
    origin = a_long_history(world)
    repo = world.clone(origin)
    repo.git("merge", "-q", "--no-ff", "--no-edit", "origin/feat")
    repo.git("push", "-q", "origin", "HEAD:refs/pull/1/merge")
    for args in ([], ["--depth=1"], ["--depth=2"]):
        got = checkout(world, origin, "refs/pull/1/merge", *args)
        env = github("pull_request", "refs/pull/1/merge", "develop")
        same(set(got.changed(**env)), {"web"}, str(args))
    got = checkout(world, origin, "feat", "--depth=1")
    env = {"CI": "true", "GITLAB_CI": "true", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "develop"}
    same(set(got.changed(**env)), {"web"}, "GitLab")


def a_tag_in_ci_is_work(world):
    origin = a_long_history(world)
    repo = checkout(world, origin, "feat")
    same(set(repo.changed(**github(ref="refs/tags/v1"))), {"web"})


if __name__ == "__main__":
    main(sys.modules[__name__])
