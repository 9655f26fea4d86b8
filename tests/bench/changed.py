#!/usr/bin/env python3
"""How long `shopflow changed` takes on 20,000 files and 60 apps, beside git's own work on the same:
changed.py PROGRAM. Exits 1 when it is over 0.3 s more than git."""
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
from repos import World  # noqa: E402

APPS, FILES, RUNS = 60, 20000, 11
GOAL_S = 0.3


def seconds(repo, *argv):
    times = []
    for _ in range(RUNS):
        begin = time.monotonic()
        subprocess.run(argv, cwd=repo.path, env=repo.env, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        times.append(time.monotonic() - begin)
    return statistics.median(times)


def project():
    files = {"package.json": "{}", "pnpm-lock.yaml": "x\n"}
    for i in range(APPS):
        files[f"apps/app-{i}/package.json"] = f'{{"name": "app-{i}", "dependencies": {{"app-{(i + 1) % 5}": "*"}}}}'
    for i in range(FILES - len(files)):
        where = f"packages/p{i % 20}" if i % 4 == 0 else f"apps/app-{i % APPS}"
        files[f"{where}/src/d{i % 37}/file{i}.ts"] = f"{i}\n"
    return files


def main(program):
    world = World(program)
    worst = 0
    try:
        repo = world.init(project())
        base = repo.head()
        rows = []
        repo.commit({"apps/app-7/src/d0/file0.ts": "x"})
        rows.append(("one file of an app", []))
        repo.git("tag", "one")
        repo.commit({f"packages/p{i % 20}/src/n{i}.ts": "y" for i in range(5000)})
        rows.append(("5,000 files of packages/", []))
        for name, more in [*rows, ("the same, and an uncommitted file", ["dirty"])]:
            repo.git("checkout", "-q", "--detach", "one" if name.startswith("one") else "develop")
            if more:
                repo.write({"apps/app-9/new.ts": "x"})
            git = seconds(repo, "git", "diff-tree", "-r", "-z", "--no-renames", base, "HEAD")
            git += seconds(repo, "git", "status", "--porcelain=v2", "-z", "--untracked-files=all")
            ours = seconds(repo, world.program, "changed", "--base", base)
            worst = max(worst, ours - git)
            print(f"{name:36} git {git:.3f} s  shopflow {ours:.3f} s  on top {ours - git:.3f} s")
        wide = seconds(repo, world.program, "changed", "--base", base, "-o", "wide")
        print(f"{'with the tree of each app (-o wide)':36} shopflow {wide:.3f} s")
    finally:
        world.close()
    print(f"on top of git at most {worst:.3f} s; the goal is under {GOAL_S} s")
    return worst >= GOAL_S


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
