#!/usr/bin/env python3
"""`shopflow changed` in real repositories, whose input a path is and what the flags do:
test_changed.py PROGRAM [TEST…]"""
import os
import sys

from repos import ALL, Repo, branch, has, main, push_more, same


# --- whose input is a path -----------------------------------------------------------------------

def a_path_marks_whose_input_it_is(world):
    rows = {
        "apps/web/index.html": {"web"},
        "apps/web/README.md": {"web"},
        "apps/web/deep/er/x": {"web"},
        "apps/admin/src/main.ts": {"admin", "shop"},  # shop depends on admin
        "apps/shop/src/main.ts": {"shop"},
        "packages/core/index.ts": ALL,
        "packages/core/README.md": ALL,
        "configs/x.json": ALL,
        "scripts/x.sh": ALL,
        "patches/x.patch": ALL,
        "turbo.json": ALL,
        "package.json": ALL,
        "pnpm-lock.yaml": ALL,
        "pnpm-workspace.yaml": ALL,
        ".npmrc": ALL,
        ".pnpmfile.cjs": ALL,
        ".dockerignore": ALL,
        "Dockerfile": ALL,
        "shopflow.yaml": ALL,
        "tsconfig.base.json": ALL,
        "tools/anything": ALL,
        "tools/README.md": set(),
        "README.md": set(),
        "LICENSE": set(),
        "docs/a.md": set(),
        "docs/b.png": set(),
        ".github/workflows/x.yaml": set(),
        ".gitlab-ci.yml": set(),
        ".vscode/settings.json": set(),
        ".editorconfig": set(),
        ".husky/pre-push": set(),
        "k8s/web.yaml": set(),
        "examples/x": set(),
        "apps/README.md": set(),
        "apps/not-an-app/x": set(),
        "appsx/web/x": ALL,
    }
    _, repo = branch(world)
    for path, apps in rows.items():
        base = repo.commit({path: "# one\n"})
        repo.commit({path: "# two\n"})
        got = repo.changed("--base", base)
        same(set(got), apps, path)
        for reasons in got.values():
            same(reasons, [path], path)


def shopflow_yaml_moves_the_lines(world):
    _, repo = branch(world)
    repo.commit({"shopflow.yaml": "shared: [docs/api/]\nignore: ['*.txt', 'scripts/']\n"
                                  "apps:\n  shop: false\n"
                                  "  web: {inputs: [notes/], dockerfile: docs/web.Dockerfile}\n"
                                  "  tool: {dir: services/tool}\n",
                 "services/tool/package.json": "{}"})
    rows = {
        "docs/api/x.md": {"admin", "web", "tool"},
        "docs/x.md": set(),
        "packages/core/x.txt": set(),
        "scripts/x.sh": set(),
        "notes/x.txt": {"web"},
        "docs/web.Dockerfile": {"web"},
        "services/tool/x": {"tool"},
        "services/other/x": {"admin", "web", "tool"},
        "apps/shop/x": set(),
    }
    for path, apps in rows.items():
        base = repo.commit({path: "one"})
        repo.commit({path: "two"})
        same(set(repo.changed("--base", base)), apps, path)


def a_dependency_that_ends_marks_its_app(world):
    _, repo = branch(world)
    base = repo.commit()
    repo.commit({"apps/admin/package.json": '{"name": "@shop/other"}'})
    same(set(repo.changed("--base", base)), {"admin", "shop"})
    base = repo.commit({"apps/admin/x": "1"})
    same(set(repo.changed("--base", base)), set())


def an_unreadable_package_json_may_need_any_app(world):
    _, repo = branch(world)
    base = repo.commit({"apps/web/package.json": "{ not json"})
    repo.commit({"apps/shop/x": "1"})
    same(set(repo.changed("--base", base)), {"shop", "web"})
    os.unlink(os.path.join(repo.path, "apps/web/package.json"))
    os.symlink("../shop/package.json", os.path.join(repo.path, "apps/web/package.json"))
    base = repo.commit()
    repo.commit({"apps/shop/x": "2"})
    same(set(repo.changed("--base", base)), {"shop", "web"}, "a link")


def wanted_tree(repo, commit, paths):
    """The tree of exactly these files, as git itself writes it."""
    env = {"GIT_INDEX_FILE": os.path.join(repo.world.dir, "wanted.index")}
    for line in repo.git("ls-tree", "-r", "--full-tree", commit).splitlines():
        mode, _, rest = line.split(" ", 2)
        name = rest.split("\t")[1]
        if name in paths:
            repo.git("update-index", "--add", "--cacheinfo", f"{mode},{rest[:40]},{name}", **env)
    tree = repo.git("write-tree", **env)
    os.unlink(env["GIT_INDEX_FILE"])
    return tree


def inputs_are_one_tree(world):
    _, repo = branch(world)
    repo.write({"tools/x": "1", "tools/README.md": "no", "tools/deep/er/README.md": "no", "apps/README.md": "no",
                "tools/deep/er/y": "1", "docs/deep/z": "no", "apps/web/README.md": "yes", "apps-x": "1",
                "apps/shop-not/x": "no", "zz": "1"})
    os.chmod(os.path.join(repo.path, "zz"), 0o755)
    os.symlink("zz", os.path.join(repo.path, "link"))
    repo.commit()
    shared = {"package.json", "pnpm-lock.yaml", "Dockerfile", "packages/core/package.json", "packages/core/index.ts",
              "tools/x", "tools/deep/er/y", "apps-x", "zz", "link"}
    own = {"admin": {"apps/admin/package.json", "apps/admin/src/main.ts"},
           "shop": {"apps/shop/package.json", "apps/shop/src/main.ts"},
           "web": {"apps/web/Dockerfile", "apps/web/index.html", "apps/web/README.md"}}
    own["shop"] |= own["admin"]
    said = repo.shopflow("changed", "--all", "-o", "wide")
    got = {line.split()[0]: line.split()[1] for line in said.out.splitlines()}
    same(got, {app: wanted_tree(repo, "HEAD", shared | own[app]) for app in ALL}, said.err)
    for tree in got.values():
        same(repo.git("cat-file", "-t", tree), "tree")


def the_tree_differs_when_the_app_changed(world):
    _, repo = branch(world)
    rows = ["apps/web/x", "apps/admin/x", "packages/x", "docs/x", "README.md", "turbo.json", "apps/x"]

    def trees():
        lines = repo.shopflow("changed", "--all", "-o", "wide").out.splitlines()
        return {line.split()[0]: line.split()[1] for line in lines}

    for path in rows:
        before, base = trees(), repo.head()
        repo.commit({path: "new"})
        changed = set(repo.changed("--base", base))
        same({app for app, tree in trees().items() if tree != before[app]}, changed, path)


def an_app_alone_is_a_tree(world):
    repo = world.init({"apps/web/Dockerfile": "FROM scratch\n"})
    same(repo.shopflow("changed", "-o", "wide").out.split()[1], repo.git("rev-parse", "HEAD^{tree}"))


# --- what changes --------------------------------------------------------------------------------

def renames_mark_both_sides(world):
    _, repo = branch(world)
    base = repo.commit({"apps/web/big.txt": "the same\n" * 100})
    repo.git("mv", "apps/web/big.txt", "apps/shop/big.txt")
    repo.commit()
    same(repo.changed("--base", base),
         {"shop": ["apps/shop/big.txt"], "web": ["apps/web/big.txt"]})


def apps_come_and_go(world):
    _, repo = branch(world)
    base = repo.head()
    repo.git("rm", "-q", "-r", "apps/web")
    repo.commit({"apps/new/package.json": "{}"})
    got = repo.shopflow("changed", "-o", "json").json()
    same(([app["name"] for app in got["apps"]], got["removed"], got["base"]), (["new"], ["web"], base))
    said = repo.shopflow("changed")
    has(said.err, "web: is no app of this commit any more")
    repo.git("mv", "apps/shop", "apps/store")
    repo.commit()
    got = repo.shopflow("changed", "-o", "json").json()
    same(([app["name"] for app in got["apps"]], got["removed"]), (["new", "store"], ["shop", "web"]))


def an_app_that_is_excluded_goes(world):
    _, repo = branch(world)
    repo.commit({"shopflow.yaml": "apps:\n  web: false\n  store: {dir: apps/shop}\n"})
    got = repo.shopflow("changed", "-o", "json").json()
    same(([app["name"] for app in got["apps"]], got["removed"]), (["admin", "store"], ["shop", "web"]))
    broken = repo.commit({"shopflow.yaml": "no: such\n"})
    repo.commit({"shopflow.yaml": "\n"})
    same(set(repo.changed("--base", broken)), ALL)


def a_folder_becomes_an_app(world):
    _, repo = branch(world)
    base = repo.commit({"apps/later/src/x": "1"})
    repo.commit({"apps/later/package.json": "{}"})
    same(repo.changed("--base", base), {"later": ["apps/later/package.json"]})


def names_that_cannot_be_apps(world):
    _, repo = branch(world)
    repo.commit({"apps/My App/package.json": "{}"})
    said = repo.shopflow("changed")
    same(said.code, 2)
    has(said.err, "apps/My App: an app's name must be")
    repo.commit({"shopflow.yaml": "apps:\n  my-app: {dir: apps/My App}\n"})
    same(repo.changed("--apps", "my-app"), {"my-app": ["--apps"]})
    repo.commit({"shopflow.yaml": "apps:\n  My App: false\n"})
    same(set(repo.changed("--all")), ALL)
    repo.commit({"shopflow.yaml": "apps:\n  weg: {target: x}\n  My App: false\n"})
    said = repo.shopflow("changed")
    same(said.code, 2)
    has(said.err, "app 'weg': there is no apps/weg with a package.json or a Dockerfile")


def a_folder_that_looks_like_magic(world):
    _, repo = branch(world)
    repo.commit({":(exclude)x/package.json": "{}", "shopflow.yaml": "apps: {odd: {dir: ':(exclude)x'}}\n"})
    base = repo.head()
    repo.commit({":(exclude)x/y": "1"})
    same(repo.changed("--base", base), {"odd": [":(exclude)x/y"]})


def no_app_at_all_is_said(world):
    repo = world.init({"apps/x/main.ts": "1", "package.json": "{}"})
    said = repo.shopflow("changed")
    same((said.code, said.out), (2, ""))
    has(said.err, f"of {repo.path} has no app: an app is a folder under apps/")


def what_is_no_app(world):
    _, repo = branch(world)
    repo.write({"apps/file": "x", "apps/empty/.gitkeep": "", "apps/deep/er/package.json": "{}"})
    os.symlink("web", os.path.join(repo.path, "apps/link"))
    repo.commit()
    same(set(repo.changed("--all")), ALL)


def modes_and_links(world):
    _, repo = branch(world)
    base = repo.commit({"apps/web/run.sh": "x"})
    os.chmod(os.path.join(repo.path, "apps/web/run.sh"), 0o755)
    same(repo.changed("--base", base), {"web": ["apps/web/run.sh"]}, "a mode, uncommitted")
    base = repo.commit()
    os.unlink(os.path.join(repo.path, "apps/web/run.sh"))
    os.symlink("index.html", os.path.join(repo.path, "apps/web/run.sh"))
    same(repo.changed("--base", base), {"web": ["apps/web/run.sh"]}, "a link instead")
    base = repo.commit()
    os.symlink("../nowhere", os.path.join(repo.path, "apps/shop/dangling"))
    same(repo.changed("--base", base), {"shop": ["apps/shop/dangling"]})


def submodules(world):
    lib = world.init({"x": "1"})
    _, repo = branch(world)
    repo.git("submodule", "--quiet", "add", "file://" + lib.path, "packages/lib")
    repo.git("submodule", "--quiet", "add", "file://" + lib.path, "apps/web/lib")
    base = repo.commit()
    inner = Repo(world, os.path.join(repo.path, "apps/web/lib"))
    inner.write({"x": "dirty"})
    said = repo.shopflow("changed")
    same(said.code, 2)
    has(said.err, "apps/web/lib is a submodule with uncommitted work")
    inner.commit()
    same(repo.changed("--base", base), {"web": ["apps/web/lib"]}, "at a new commit")
    repo.commit()
    Repo(world, os.path.join(repo.path, "packages/lib")).commit({"x": "2"})
    repo.commit()
    same(set(repo.changed("--base", "HEAD~1")), ALL, "a shared one")
    repo.git("submodule", "--quiet", "add", "file://" + lib.path, "apps/sub")
    has(repo.shopflow("changed").err, "apps/sub is a submodule: it is not looked at as an app")
    repo.commit({"shopflow.yaml": "apps: {sub: false}\n"})
    same(repo.shopflow("changed").err, "")


ODD = ["apps/web/a\nb", 'apps/web/"quoted"', "apps/web/-rf", "apps/web/ü/密.ts", "apps/web/tab\there",
       "apps/web/back\\slash", "apps/web/ lead", "apps/web/*?[x]", "apps/web/:(top)x", "--all", "-o"]


def odd_names(world):
    _, repo = branch(world)
    base = repo.head()
    repo.commit({name: "x" for name in ODD})
    wanted = sorted(ODD, key=str.encode)
    got = repo.changed("--base", base)
    same(sorted(got["web"], key=str.encode), wanted)
    same(got["shop"], ["--all", "-o"])
    repo.git("reset", "-q", "--hard", base)
    repo.write({name: "x" for name in ODD})
    same(sorted(repo.changed("--base", base)["web"], key=str.encode), wanted, "untracked")
    said = repo.shopflow("changed", "--base", base)
    same(len(said.out.splitlines()), 3, "a newline in a name makes no line")


def names_that_are_no_text(world):
    _, repo = branch(world)
    base = repo.head()
    repo.commit({b"apps/web/\xff\xfe": "x"})
    same(repo.changed("--base", base), {"web": ["apps/web/��"]})
    has(repo.shopflow("changed", "--base", base).out, r'"apps/web/\377\376"')


def many_reasons_are_cut(world):
    _, repo = branch(world)
    base = repo.head()
    repo.commit({f"apps/web/{i:04}": "x" for i in range(150)})
    got = repo.changed("--base", base)["web"]
    same((len(got), got[0], got[-1]), (101, "apps/web/0000", "and 50 more"))
    has(repo.shopflow("changed", "--base", base).out, "apps/web/0000 (and 149 more)")


# --- the environment and the user's configuration ------------------------------------------------

def hooks(world):
    _, repo = branch(world)
    out = os.path.join(world.dir, "hook.out")
    for name in ("post-commit", "pre-push"):
        path = os.path.join(repo.path, ".git/hooks", name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(f'#!/bin/sh\nenv | grep ^GIT_ >{out}.env\n"{world.program}" changed >{out} 2>&1\n')
        os.chmod(path, 0o755)
    repo.write({"apps/web/index.html": "mine"})
    repo.git("commit", "-q", "-a", "-m", "x")
    for run in (lambda: None, lambda: repo.git("push", "-q", "origin", "feat")):
        run()
        with open(out, encoding="utf-8") as f:
            same(f.read().split(), ["web", "apps/web/index.html"])
        os.unlink(out)


def variables_that_point_elsewhere(world):
    _, repo = branch(world)
    repo.commit({"apps/web/index.html": "mine"})
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR",
                 "GIT_NAMESPACE", "GIT_EXTERNAL_DIFF", "GIT_CONFIG_PARAMETERS"):
        same(set(repo.changed(**{name: "/nowhere"})), {"web"}, name)
    same(set(repo.changed(GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="core.bare",
                          GIT_CONFIG_VALUE_0="true")), {"web"})
    same(set(repo.changed(GIT_LITERAL_PATHSPECS="0", GIT_ICASE_PATHSPECS="1")), {"web"})


def odd_configuration(world):
    _, repo = branch(world)
    base = repo.head()
    mark = os.path.join(world.dir, "hook-ran")
    hook = os.path.join(repo.path, ".git/hooks/post-index-change")
    for key, value in {"color.ui": "always", "diff.renames": "copies", "core.quotePath": "true",
                       "status.showUntrackedFiles": "no", "status.renames": "true", "diff.noprefix": "true",
                       "log.showSignature": "true", "core.splitIndex": "true", "diff.orderFile": "/nowhere",
                       "core.untrackedCache": "true", "status.relativePaths": "true", "pager.diff": "true",
                       "diff.ignoreSubmodules": "all", "i18n.commitEncoding": "latin1",
                       "commit.gpgSign": "true", "core.safecrlf": "true", "fetch.prune": "true"}.items():
        repo.git("config", key, value)
    with open(hook, "w", encoding="utf-8") as f:
        f.write(f"#!/bin/sh\n: >{mark}\n")
    os.chmod(hook, 0o755)
    repo.write({"apps/web/new ü": "x\r\ny\n"})
    same(repo.changed("--base", base), {"web": ["apps/web/new ü"]})
    assert not os.path.exists(mark), "a hook ran"


def replaced_objects_do_not_lie(world):
    _, repo = branch(world)
    base = repo.head()
    one = repo.commit({"apps/web/index.html": "one"})
    two = repo.commit({"apps/shop/src/main.ts": "two"})
    repo.git("replace", one, two)
    repo.git("checkout", "-q", "--detach", base)
    same(set(repo.changed("--base", one)), {"web"})


# --- flags and settings --------------------------------------------------------------------------

def all_and_apps(world):
    _, repo = branch(world)
    same(repo.changed("--all"), {name: ["--all"] for name in ALL})
    same(repo.changed("--apps", "web,shop"), {"web": ["--apps"], "shop": ["--apps"]})
    said = repo.shopflow("changed", "--apps", "web,wep")
    same(said.code, 2)
    has(said.err, "'wep' is not an app of this commit; there are: admin shop web")


def fail_if_unchanged(world):
    _, repo = branch(world)
    said = repo.shopflow("changed", "--fail-if-unchanged")
    same((said.code, said.out), (5, ""))
    has(said.err, "nothing changed since")
    repo.commit({"apps/web/x": "x"})
    same(repo.shopflow("changed", "--fail-if-unchanged").code, 0)


def forms_of_the_answer(world):
    _, repo = branch(world)
    said = repo.shopflow("changed", "-o", "yaml")
    same((said.code, said.err), (2, "shopflow: changed: -o must be json or wide\n"))
    same(repo.shopflow("changed", "--", "--all", "-o", "json").json()["dirty"], False)


def base_is_a_branch_or_a_commit(world):
    origin, repo = branch(world)
    left = repo.head()
    repo.commit({"apps/web/index.html": "mine"})
    theirs = push_more(world, origin, {"apps/shop/src/main.ts": "theirs"})
    repo.git("fetch", "-q")
    got = repo.shopflow("changed", "-o", "json", "--base", "origin/develop").json()
    same((got["base"], [app["name"] for app in got["apps"]]), (left, ["web"]), "where it was left")
    got = repo.shopflow("changed", "-o", "json", "--base", theirs).json()
    same((got["base"], [app["name"] for app in got["apps"]]), (theirs, ["shop", "web"]), "as it is")
    repo.git("tag", "v1", theirs)
    same(set(repo.changed("--base", "v1")), {"shop", "web"}, "a tag is a commit")
    same(set(repo.changed("--base", "HEAD~1")), {"web"})


def a_base_that_is_not_there(world):
    _, repo = branch(world)
    for ref in ("nope", "-x", "HEAD:README.md", "abcdef1"):
        said = repo.shopflow("changed", f"--base={ref}")
        same(said.code, 2, ref)
        has(said.err, f"--base '{ref}' is no commit that is known here")
    said = repo.shopflow("changed", "--base", "1234567890" * 4)
    same((said.code, len(said.out.splitlines())), (0, 3))
    has(said.err, "not to be fetched (a force-push?): every app counts as changed")
    same(set(repo.changed("--base", "0" * 40)), ALL, "what a push of a new branch says")


def git_sha_names_the_commit(world):
    _, repo = branch(world)
    one = repo.commit({"apps/web/index.html": "one"})
    repo.commit({"apps/shop/src/main.ts": "two"})
    repo.write({"apps/admin/dirty": "x"})
    got = repo.shopflow("changed", "-o", "json", GIT_SHA=one[:7]).json()
    same((got["commit"], got["dirty"], [app["name"] for app in got["apps"]]), (one, False, ["web"]))
    said = repo.shopflow("changed", GIT_SHA="abcdef1")
    same(said.code, 2)
    has(said.err, "GIT_SHA 'abcdef1' (the environment) is no commit that is known here")
    repo.write({".k8s-config": f"GIT_SHA={one}\n"})
    same(repo.shopflow("changed", "-o", "json").json()["commit"], one)


def files_that_are_wrong_are_named(world):
    _, repo = branch(world)
    repo.write({".k8s-config": "A=1\nbad line\n"})
    said = repo.shopflow("changed")
    same(said.code, 2)
    has(said.err, ".k8s-config: line 2: is not KEY=VALUE")
    repo.write({".k8s-config": "TYPO=1\n"})
    has(repo.shopflow("changed").err, ".k8s-config line 1: TYPO means nothing to shopflow: ignored")
    repo.write({"shopflow.yaml": "apps:\n  web:\n    tagret: x\n"})
    said = repo.shopflow("changed")
    same(said.code, 2)
    has(said.err, "shopflow.yaml: line 3, column 5: tagret: is not a field of an app")


if __name__ == "__main__":
    main(sys.modules[__name__])
