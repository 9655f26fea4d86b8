"""Git repositories for the tests of shopflow: made in a temporary folder, with no configuration of
the user's, and commits whose dates are fixed."""
import inspect
import json
import os
import shutil
import subprocess
import sys
import tempfile

CLEAN = {
    "PATH": os.environ["PATH"],
    "LANG": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
}
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
    if name in os.environ:
        CLEAN[name] = os.environ[name]

GITCONFIG = """[init]
    defaultBranch = develop
[protocol "file"]
    allow = always
[uploadpack]
    allowFilter = true
"""

PROJECT = {
    "package.json": '{"name": "shop"}',
    "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
    "Dockerfile": "FROM scratch\n",
    "README.md": "# shop\n",
    ".gitignore": "node_modules\n.k8s-config\n*.log\n",
    "packages/core/package.json": '{"name": "@shop/core"}',
    "packages/core/index.ts": "1\n",
    "docs/a.md": "x\n",
    "apps/admin/package.json": '{"name": "@shop/admin", "dependencies": {"@shop/core": "workspace:*"}}',
    "apps/admin/src/main.ts": "admin\n",
    "apps/shop/package.json": '{"name": "@shop/shop", "devDependencies": {"@shop/admin": "workspace:*"}}',
    "apps/shop/src/main.ts": "shop\n",
    "apps/web/Dockerfile": "FROM scratch\n",
    "apps/web/index.html": "web\n",
}


class Answer:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def json(self):
        assert self.code in (0, 5), f"exit {self.code}: {self.err}"
        return json.loads(self.out)


class Repo:
    """A working tree. Everything in it runs with the environment `env`."""

    def __init__(self, world, path):
        self.world, self.path, self.env = world, path, dict(world.env)

    def git(self, *args, **more):
        done = subprocess.run(["git", *args], cwd=self.path, env={**self.env, **more}, text=True,
                              capture_output=True)
        assert done.returncode == 0, f"git {' '.join(args)}: {done.stderr}"
        return done.stdout.strip()

    def write(self, files):
        for name, text in files.items():
            path = os.path.join(os.fsencode(self.path), name if isinstance(name, bytes) else name.encode())
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(text if isinstance(text, bytes) else text.encode())

    def commit(self, files=None, message="x"):
        self.write(files or {})
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.head()

    def head(self):
        return self.git("rev-parse", "HEAD")

    def shopflow(self, *args, cwd=".", **env):
        return Answer(subprocess.run([self.world.program, *args], cwd=os.path.join(self.path, cwd),
                                     env={**self.env, **env}, text=True, capture_output=True,
                                     timeout=120, errors="surrogateescape"))

    def changed(self, *args, **env):
        """name → reasons"""
        got = self.shopflow("changed", "-o", "json", *args, **env).json()
        return {app["name"]: app["reasons"] for app in got["apps"]}


class World:
    """A temporary folder with a home, and in it repositories."""

    def __init__(self, program):
        self.program = os.path.abspath(program)
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix="shopflow-test."))
        home = os.path.join(self.dir, "home")
        os.mkdir(home)
        with open(os.path.join(home, ".gitconfig"), "w", encoding="utf-8") as f:
            f.write(GITCONFIG)
        os.mkdir(os.path.join(self.dir, "tmp"))
        self.env = {**CLEAN, "HOME": home, "TMPDIR": os.path.join(self.dir, "tmp")}
        self.count = 0

    def path(self, name):
        self.count += 1
        return os.path.join(self.dir, f"{name}{self.count}")

    def init(self, files=None, bare=False):
        path = self.path("repo")
        os.mkdir(path)
        repo = Repo(self, path)
        repo.git("init", "-q", *(["--bare"] if bare else []))
        if not bare:
            repo.commit(PROJECT if files is None else files, "first")
        return repo

    def clone(self, origin, *args):
        path = self.path("clone")
        subprocess.run(["git", "clone", "-q", *args, "file://" + origin.path, path], check=True,
                       env=self.env, capture_output=True)
        return Repo(self, path)

    def pair(self, files=None):
        """A bare origin whose develop holds the project, and a clone of it."""
        origin, first = self.init(bare=True), self.init(files)
        first.git("push", "-q", origin.path, "develop")
        return origin, self.clone(origin)

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


ALL = {"admin", "shop", "web"}


def same(got, wanted, what=""):
    assert got == wanted, f"{what}: got {got!r}, wanted {wanted!r}"


def has(text, *parts):
    for part in parts:
        assert part in text, f"{part!r} is not in {text!r}"


def branch(world, files=None):
    """A clone on a branch of its own."""
    origin, repo = world.pair(files)
    repo.git("checkout", "-q", "-b", "feat")
    return origin, repo


def push_more(world, origin, files, name="develop", message="theirs"):
    """Somebody else commits to the mainline."""
    other = world.clone(origin)
    other.git("checkout", "-q", name)
    other.commit(files, message)
    other.git("push", "-q", "origin", name)
    return other.head()


def a_long_history(world):
    """origin: develop with 12 commits of shop; feat left it after 3 and changed web twice."""
    origin, repo = world.pair()
    for i in range(12):
        repo.commit({"apps/shop/src/main.ts": str(i)})
        if i == 2:
            repo.git("branch", "feat")
    repo.git("push", "-q", "origin", "develop")
    repo.git("checkout", "-q", "feat")
    repo.commit({"apps/web/index.html": "one"})
    repo.commit({"apps/web/index.html": "two"})
    repo.git("push", "-q", "origin", "feat")
    return origin


def main(module):
    """Run the module's functions of one argument `world`, each with a world of its own: those that
    the command line names after the program, or all. Prints what failed."""
    program, wanted = sys.argv[1], sys.argv[2:]
    tests = [f for name, f in vars(module).items()
             if inspect.isfunction(f) and f.__module__ == module.__name__
             and list(inspect.signature(f).parameters) == ["world"]
             and (not wanted or name in wanted)]
    failed = 0
    for test in tests:
        world = World(program)
        try:
            test(world)
            left = os.listdir(os.path.join(world.dir, "tmp"))
            assert not left, f"left in TMPDIR: {left}"
            print(f"ok   {test.__name__}")
        except AssertionError as why:
            failed += 1
            print(f"FAIL {test.__name__}: {why}")
            if not str(why):
                raise
        finally:
            world.close()
    print(f"{len(tests) - failed} of {len(tests)} passed")
    sys.exit(1 if failed or not tests else 0)
