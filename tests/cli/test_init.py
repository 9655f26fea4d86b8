#!/usr/bin/env python3
"""`shopflow init`: what it writes, and what it leaves alone: test_init.py PROGRAM [TEST…]"""
import json
import os
import pathlib
import sys

from repos import has, main, same

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "monorepo"
BARE = {
    "package.json": '{\n  "name": "shop",\n  "scripts": {\n    "build": "tsc"\n  }\n}\n',
    "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
    "apps/admin-app/package.json": "{}",
    "apps/system-app/package.json": "{}",
    "apps/notes/README.md": "no app\n",
}
GITHUB = [".github/actions/shopflow/action.yml", ".github/workflows/k8s-incremental.yml",
          ".github/workflows/pull-request.yml"]
FILES = [".dockerignore", *GITHUB, ".k8s-config.example", "Dockerfile", "k8s/admin-app.yaml", "k8s/system-app.yaml",
         "scripts/build-incremental-k8s.sh", "scripts/setup-private-registry.sh", "shopflow.yaml", ".gitignore"]


def text(repo, path):
    return pathlib.Path(repo.path, path).read_text(encoding="utf-8")


def a_bare_monorepo_becomes_the_example(world):
    repo = world.init(BARE)
    said = repo.shopflow("init")
    same(said.code, 0, said.err)
    same(said.out.split("\n"), ["changed  package.json", *(f"created  {name}" for name in FILES), ""])
    for name in FILES:
        same(text(repo, name), (EXAMPLE / name).read_text(encoding="utf-8"), name)
        same(os.access(os.path.join(repo.path, name), os.X_OK), name.endswith(".sh"), name)
    scripts = json.loads((EXAMPLE / "package.json").read_text(encoding="utf-8"))["scripts"]
    wanted = {name: command for name, command in scripts.items() if ":k8s" in name}
    same(json.loads(text(repo, "package.json"))["scripts"], {**wanted, "build": "tsc"})
    has(said.err, "2 apps. Next:", "kubectl apply -n btc-shopflow -f k8s/", "pnpm build-deploy:k8s")
    repo.commit()
    same(set(repo.changed("--all")), {"admin-app", "system-app"})


def a_second_time_nothing_is_written(world):
    repo = world.init(BARE)
    repo.shopflow("init")
    before = repo.commit()
    said = repo.shopflow("init")
    same(said.code, 0, said.err)
    same({line.split()[0] for line in said.out.splitlines()}, {"kept"})
    same((repo.commit(), repo.git("diff", "--stat", before)), (repo.head(), ""))
    has(said.err, "all is there already")


def what_is_there_is_kept(world):
    mine = {"Dockerfile": "FROM scratch\n", "k8s/admin-app.yaml": "mine\n", ".gitignore": "/.k8s-config",
            "shopflow.yaml": "apps:\n  system-app: {deployment: sys}\n  admin-app: false\n"}
    repo = world.init({**BARE, **mine})
    os.symlink("/nowhere", os.path.join(repo.path, ".k8s-config.example"))
    said = repo.shopflow("init")
    same(said.code, 0, said.err)
    for name, content in mine.items():
        same(text(repo, name), content, name)
    has(said.out, "kept     Dockerfile", "kept     .gitignore", "kept     .k8s-config.example")
    assert "admin-app" not in said.out, said.out
    has(text(repo, "k8s/system-app.yaml"), "name: sys\n", "app: system-app", "image: system-app:not-released-yet")
    assert not os.path.exists("/nowhere")


def a_line_is_added_to_gitignore(world):
    repo = world.init({**BARE, ".gitignore": "dist\n# .k8s-config\n.k8s-config.example"})
    said = repo.shopflow("init")
    has(said.out, "changed  .gitignore")
    same(text(repo, ".gitignore"), "dist\n# .k8s-config\n.k8s-config.example\n.k8s-config\n")


def gitlab_gets_its_own_file(world):
    repo = world.init(BARE)
    repo.git("remote", "add", "origin", "git@gitlab.example.com:shop/shop.git")
    said = repo.shopflow("init", "--dry-run")
    has(said.out, "created  .gitlab-ci.yml")
    assert ".github" not in said.out
    has(said.err, "nothing was written")
    same(repo.git("status", "--porcelain"), "")


def what_cannot_be_done_is_said(world):
    repo = world.init({"README.md": "x\n"})
    said = repo.shopflow("init")
    same((said.code, said.out), (2, ""))
    has(said.err, "has no app: an app is a folder under apps/")
    repo = world.init({**BARE, "package.json": "[]\n", "apps/Big_App/package.json": "{}"})
    said = repo.shopflow("init")
    same((said.code, said.out), (2, ""))
    has(said.err, "package.json: it is no JSON object", "apps/Big_App: no Deployment can have this name")
    repo = world.init(BARE)
    repo.write({"k8s": "a file\n"})
    said = repo.shopflow("init")
    same(said.code, 1, said.err)
    has(said.err, "cannot write", "k8s/admin-app.yaml", "Not a directory")


if __name__ == "__main__":
    main(sys.modules[__name__])
