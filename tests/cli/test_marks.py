#!/usr/bin/env python3
"""Developers and CI side by side on one AppRelease: test_marks.py PROGRAM [TEST…]

The program decides; what `up` will write is written by tests/cli/run_writes.c."""
import json
import os
import subprocess

from api import MARK, Api, condition
from repos import Answer, has, main, same

WRITES = os.environ["RUN_WRITES"]
DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/"


class Shop:
    """A cluster, an origin whose develop was released by CI, and people."""

    def __init__(self, world):
        self.world, self.api = world, Api()
        self.origin, self.ci = world.pair()
        self.bad = set()  # (app, commit): it crashes
        self.kubeconfig = os.path.join(world.dir, "kubeconfig")
        with open(self.kubeconfig, "w", encoding="utf-8") as f:
            json.dump({"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
                       "clusters": [{"name": "x", "cluster": {"server": self.api.url}}],
                       "users": [{"name": "x", "user": {}}]}, f)
        self.reach(self.ci)
        self.ci.env.update(GITHUB_ACTIONS="true", GITHUB_REF="refs/heads/develop", GITHUB_ACTOR="bot")
        self.push()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.api.close()

    def reach(self, repo):
        repo.env.update(KUBECONFIG=self.kubeconfig, K8S_NAMESPACE="shop", PRIVATE_REGISTRY="reg:5000")

    def person(self, name, branch=None):
        repo = self.world.clone(self.origin)
        self.reach(repo)
        repo.env["USER"] = name
        if branch:
            repo.git("checkout", "-q", "-b", branch)
        return repo

    # --- what happens ---

    def run(self, repo, *flags, settle=True):
        done = subprocess.run([WRITES, "changed", *flags], cwd=repo.path, env=repo.env, text=True,
                              capture_output=True, timeout=120)
        got = Answer(done)
        assert got.code == 0, got.err
        got.built = {word.split("@")[0]: word.split("@")[1] for word in json.loads(got.out)["built"]}
        got.tagged = {word.split("@")[0] for word in json.loads(got.out)["tagged"]}
        if settle:
            self.settle()
        return got

    def push(self, files=None, run=True):
        """To develop, and CI's run of it."""
        self.ci.git("fetch", "-q")
        self.ci.git("reset", "-q", "--hard", "origin/develop")
        if files:
            self.ci.commit(files)
            self.ci.git("push", "-q", "origin", "develop")
        return self.run(self.ci) if run else None

    def settle(self):
        """The controller: who crashes goes back."""
        def change(obj):
            was = {app["name"]: app for app in obj.get("status", {}).get("apps", [])}
            apps = []
            for app in obj["spec"]["apps"]:
                name, commit = app["name"], app.get("commit", obj["spec"]["commit"])
                one = {"name": name, "deployment": name, "state": "Updated", "reason": "Healthy", "commit": commit,
                       "goodImage": f"reg:5000/{name}:{commit[:7]}@sha256:{commit[:7]}"}
                if (name, commit) in self.bad:
                    one = {**was.get(name, {"name": name}), "state": "RolledBack", "reason": "CrashLoop",
                           "failedCommit": commit}
                apps.append(one)
            generation = obj["metadata"]["generation"]
            obj["status"] = {"observedGeneration": generation, "apps": apps,
                             "conditions": [condition("Ready", "True", "ReleaseSucceeded", generation)]}
        if self.api.object:
            self.api.touch(change)

    def undo(self, app, commit):
        """kubectl rollout undo, and what the controller says of it."""
        self.api.others[DEPLOYMENT + app] = {"spec": {"template": {"spec": {"containers": [
            {"name": "proxy", "image": "other:1"}, {"name": app, "image": f"reg:5000/{app}:{commit[:7]}"}]}}}}
        self.api.touch(lambda obj: obj["status"]["conditions"].append(
            condition("Conflicted", "True", "FieldManagerConflict", obj["metadata"]["generation"])))

    # --- what is there ---

    def asks(self):
        spec = self.api.object["spec"]
        return {app["name"]: app.get("commit", spec["commit"]) for app in spec["apps"]}

    def mark(self, name):
        text = self.api.object["metadata"].get("annotations", {}).get(MARK + name)
        return json.loads(text) if text and text[0] == "{" else text

    def changed(self, repo, *flags, code=0, **env):
        got = repo.shopflow("changed", "-o", "json", *flags, **env)
        same(got.code, code, got.err)
        return json.loads(got.out)


def names(got):
    return {app["name"] for app in got["apps"]}


# --- the mainline --------------------------------------------------------------------------------

def the_environment_follows_the_mainline(world):
    with Shop(world) as shop:
        first = shop.ci.head()
        same(shop.asks(), {"admin": first, "shop": first, "web": first})
        same(shop.mark("mainline"), first)
        same(shop.mark("work"), None, "a mainline run is nobody's work")
        got = shop.push({"apps/web/index.html": "2"})
        same((set(got.built), got.tagged), ({"web"}, {"admin", "shop"}))
        same(set(shop.asks().values()), {shop.ci.head()}, "all of it, with tags for what is as it was")
        same(shop.mark("mainline"), shop.ci.head())
        got = shop.changed(shop.ci)
        same((got["apps"], got["kept"], got["held"], got["behind"], got["superseded"]), ([], [], [], [], None))
        has(shop.ci.shopflow("changed").err, "nothing changed: every app runs well as it is here")
        same(shop.changed(shop.ci, "--fail-if-unchanged", code=5)["apps"], [])


def a_failed_push_is_compared_with_what_runs(world):
    with Shop(world) as shop:
        shop.push({"apps/web/index.html": "2"}, run=False)
        shop.bad.add(("web", shop.ci.head()))
        shop.run(shop.ci)
        got = shop.push({"apps/web/index.html": "3"})
        same(set(got.built), {"web"}, "new inputs are asked for")
        same(shop.mark("rolled-back"), None)


def an_older_run_that_ends_late_does_nothing(world):
    with Shop(world) as shop:
        late = shop.world.clone(shop.origin)
        late.env = dict(shop.ci.env)
        shop.push({"apps/web/index.html": "2"})
        newest, was = shop.ci.head(), shop.api.object["metadata"]["resourceVersion"]
        got = shop.run(late, settle=False)
        has(got.err, f"superseded: the mainline at {newest[:7]} was asked for")
        same((got.built, shop.api.object["metadata"]["resourceVersion"]), ({}, was), "the clone did not know it")
        same(shop.changed(late)["superseded"], newest)
        same(shop.changed(late, "--all")["superseded"], newest, "nor does --all")
        same(shop.changed(shop.ci)["superseded"], None, "the newest itself")
        shop.ci.git("reset", "-q", "--hard", "HEAD~1")
        shop.ci.commit({"apps/web/index.html": "forced"})
        shop.ci.git("push", "-q", "--force", "origin", "develop")
        same(names(shop.changed(shop.ci)), {"web"}, "a force-push is no older commit")


def a_shallow_clone_is_completed_or_does_work_only(world):
    with Shop(world) as shop:
        shop.push({"apps/web/index.html": "2"})
        shop.push({"apps/web/index.html": "3"}, run=False)
        shallow = shop.world.clone(shop.origin, "--depth=1")
        shallow.env = dict(shop.ci.env)
        os.rename(shop.origin.path, shop.origin.path + ".away")
        got = shop.changed(shallow)
        said = shallow.shopflow("changed")
        has(said.err, "this is no mainline run", "fetch-depth: 0")
        same(len(names(got)), 3, "everything")
        os.rename(shop.origin.path + ".away", shop.origin.path)
        same(names(shop.changed(shallow)), {"web"})


def only_the_mainline_drops_apps(world):
    with Shop(world) as shop:
        ann = shop.person("ann", "feat")
        ann.git("rm", "-q", "-r", "apps/web")
        ann.commit({"apps/admin/src/main.ts": "ann"})
        shop.run(ann)
        same(set(shop.asks()), {"admin", "shop", "web"}, "work drops nothing")
        shop.ci.git("rm", "-q", "-r", "apps/web")
        shop.ci.commit()
        shop.ci.git("push", "-q", "origin", "develop")
        same(shop.changed(shop.ci)["removed"], ["web"])
        shop.run(shop.ci)
        same(set(shop.asks()), {"admin", "shop"})


# --- work ----------------------------------------------------------------------------------------

def two_developers_leave_each_other_alone(world):
    with Shop(world) as shop:
        first = shop.ci.head()
        ann, bob = shop.person("ann", "feat-x"), shop.person("bob", "feat-y")
        a = ann.commit({"apps/web/index.html": "ann"})
        b = bob.commit({"apps/admin/src/main.ts": "bob"})
        shop.run(ann)
        same(shop.asks(), {"admin": first, "shop": first, "web": a})
        shop.run(bob)
        same(shop.asks(), {"admin": b, "shop": b, "web": a}, "shop depends on admin")
        same(shop.mark("work"), {"web": {"branch": "feat-x", "actor": "ann", "commit": a},
                                 "admin": {"branch": "feat-y", "actor": "bob", "commit": b},
                                 "shop": {"branch": "feat-y", "actor": "bob", "commit": b}})
        same(shop.mark("mainline"), first, "work moves no mainline")
        bob.commit({"apps/web/index.html": "bob"})
        got = shop.run(bob)
        has(got.err, "web: takes the place of ann's feat-x")
        same(shop.mark("work")["web"]["actor"], "bob")


def the_mainline_keeps_work_until_it_changes_the_same_app(world):
    with Shop(world) as shop:
        ann = shop.person("ann", "feat-x")
        mine = ann.commit({"apps/web/index.html": "ann"})
        shop.run(ann)
        got = shop.push({"apps/admin/src/main.ts": "2"})
        has(got.err, "kept: web, ann's feat-x (--all takes it)")
        same((set(got.built), got.tagged), ({"admin", "shop"}, set()), "no tag for what is kept")
        same(shop.asks()["web"], mine)
        same(shop.mark("work")["web"]["commit"], mine)
        same(shop.changed(shop.ci)["kept"], [{"name": "web", "reason": "ann's feat-x"}])
        got = shop.push({"apps/admin/src/main.ts": "3"})
        has(got.err, "kept: web")
        got = shop.push({"apps/web/index.html": "the mainline's"})
        same(got.built, {"web": shop.ci.head()}, "it changed the same app")
        has(got.err, "web: takes the place of ann's feat-x")
        same(shop.mark("work"), None)


def all_takes_work(world):
    with Shop(world) as shop:
        ann = shop.person("ann", "feat-x")
        ann.commit({"apps/web/index.html": "ann", "apps/new/Dockerfile": "FROM scratch\n"})
        shop.run(ann)
        got = shop.push({"apps/admin/src/main.ts": "2"})
        has(got.err, "kept: web", "kept: new")
        same(set(shop.asks()), {"admin", "shop", "web", "new"}, "a new app is in no mainline yet")
        got = shop.changed(shop.person("bob", "feat-y"))
        same((got["removed"], got["kept"]), ([], []), "nor any matter of others' work")
        same(set(shop.run(shop.ci, "--all").built), {"admin", "shop", "web"})
        same(set(shop.asks().values()), {shop.ci.head()})
        same(set(shop.asks()), {"admin", "shop", "web"})
        same(shop.mark("work"), None)


def work_on_an_app_that_the_mainline_drops_ends(world):
    with Shop(world) as shop:
        ann = shop.person("ann", "feat-x")
        ann.commit({"apps/web/index.html": "ann"})
        shop.run(ann)
        shop.ci.git("rm", "-q", "-r", "apps/web")
        shop.ci.commit()
        shop.ci.git("push", "-q", "origin", "develop")
        shop.run(shop.ci)
        same(set(shop.asks()), {"admin", "shop"})
        same(shop.mark("work"), None)


def apps_by_name_are_work(world):
    with Shop(world) as shop:
        ann = shop.person("ann", "feat-x")
        shop.push({"apps/admin/src/main.ts": "2"})
        same(set(shop.run(ann, "--apps", "web").built), {"web"}, "an older commit supersedes no work")
        same(set(shop.mark("work")), {"web"})


def all_is_work_on_a_branch(world):
    with Shop(world) as shop:
        first = shop.ci.head()
        ann = shop.person("ann", "feat-x")
        ann.commit({"apps/web/index.html": "ann"})
        shop.run(ann, "--all")
        same(set(shop.asks().values()), {ann.head()})
        same((set(shop.mark("work")), shop.mark("mainline")), ({"admin", "shop", "web"}, first))


def work_goes_back_when_it_is_the_mainlines_again(world):
    with Shop(world) as shop:
        ann = shop.person("ann", "feat-x")
        ann.commit({"apps/web/index.html": "ann"})
        shop.run(ann)
        ann.git("revert", "--no-edit", "HEAD")
        got = shop.run(ann)
        same(got.built, {"web": shop.ci.head()}, "the commit that all know")
        same(shop.mark("work"), None, "and nobody's work")
        got = shop.push({"apps/admin/src/main.ts": "2"})
        same(got.tagged, {"web"}, "nothing is kept")


def work_goes_back_to_where_the_mainline_is(world):
    with Shop(world) as shop:
        ann = shop.person("ann", "feat-x")
        shop.push({"apps/web/index.html": "newer"})
        ann.commit({"apps/web/index.html": "ann"})
        got = shop.run(ann)
        has(got.err, "behind: web: develop has changed it since")
        same(shop.changed(ann)["behind"], ["web"])
        said = ann.shopflow("changed", "--require-current")
        same(said.code, 1)
        has(said.err, "--require-current: develop has changed web since this work began")
        ann.git("revert", "--no-edit", "HEAD")
        same(shop.run(ann).built, {"web": shop.ci.head()}, "built from the mainline's commit")
        same(shop.asks()["web"], shop.ci.head())
        same(shop.mark("work"), None)
        ann.commit({"apps/admin/src/main.ts": "ann"})
        same(shop.changed(ann, "--require-current")["behind"], [], "only what it releases is behind")


def squashed_work_is_the_mainlines(world):
    with Shop(world) as shop:
        ann = shop.person("ann", "feat-x")
        ann.commit({"apps/web/index.html": "ann"})
        shop.run(ann)
        got = shop.push({"apps/web/index.html": "ann"})
        same((got.built, got.tagged), ({}, {"admin", "shop", "web"}), "it runs already")
        same(shop.mark("work"), None)
        same(names(shop.changed(ann)), set())
        ann.commit({"apps/web/index.html": "more"})
        same(set(shop.run(ann).built), {"web"})
        same(set(shop.mark("work")), {"web"})


def merged_work_is_the_mainlines(world):
    with Shop(world) as shop:
        ann = shop.person("ann", "feat-x")
        ann.commit({"apps/web/index.html": "ann"})
        shop.run(ann)
        ann.git("push", "-q", "origin", "feat-x")
        shop.push({"apps/admin/src/main.ts": "2"}, run=False)
        shop.ci.git("fetch", "-q")
        shop.ci.git("merge", "-q", "--no-ff", "--no-edit", "origin/feat-x")
        shop.ci.git("push", "-q", "origin", "develop")
        same(names(shop.changed(ann)), set(), "merged, and not released yet: it stays")
        got = shop.run(shop.ci)
        same((set(got.built), got.tagged), ({"admin", "shop"}, {"web"}))
        same(shop.mark("work"), None)


def a_trial_on_the_mainlines_branch_goes_back(world):
    with Shop(world) as shop:
        ann = shop.person("ann")
        ann.write({"apps/web/index.html": "trial"})
        shop.run(ann)
        same(shop.mark("work")["web"]["branch"], "develop")
        got = shop.push({"apps/admin/src/main.ts": "2"})
        has(got.err, "kept: web, ann's develop")
        ann.git("checkout", "-q", "--", ".")
        ann.git("pull", "-q")
        same(set(shop.run(ann).built), {"web"}, "the same person's")


# --- taken back ----------------------------------------------------------------------------------

def what_failed_is_not_asked_for_again(world):
    with Shop(world) as shop:
        first = shop.ci.head()
        shop.push({"apps/web/index.html": "bad"}, run=False)
        bad = shop.ci.head()
        shop.bad.add(("web", bad))
        shop.run(shop.ci)
        for i in range(2):  # status forgets it after the first; the mark does not
            got = shop.push({"apps/admin/src/main.ts": str(i)})
            has(got.err, f"warning: held: web failed at {bad[:7]} (CrashLoop)")
            same("web" in got.built or "web" in got.tagged, False)
            same(shop.asks()["web"], first)
            same(shop.mark("rolled-back"), {"web": {"commit": bad, "by": "controller", "why": "CrashLoop"}})
            same(shop.changed(shop.ci)["held"], [{"name": "web", "reason": f"failed at {bad[:7]} (CrashLoop)"}])
        got = shop.run(shop.ci, "--all")
        same(set(got.built), {"admin", "shop", "web"})
        same(shop.mark("rolled-back"), None)
        has(shop.mark("retry-at"), "2026")


def retry_asks_again(world):
    with Shop(world) as shop:
        shop.push({"apps/web/index.html": "bad"}, run=False)
        shop.bad.add(("web", shop.ci.head()))
        shop.run(shop.ci)
        has(shop.push({"apps/admin/src/main.ts": "2"}).err, "held: web")
        shop.ci.shopflow("retry", "--timeout", "1s")
        shop.settle()
        same(set(shop.run(shop.ci).built), {"web"})


def a_rollback_is_not_undone_by_the_next_push(world):
    with Shop(world) as shop:
        first = shop.ci.head()
        shop.push({"apps/web/index.html": "2"})
        second = shop.ci.head()
        ann = shop.person("ann")
        shop.api.after_write = shop.settle
        done = ann.shopflow("rollback", "--to", first, "--apps", "web")
        shop.api.after_write = None
        same(done.code, 0, done.err)
        same(shop.mark("rolled-back"), {"web": {"commit": second, "by": "ann"}})
        got = shop.push({"apps/admin/src/main.ts": "2"})
        has(got.err, f"held: web rolled back from {second[:7]} by ann")
        same(shop.asks()["web"], first)
        got = shop.push({"apps/web/index.html": "mended"})
        same(set(got.built), {"web"}, "new inputs")
        same(shop.mark("rolled-back"), None)


def a_rollback_by_kubectl_is_not_undone_by_a_write(world):
    with Shop(world) as shop:
        first = shop.ci.head()
        shop.push({"apps/web/index.html": "2"})
        second = shop.ci.head()
        def deployments_asked():
            return [path for _, path, _ in shop.api.requests if "/deployments" in path]
        shop.changed(shop.ci)
        same(deployments_asked(), [], "nobody changed anything by hand")
        shop.undo("web", first)
        same(shop.changed(shop.ci)["held"][0]["name"], "web")
        shop.api.fault = lambda method, path, n: (403, "Forbidden") if "/deployments" in path else None
        same(shop.changed(shop.ci)["held"], [], "no right to look")
        shop.api.fault = lambda method, path, n: None
        ann = shop.person("ann", "feat-x")
        ann.commit({"apps/admin/src/main.ts": "ann"})
        shop.run(ann)
        same(shop.asks()["web"], first[:7], "a write for another app asks for what runs")
        same(shop.mark("rolled-back"), {"web": {"commit": second, "by": "kubectl"}})
        got = shop.push({"README.md": "x"})
        has(got.err, f"held: web rolled back from {second[:7]} by kubectl")
        same(shop.asks()["web"], first[:7])
        got = shop.push({"apps/web/index.html": "mended"})
        same("web" in got.built, True)


def a_rollback_by_kubectl_is_not_undone_by_deploy(world):
    with Shop(world) as shop:
        first = shop.ci.head()
        shop.push({"apps/web/index.html": "2"})
        shop.undo("web", first)
        shop.api.after_write = shop.settle
        done = shop.person("ann").shopflow("deploy", "--apps", "admin")
        shop.api.after_write = None
        same((done.code, shop.asks()["web"]), (0, first[:7]), done.err)
        shop.push({"apps/web/index.html": "mended"})
        shop.undo("web", first)
        shop.api.others[DEPLOYMENT + "web"]["spec"]["template"]["spec"]["containers"][1]["image"] = "reg:5000/web:v1"
        has(shop.push({"README.md": "x"}).err, "by hand, to reg:5000/web:v1")
        same(shop.mark("rolled-back"), None, "a tag that names no commit cannot be asked for")


def a_rollback_by_kubectl_holds_the_next_push(world):
    with Shop(world) as shop:
        first = shop.ci.head()
        shop.push({"apps/web/index.html": "2"})
        shop.undo("web", first)
        got = shop.push({"apps/admin/src/main.ts": "2"})
        has(got.err, "held: web rolled back from", "by hand, to reg:5000/web")
        same(shop.asks()["web"], first[:7])
        same(shop.mark("rolled-back")["web"]["by"], "kubectl")
        shop.push({"apps/web/index.html": "3"})
        shop.undo("web", first)
        shop.push({"apps/web/index.html": "mended"})
        same((shop.asks()["web"], shop.mark("rolled-back")), (shop.ci.head(), None), "new inputs")


def failed_work_is_kept_where_it_was_good(world):
    with Shop(world) as shop:
        ann, bob = shop.person("ann", "feat-x"), shop.person("bob", "feat-y")
        good = ann.commit({"apps/web/index.html": "ann"})
        shop.run(ann)
        bad = ann.commit({"apps/web/index.html": "bad"})
        shop.bad.add(("web", bad))
        shop.run(ann)
        bob.commit({"apps/admin/src/main.ts": "bob"})
        shop.run(bob)
        same(shop.asks()["web"], good)
        same(shop.mark("work")["web"], {"branch": "feat-x", "actor": "ann", "commit": good})
        has(shop.run(ann).err, f"held: web failed at {bad[:7]} (CrashLoop)")
        has(shop.push({"apps/shop/src/main.ts": "2"}).err, "kept: web, ann's feat-x")


def a_rollback_within_work_stays_work(world):
    with Shop(world) as shop:
        first = shop.ci.head()
        ann = shop.person("ann", "feat-x")
        one = ann.commit({"apps/web/index.html": "one"})
        shop.run(ann)
        ann.commit({"apps/web/index.html": "two"})
        shop.run(ann)
        shop.api.after_write = shop.settle
        same(ann.shopflow("rollback", "--to", one, "--apps", "web").code, 0)
        same(shop.mark("work")["web"], {"branch": "feat-x", "actor": "ann", "commit": one})
        shop.api.after_write = None
        has(shop.push({"apps/admin/src/main.ts": "2"}).err, "kept: web, ann's feat-x")
        shop.api.after_write = shop.settle
        same(ann.shopflow("rollback", "--to", first, "--apps", "web").code, 0)
        shop.api.after_write = None
        same(shop.push({"apps/admin/src/main.ts": "3"}).tagged, {"web"}, "the mainline's commit is nobody's work")


# --- by name, and without a cluster --------------------------------------------------------------

def deploy_marks_its_own(world):
    with Shop(world) as shop:
        ann, bob = shop.person("ann", "feat-x"), shop.person("bob", "feat-y")
        a, b = ann.commit({"apps/web/index.html": "ann"}), bob.commit({"apps/admin/src/main.ts": "bob"})
        shop.run(ann)
        shop.api.after_write = shop.settle
        same(bob.shopflow("deploy", "--apps", "admin").code, 0)
        same(shop.mark("work"), {"web": {"branch": "feat-x", "actor": "ann", "commit": a},
                                 "admin": {"branch": "feat-y", "actor": "bob", "commit": b}})
        same(bob.shopflow("deploy", "--apps", "admin", "--commit", a).code, 0)
        same(shop.mark("work")["admin"], {"actor": "bob", "commit": a}, "of no branch that is known")
        shop.api.after_write = None
        has(shop.push({"apps/shop/src/main.ts": "2"}).err, "kept: admin, bob's work")


def a_cluster_that_is_away_leaves_it_to_git(world):
    with Shop(world) as shop:
        ann = shop.person("ann", "feat-x")
        ann.commit({"apps/web/index.html": "ann"})
        shop.api.fault = lambda *_: (403, "Forbidden")
        said = ann.shopflow("changed", "-o", "json")
        has(said.err, "warning: what runs is not known, and git alone is asked", "no right to get appreleases")
        same(said.err.count("warning"), 1)
        got = said.json()
        same((names(got), "kept" in got), ({"web"}, False))
        shop.api.fault = lambda *_: None
        shop.changed(ann, "--namespace", "other", "--name", "mine")
        has(shop.api.requests[-1][1], "/namespaces/other/appreleases/mine")
        got = shop.changed(ann, KUBECONFIG="", GITHUB_ACTIONS="true", GITHUB_REF="refs/pull/1/merge", GITHUB_BASE_REF="develop")
        same("kept" in got, False)
        before = len(shop.api.requests)
        shop.changed(ann, GITHUB_ACTIONS="true", GITHUB_REF="refs/pull/1/merge", GITHUB_BASE_REF="develop")
        same(len(shop.api.requests), before, "a pull request asks no cluster")


if __name__ == "__main__":
    import sys
    main(sys.modules[__name__])
