"""shopflow up: from a commit to what runs, with a real builder, a real registry, API server and
controller.

Environment: SHOPFLOW, the binary; and what world.py needs. As root (buildah)."""

import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

from registries import Registry  # noqa: E402
from scenario import scenario  # noqa: E402
from shopflow import NAME, home_of, shopflow  # noqa: E402
from world import World  # noqa: E402

FILES = {
    "package.json": "{}\n",
    ".gitignore": ".k8s-config\n",
    "Dockerfile": "FROM scratch\nARG APP_DIR\nCOPY ${APP_DIR}/page /page\n",
    "apps/api/package.json": "{}\n", "apps/api/page": "api 1\n",
    "apps/web/package.json": "{}\n", "apps/web/page": "web 1\n",
}


class Shop:
    """A repository, an origin that has its develop, and a registry."""

    def __init__(self, w):
        self.w, self.home = w, home_of(w)
        w.registry.close()
        w.registry = self.registry = Registry(os.path.join(w.settings.name, "registry"))
        w.start()
        storage = os.path.join(w.settings.name, "storage")
        conf = os.path.join(w.settings.name, "storage.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f'[storage]\ndriver = "vfs"\ngraphroot = "{storage}"\nrunroot = "{storage}-run"\n')
        self.env = {"CONTAINERS_STORAGE_CONF": conf, "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com",
                    "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.com", "GIT_CONFIG_NOSYSTEM": "1"}
        self.git("init", "-q", "-b", "develop")
        self.git("init", "-q", "--bare", "-b", "develop", os.path.join(w.settings.name, "origin"))
        self.git("remote", "add", "origin", os.path.join(w.settings.name, "origin"))

    def git(self, *words):
        return subprocess.run(["git", *words], cwd=self.home, env={**os.environ, **self.env, "HOME": self.home}, check=True,
                              capture_output=True, text=True).stdout.strip()

    def commit(self, files, push=True):
        for name, text in files.items():
            path = pathlib.Path(self.home, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")
        if push:
            self.git("push", "-q", "origin", "HEAD")
        return self.git("rev-parse", "HEAD")

    def up(self, *words, code=0):
        return shopflow(self.w, "up", "--engine", "buildah", *words, code=code, env=self.env, timeout=180)

    def spec(self):
        return self.w.ns.get("appreleases", NAME)["spec"]

    def runs(self, app, commit):
        return f"{self.registry.host}/{app}:{commit[:7]}@{self.registry.digest(app, commit[:7])}"


def deployments(shop, *apps):
    for app in apps:
        shop.w.ns.create("deployments", {
            "metadata": {"name": "btc-" + app}, "spec": {
                "replicas": 2, "selector": {"matchLabels": {"app": app}},
                "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                "template": {"metadata": {"labels": {"app": app}}, "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{"name": app, "image": f"{app}:not-released-yet"}]}}}})


@scenario
def up_builds_and_rolls_what_changed(name):
    """The first run makes all; the next only what changed; then nothing; work leaves the rest alone."""
    with World(name, start=False) as w:
        shop = Shop(w)
        deployments(shop, "api", "web")
        one = shop.commit({**FILES, "shopflow.yaml": "release: {health: {soakSeconds: 1, deadlineSeconds: 60}}\n"})
        shop.up().has("2 built, 0 there already, 0 failed", "done")
        assert shop.spec()["commit"] == one
        for app in ("api", "web"):
            assert w.running_image(app) == shop.runs(app, one), w.running_image(app)
            assert shop.registry.digest(app, "latest") == shop.registry.digest(app, one[:7])

        two = shop.commit({"apps/api/page": "api 2\n"})
        dry = shop.up("--dry-run").has("nothing was built: --dry-run", "nothing was written", "buildah build")
        assert shop.spec()["commit"] == one and not shop.registry.digest("api", two[:7]), dry.err
        writes = len(w.deployment_writes("web"))
        shop.up().has("1 built, 0 there already, 0 failed", "done")
        assert w.running_image("api") == shop.runs("api", two)
        assert len(w.deployment_writes("web")) == writes, "web was rolled"
        assert shop.registry.digest("web", two[:7]) == shop.registry.digest("web", one[:7]), "web has no name of this commit"
        assert shop.registry.digest("web", two[:7]), "web has no name of this commit"

        version = w.ns.get("deployments", "btc-api")["metadata"]["resourceVersion"]
        again = shop.up()
        again.has("done")
        assert " built" not in again.err or "0 built" in again.err, again.err
        assert w.ns.get("deployments", "btc-api")["metadata"]["resourceVersion"] == version

        shop.git("checkout", "-q", "-b", "feat")
        three = shop.commit({"apps/web/page": "web 3\n"}, push=False)
        shop.up().has("1 built", "done")
        assert w.running_image("web") == shop.runs("web", three)
        assert shop.registry.digest("web", "latest") == shop.registry.digest("web", one[:7]), "work moved latest"
        mark = json.loads(w.ns.get("appreleases", NAME)["metadata"]["annotations"]["deploy.btc-shopflow.io/work"])
        assert mark["web"]["branch"] == "feat" and mark["web"]["commit"] == three, mark


@scenario
def up_that_cannot_build_releases_nothing(name):
    """One app's build fails: the other is pushed, the object is not written; the next run goes on."""
    with World(name, start=False) as w:
        shop = Shop(w)
        deployments(shop, "api", "web")
        shop.commit({**FILES, "apps/web/Dockerfile": "FROM scratch\nCOPY nothing /\n"})
        run = shop.up(code=1)
        run.has("failed: web", "nothing was released")
        assert not w.ns.get("appreleases", NAME) and shop.registry.digest("api", shop.git("rev-parse", "HEAD")[:7])
        shop.git("rm", "-q", "apps/web/Dockerfile")
        commit = shop.commit({"shopflow.yaml": "release: {health: {soakSeconds: 1, deadlineSeconds: 60}}\n"})
        shop.up("--skip-deploy").has("not deployed: --skip-deploy")
        assert not w.ns.get("appreleases", NAME)
        shop.up("--skip-build").has("done")
        assert w.running_image("web") == shop.runs("web", commit)
