#!/usr/bin/env python3
"""`shopflow changed --graph`, beside a model and, where it is installed (PATH or $PNPM), pnpm's own
filter: test_graph.py PROGRAM [TEST…]"""
import json
import os
import random
import shutil
import subprocess
import sys

from repos import has, main, same

CHANGES = 40
PNPM = os.environ.get("PNPM") or shutil.which("pnpm")
KINDS = ["dependencies", "devDependencies", "optionalDependencies"]


def manifest(name, wants, dice=None):
    found = {"name": name, "version": "1.0.0", "private": True}
    for want in wants:
        found.setdefault(dice.choice(KINDS) if dice else "dependencies", {})[want] = "workspace:*"
    return json.dumps(found)


def lockfile(importers, snapshots, settings="autoInstallPeers: true", before="", edit=("", "")):
    """importers: dir → {package: version}; snapshots: key → {package: version}"""
    lines = [before + "lockfileVersion: '9.0'", "settings:", f"  {settings}", "importers:"]
    for name, wants in importers.items():
        lines.append(f"  '{name}':" if wants else f"  '{name}': {{}}")
        lines += ["    dependencies:"] if wants else []
        for package, version in wants.items():
            lines += [f"      '{package}':", "        specifier: '*'", f"        version: {version}"]
    lines += ["packages:"] + [f"  '{key.split('(')[0]}': {{resolution: {{integrity: sha512-{key.split('(')[0]}}}}}"
                              for key in dict.fromkeys(key.split("(")[0] for key in snapshots)]
    lines.append("snapshots:")
    for key, wants in snapshots.items():
        lines.append(f"  '{key}':" if wants else f"  '{key}': {{}}")
        lines += ["    dependencies:"] if wants else []
        lines += [f"      '{package}': {version}" for package, version in wants.items()]
    return "\n".join(lines).replace(*edit) + "\n"


BASE = {
    "package.json": '{"name": "root", "private": true}',
    "pnpm-workspace.yaml": "packages: ['apps/*', 'packages/*']\n",
    ".gitignore": "node_modules\n",
}


# --- packages ---------------------------------------------------------------------------------

def project(dice):
    """Six apps and eight packages, each depending on some packages before it (no circles)."""
    wants, files = {}, dict(BASE)
    names = [f"packages/p{i}" for i in range(8)] + [f"apps/a{i}" for i in range(6)]
    for i, name in enumerate(names):
        wants[name] = dice.sample(names[:min(i, 8)], dice.randint(0, min(i, 3, 8)))
        if name.startswith("apps/") and dice.random() < 0.3 and i > 8:
            wants[name].append(names[i - 1])
        files[f"{name}/package.json"] = manifest("@x/" + name.split("/")[1],
                                                 ["@x/" + want.split("/")[1] for want in wants[name]], dice)
        files[f"{name}/src/index.ts"] = "0"
    return files, wants


def reaches(wants, start):
    seen, todo = set(), [start]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += wants[name]
    return seen


def pnpm_says(repo, ref):
    done = subprocess.run([PNPM, "ls", "-r", "--depth", "-1", "--json", "--filter", f"...[{ref}]"], cwd=repo.path,
                          env={**repo.env, "CI": "true"}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr + done.stdout
    paths = {os.path.relpath(found["path"], repo.path) for found in json.loads(done.stdout or "[]")}
    return {path[5:] for path in paths if path.startswith("apps/")}


def generated_changes(world):
    dice = random.Random(7)
    compared = 0
    for _ in range(4):
        files, wants = project(dice)
        repo = world.init(files)
        for i in range(CHANGES // 4):
            base = repo.head()
            touched = dice.sample(list(wants), dice.randint(1, 2))
            repo.commit({f"{name}/{dice.choice(['src/index.ts', f'new{i}.ts', 'README.md'])}": str(i) + base
                         for name in touched})
            got = set(repo.changed("--graph", "--base", base))
            wanted = {name[5:] for name in wants if name.startswith("apps/") and reaches(wants, name) & set(touched)}
            same(got, wanted, f"{touched} of {wants}")
            if PNPM:
                same(got, pnpm_says(repo, base), f"pnpm: {touched} of {wants}")
                compared += 1
    print(f"     {CHANGES} changes; {compared} compared with pnpm" + ("" if PNPM else ", which is not installed"))


def what_is_beside_packages_stays_shared(world):
    repo = world.init({**BASE, "packages/used/package.json": manifest("used", []),
                       "packages/unused/package.json": manifest("unused", []),
                       "packages/unused/nested/package.json": manifest("nested", []),
                       "packages/loose/x": "1", "packages/tsconfig.json": "{}",
                       "apps/a/package.json": manifest("a", ["used"]),
                       "apps/b/package.json": manifest("b", ["nested"]),
                       "apps/c/Dockerfile": "FROM scratch\n"})
    rows = {"packages/used/x": {"a"}, "packages/unused/x": {"b"}, "packages/unused/nested/x": {"b"},
            "packages/loose/x": {"a", "b", "c"}, "packages/tsconfig.json": {"a", "b", "c"},
            "turbo.json": {"a", "b", "c"}, "apps/a/x": {"a"}}
    for path, apps in rows.items():
        base = repo.head()
        repo.commit({path: "new"})
        same(set(repo.changed("--graph", "--base", base)), apps, path)
        trees = [repo.shopflow("changed", "--graph", "--all", "-o", "wide", GIT_SHA=sha).out.splitlines()
                 for sha in (base, repo.head())]
        moved = {new.split()[0] for old, new in zip(*trees) if old.split()[1] != new.split()[1]}
        same(moved, apps, f"{path}: the trees")


def dependencies_by_path_are_unsure(world):
    for value in ("link:../../packages/p", "file:../../packages/p", "workspace:../../packages/p"):
        repo = world.init({**BASE, "packages/p/package.json": manifest("p", []),
                           "packages/q/package.json": manifest("q", []),
                           "apps/a/package.json": json.dumps({"name": "a", "dependencies": {"alias": value}}),
                           "apps/b/package.json": json.dumps({"name": "b", "dependencies": {"x": "workspace:q@*"}})})
        base = repo.head()
        repo.commit({"packages/q/x": "1"})
        same(set(repo.changed("--graph", "--base", base)), {"a", "b"}, value)
        repo.commit({"packages/p/x": "1"})
        same(set(repo.changed("--graph", "--base", "HEAD~1")), {"a"}, value)


def where_pnpm_differs(world):
    """pnpm takes files of the root for the root's own: no app depends on that. Here they mark all."""
    repo = world.init({**BASE, "apps/a/package.json": manifest("a", [])})
    for path in ("turbo.json", "pnpm-lock.yaml", "Dockerfile", "configs/x"):
        base = repo.head()
        repo.commit({path: "lockfileVersion: '9.0'\n"})
        same(set(repo.changed("--graph", "--base", base)), {"a"}, path)
        if PNPM:
            same(pnpm_says(repo, base), set(), path)


# --- the lockfile -------------------------------------------------------------------------------

IMPORTERS = {".": {"turbo": "1.0.0"}, "apps/a": {"left": "1.0.0(peer@1.0.0)"}, "apps/b": {"p": "link:../../packages/p"},
             "apps/c": {}, "packages/p": {"alias": "right@1.0.0"}}
SNAPSHOTS = {"turbo@1.0.0": {}, "left@1.0.0(peer@1.0.0)": {"deep": "1.0.0", "peer": "1.0.0"}, "peer@1.0.0": {},
             "deep@1.0.0": {}, "right@1.0.0": {"deeper": "1.0.0"}, "deeper@1.0.0": {}, "unused@1.0.0": {}}


def moved(table, old, new):
    """The table with another version of a package, wherever it is named."""
    return {name.replace(old, new) if "@" in name else name:
            {k: v.replace(old.split("@")[1], new.split("@")[1]) if k == old.split("@")[0] or v.startswith(old) else v
             for k, v in wants.items()} for name, wants in table.items()}


def the_lockfile_marks_whom_it_reaches(world):
    files = {**BASE, "packages/p/package.json": manifest("p", []), "apps/a/package.json": manifest("a", []),
             "apps/b/package.json": manifest("b", ["p"]), "apps/c/package.json": manifest("c", [])}
    rows = {
        "nothing": (IMPORTERS, SNAPSHOTS, {}, set()),
        "an unused one": (IMPORTERS, moved(SNAPSHOTS, "unused@1.0.0", "unused@2.0.0"), {}, set()),
        "a dependency of a dependency": (IMPORTERS, moved(SNAPSHOTS, "deep@1.0.0", "deep@2.0.0"), {}, {"a"}),
        "through a package and an alias": (IMPORTERS, moved(SNAPSHOTS, "deeper@1.0.0", "deeper@2.0.0"), {}, {"b"}),
        "its own": (moved(IMPORTERS, "left@1.0.0", "left@2.0.0"), moved(SNAPSHOTS, "left@1.0.0", "left@2.0.0"), {},
                    {"a"}),
        "the root's": (moved(IMPORTERS, "turbo@1.0.0", "turbo@2.0.0"), moved(SNAPSHOTS, "turbo@1.0.0", "turbo@2.0.0"),
                       {}, {"a", "b", "c"}),
        "the settings": (IMPORTERS, SNAPSHOTS, {"settings": "autoInstallPeers: false"}, {"a", "b", "c"}),
        "the bytes of a package": (IMPORTERS, SNAPSHOTS, {"edit": ("sha512-deep@1.0.0", "sha512-other")}, {"a"}),
        "the bytes of another": (IMPORTERS, SNAPSHOTS, {"edit": ("sha512-unused@1.0.0", "sha512-other")}, set()),
        "one more document": (IMPORTERS, SNAPSHOTS, {"before": "x: 1\n---\n"}, set()),
        "an importer that is gone": ({k: v for k, v in IMPORTERS.items() if k != "apps/c"}, SNAPSHOTS, {}, {"c"}),
        "a snapshot that is missing": (IMPORTERS, {k: v for k, v in SNAPSHOTS.items() if k != "deep@1.0.0"}, {},
                                       {"a"}),
    }
    for name, (importers, snapshots, more, apps) in rows.items():
        repo = world.init({**files, "pnpm-lock.yaml": lockfile(IMPORTERS, SNAPSHOTS)})
        base = repo.head()
        repo.commit({"pnpm-lock.yaml": lockfile(importers, snapshots, **more) + "# moved\n"})
        same(set(repo.changed("--graph", "--base", base)), apps, name)
        same(set(repo.changed("--base", base)), {"a", "b", "c"}, name + ", without --graph")


def an_importer_that_the_lockfile_does_not_know_is_unsure(world):
    importers = {k: v for k, v in IMPORTERS.items() if k != "apps/c"}
    repo = world.init({**BASE, "apps/a/package.json": manifest("a", []), "apps/c/package.json": manifest("c", []),
                       "pnpm-lock.yaml": lockfile(importers, SNAPSHOTS)})
    base = repo.head()
    repo.commit({"pnpm-lock.yaml": lockfile(importers, SNAPSHOTS) + "# moved\n"})
    same(set(repo.changed("--graph", "--base", base)), {"c"})


def a_lockfile_that_is_not_understood_marks_all(world):
    for text, why in {"lockfileVersion: '6.0'\n": "lockfileVersion is 6.0; only 9.0 is understood",
                      "a: [": "pnpm-lock.yaml: YAML: line", "": "lockfileVersion is not said"}.items():
        repo = world.init({**BASE, "apps/a/package.json": manifest("a", []), "pnpm-lock.yaml": text})
        base = repo.head()
        repo.commit({"pnpm-lock.yaml": text + "\n"})
        said = repo.shopflow("changed", "--graph", "--base", base)
        same(said.out.split(), ["a", "pnpm-lock.yaml"], why)
        has(said.err, why, "a change of it counts for every app")


if __name__ == "__main__":
    main(sys.modules[__name__])
