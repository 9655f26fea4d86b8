#!/usr/bin/env python3
"""Uncommitted work as a commit: test_snapshot.py PROGRAM [TEST…]"""
import os
import subprocess
import sys

from repos import Repo, branch, has, main, same


# --- uncommitted work ----------------------------------------------------------------------------

def state(repo):
    """What a run may not touch: refs, index, and what git says of the tree."""
    with open(os.path.join(repo.path, ".git/index"), "rb") as f:
        index = f.read()
    quiet = {"GIT_OPTIONAL_LOCKS": "0"}
    return (index, repo.git("for-each-ref"), repo.git("status", "--porcelain", **quiet), repo.git("stash", "list"))


def uncommitted_work_is_a_commit(world):
    _, repo = branch(world)
    head = repo.head()
    repo.write({"apps/web/index.html": "changed", "apps/shop/staged": "x", "apps/shop/debug.log": "x"})
    repo.git("add", "apps/shop/staged")
    repo.write({"apps/shop/staged": "and changed again", "apps/admin/new.ts": "untracked"})
    os.utime(os.path.join(repo.path, "apps/admin/src/main.ts"), (1, 1))  # git would refresh its index
    before = state(repo)
    one = repo.shopflow("changed", "-o", "json").json()
    same(state(repo), before, "nothing of the user's is touched")
    same({app["name"]: app["reasons"] for app in one["apps"]},
         {"admin": ["apps/admin/new.ts"], "web": ["apps/web/index.html"],
          "shop": ["apps/admin/new.ts", "apps/shop/staged"]})
    same(one["dirty"], True)
    same(repo.git("cat-file", "-t", one["commit"]), "commit")
    same(repo.git("rev-parse", one["commit"] + "^"), head, "its parent")
    same(repo.git("show", one["commit"] + ":apps/shop/staged"), "and changed again")
    same(repo.git("ls-tree", "-r", "--name-only", one["commit"], "apps/shop/debug.log"), "", "ignored")
    repo.git("config", "user.name", "Bob")
    repo.git("config", "user.email", "bob@example.com")
    again = repo.shopflow("changed", "-o", "json", GIT_AUTHOR_NAME="Bob", TZ="Asia/Shanghai").json()
    same(again["commit"], one["commit"], "the same tree is the same commit")
    repo.write({"apps/admin/new.ts": "another"})
    assert repo.shopflow("changed", "-o", "json").json()["commit"] != one["commit"]


def deletions_and_what_comes_back(world):
    _, repo = branch(world)
    os.unlink(os.path.join(repo.path, "apps/web/index.html"))
    same(repo.changed(), {"web": ["apps/web/index.html"]}, "deleted")
    repo.git("checkout", "-q", "--", ".")
    same(repo.changed(), {})
    repo.write({"apps/web/index.html": "staged"})
    repo.git("add", "-A")
    repo.write({"apps/web/index.html": "web\n"})
    got = repo.shopflow("changed", "-o", "json").json()
    same((got["dirty"], got["commit"], got["apps"]), (False, repo.head(), []),
         "staged, and taken back in the tree")


def work_written_in_the_same_tick(world):
    """Same size, same time, and the index is no newer: git must look into the file, and so must
    what reads a copy of the index."""
    _, repo = branch(world)
    path, index = (os.path.join(repo.path, name) for name in ("apps/web/index.html", ".git/index"))
    tick = 1_700_000_000
    repo.git("config", "core.trustctime", "false")
    repo.write({"apps/web/index.html": "aaa"})
    os.utime(path, (tick, tick))
    repo.git("add", "-A")
    repo.write({"apps/web/index.html": "bbb"})
    for name in (path, index):
        os.utime(name, (tick, tick))
    got = repo.shopflow("changed", "-o", "json").json()
    same(repo.git("show", got["commit"] + ":apps/web/index.html"), "bbb")


def what_may_not_be_released_is_named(world):
    _, repo = branch(world)
    nested = os.path.join(repo.path, "apps/web/nested")
    rows = {
        "apps/web/.env": "may hold a secret",
        "apps/web/.env.local": "may hold a secret",
        "apps/web/tls.key": "may hold a secret",
        "apps/web/id_ed25519": "may hold a secret",
        "x.pem": "may hold a secret",
        "apps/web/big.bin": "is new and over 10 MiB",
    }
    for path, why in rows.items():
        repo.write({path: b"x" * (10 * 1024 * 1024 + 1) if "big" in path else "x"})
        for staged in (False, True):
            if staged:
                repo.git("add", path)
            said = repo.shopflow("changed")
            same((said.code, said.out), (2, ""), path)
            has(said.err, f"{path} {why}", "1 paths of the uncommitted work cannot be released")
        repo.git("rm", "-q", "--cached", path)
        os.unlink(os.path.join(repo.path, path))
    subprocess.run(["git", "init", "-q", nested], check=True, env=repo.env)
    Repo(world, nested).commit({"x": "1"})
    has(repo.shopflow("changed").err, "apps/web/nested/ is a repository of its own")
    subprocess.run(["rm", "-rf", nested], check=True)
    repo.write({".gitignore": "\n", ".k8s-config": "A=b\n"})
    has(repo.shopflow("changed").err, ".k8s-config holds the settings of this machine")


def examples_and_committed_ones_may(world):
    _, repo = branch(world)
    repo.commit({"apps/web/.env.development": "committed"})
    base = repo.head()
    repo.write({"apps/web/.env.development": "changed", "apps/web/.env.example": "x"})
    same(repo.changed("--base", base), {"web": ["apps/web/.env.development", "apps/web/.env.example"]})


def unmerged_work_is_refused(world):
    _, repo = branch(world)
    repo.commit({"apps/web/index.html": "mine"})
    repo.git("checkout", "-q", "-b", "two", "HEAD~1")
    repo.commit({"apps/web/index.html": "theirs"})
    subprocess.run(["git", "merge", "-q", "feat"], cwd=repo.path, env=repo.env, capture_output=True)
    said = repo.shopflow("changed")
    same(said.code, 2)
    has(said.err, "apps/web/index.html is not merged yet")


def require_clean(world):
    _, repo = branch(world)
    same(repo.shopflow("changed", "--require-clean").code, 0)
    repo.write({"apps/web/new": "x"})
    said = repo.shopflow("changed", "--require-clean")
    same(said.code, 2)
    has(said.err, "apps/web/new is not committed", "--require-clean is given")


if __name__ == "__main__":
    main(sys.modules[__name__])
