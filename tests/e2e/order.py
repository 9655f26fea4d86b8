"""Which app waits for which, and what one that failed means for the others (R13, R14); and images of
many containers. Each function is a scenario; its name, with dashes, is the test's."""

import json

from scenario import scenario
from world import CRASH, GOOD, GOOD2, GOOD3, PREFIX, World


CHAIN = [{"name": "ui", "dependsOn": ["web"]}, {"name": "web", "dependsOn": ["api"]}, {"name": "api"}]
NAMES = [app["name"] for app in CHAIN]


def writes(w):
    """(app, kind) of each accepted write to a Deployment, in order."""
    attempts = [json.loads(b["metadata"]["annotations"][PREFIX + "attempt"]) for b in w.deployment_writes()]
    return [(a["images"][0]["container"], a["kind"]) for a in attempts]


def shop(w, bad=None):
    """Three apps at GOOD, and their next images: the digest of bad's has its fate."""
    before = {}
    for app in NAMES:
        w.app(app)
        before[app] = w.running_image(app)
        w.push(app, bad if bad else GOOD2, GOOD3)
    return before


def assert_rolled_in_order(w, commit):
    """Each began after the one it depends on was good."""
    status = {app: w.app_status(app) for app in NAMES}
    for app in NAMES:
        assert w.running_image(app) == w.image(app, commit, pinned=True), app
        assert status[app]["commit"] == commit, status[app]
    for first, then in (("api", "web"), ("web", "ui")):
        assert status[first]["finishTime"] <= status[then]["attempt"]["startTime"], (first, then, status)


@scenario
def a_chain_rolls_in_order(name):
    """R14: listed the other way round; what waits says for whom."""
    with World(name) as w:
        shop(w)
        w.release(GOOD2, CHAIN, health={"soakSeconds": 2})
        waiting = w.wait_state("web", "Waiting", "WaitingForDependency")
        assert waiting["message"].startswith("waits for api, which is "), waiting
        w.wait_ready("True", "ReleaseSucceeded")
        assert writes(w) == [("api", "Roll"), ("web", "Roll"), ("ui", "Roll")], writes(w)
        assert_rolled_in_order(w, GOOD2)
        w.assert_quiet()


@scenario
def what_depends_on_a_failed_app_is_skipped(name):
    """R13, R14: RollbackFailed; the commit that mends it brings all."""
    with World(name) as w:
        before = shop(w, CRASH)
        w.app("job")
        w.push("job", CRASH, content="job: healthy"), w.push("job", GOOD3)
        w.release(CRASH, CHAIN)
        status = w.wait_ready("False", "RolledBack")
        for app in ("web", "ui"):
            skipped = w.app_status(app)
            assert (skipped["state"], skipped["reason"]) == ("Skipped", "DependencyFailed"), skipped
            assert "depends on api" in skipped["message"], skipped
            assert w.running_image(app) == before[app] and "failedImage" not in skipped
        ready = w.condition("Ready")["message"]
        assert ready.startswith("api: ") and ready.endswith("; not started for it: ui, web"), ready
        assert status["history"][0]["changedApps"] == ["api"]
        assert writes(w) == [("api", "Roll"), ("api", "Rollback")], writes(w)
        w.stop(), w.start()
        w.assert_quiet(4)
        w.release(GOOD3, CHAIN)
        w.wait_ready("True", "ReleaseSucceeded")
        assert_rolled_in_order(w, GOOD3)


@scenario
def a_dependency_that_waits_is_told(name):
    """R14, section 4: nothing moves; it goes on when the Deployment does."""
    with World(name) as w:
        shop(w)
        w.ns.patch("deployments", "btc-api", {"spec": {"paused": True}})
        w.release(GOOD2, CHAIN)
        w.wait_ready("Unknown", "WaitingForDependency")
        assert w.condition("Ready")["message"].endswith("; waiting for other apps: ui, web"), w.condition("Ready")
        assert not w.deployment_writes()
        w.ns.patch("deployments", "btc-api", {"spec": {"paused": False}})
        w.wait_ready("True", "ReleaseSucceeded")
        assert_rolled_in_order(w, GOOD2)


@scenario
def a_circle_is_refused(name):
    """R14: the API server cannot see it, the controller does."""
    with World(name) as w:
        shop(w)
        w.release(GOOD2, [{"name": "ui", "dependsOn": ["web"]}, {"name": "web", "dependsOn": ["api"]},
                          {"name": "api", "dependsOn": ["ui"]}])
        w.wait_ready("False", "InvalidSpec")
        assert w.condition("Stalled")["message"] == \
            "spec.apps[0].dependsOn: ui -> web -> api -> ui is a circle", w.condition("Stalled")
        w.assert_quiet()
        assert not w.deployment_writes()


def roll_all_back(w):
    """ui is bad and the last of the chain: api and web are Updated by then."""
    before = {app: (w.app(app), w.running_image(app))[1] for app in NAMES}
    w.push("ui", CRASH)
    for app in ("api", "web"):
        w.registry.push(app, CRASH[:7])
    apps = [dict(app, commit=CRASH if app["name"] == "ui" else GOOD2) for app in CHAIN]
    w.push("api", GOOD2), w.push("web", GOOD2)
    w.release(CRASH, apps, onFailure="RollbackAll", maxConcurrent=1)
    return before


@scenario
def rollback_all_puts_every_app_back(name):
    """R13: dependents first, what they were before; only what failed is latched; the mending commit brings all."""
    with World(name) as w:
        before = roll_all_back(w)
        status = w.wait_ready("False", "RolledBack", timeout=120)
        assert writes(w) == [("api", "Roll"), ("web", "Roll"), ("ui", "Roll"), ("ui", "Rollback"),
                             ("web", "Rollback"), ("api", "Rollback")], writes(w)
        for app in NAMES:
            a = w.app_status(app)
            assert w.running_image(app) == before[app], "the exact previous image string (R10)"
            assert a["state"] == "RolledBack" and a.get("commit") is None, a
            assert ("failedImage" in a) == (app == "ui"), a
            annotations = w.deployment(app)["metadata"]["annotations"]
            assert (PREFIX + "latch" in annotations) == (app == "ui"), annotations
        assert [w.app_status(app)["reason"] for app in NAMES] == ["CrashLoop", "ReleaseFailed", "ReleaseFailed"]
        assert "app ui failed (CrashLoop)" in w.app_status("api")["message"]
        assert w.condition("Ready")["message"].endswith("; went back for it: web, api"), w.condition("Ready")
        assert sorted(status["history"][0]["changedApps"]) == ["api", "ui", "web"]
        w.assert_quiet()
        w.push("ui", GOOD3)
        w.release(CRASH, [dict(app, commit=GOOD3 if app["name"] == "ui" else GOOD2) for app in CHAIN],
                  onFailure="RollbackAll")
        w.wait_ready("True", "ReleaseSucceeded", timeout=120)
        assert w.running_image("api") == w.image("api", GOOD2, pinned=True)
        assert w.running_image("ui") == w.image("ui", GOOD3, pinned=True)


@scenario
def killed_in_the_middle_of_a_rollback_all(name):
    """R21: every app still goes back, once."""
    with World(name) as w:
        before = roll_all_back(w)
        for kind in (("ui", "Rollback"), ("web", "Rollback"), ("api", "Rollback")):
            w.wait(lambda kind=kind: kind in writes(w), f"the patch {kind}", 120)
            w.kill()
            w.start()
        w.wait_ready("False", "RolledBack", timeout=120)
        assert sorted(writes(w)) == sorted([(app, kind) for app in NAMES for kind in ("Roll", "Rollback")])
        assert {app: w.running_image(app) for app in NAMES} == before
        w.assert_quiet()


@scenario
def halt_leaves_all_where_it_is(name):
    """R13: the failed one too; a retry value tries it again, the mending commit brings all."""
    with World(name) as w:
        before = shop(w, CRASH)
        w.release(CRASH, ["ui", "web", "api"], onFailure="Halt", maxConcurrent=1)
        w.wait_ready("False", "CrashLoop")
        assert writes(w) == [("ui", "Roll")], writes(w)
        assert w.running_image("ui") == w.image("ui", CRASH, pinned=True)
        for app in ("web", "api"):
            skipped = w.app_status(app)
            assert (skipped["state"], skipped["reason"]) == ("Skipped", "ReleaseFailed"), skipped
            assert w.running_image(app) == before[app]
        assert w.condition("Stalled")["message"].endswith("; not started for it: web, api"), w.condition("Stalled")
        w.stop(), w.start()
        w.assert_quiet(4)
        w.release(GOOD3, ["ui", "web", "api"], onFailure="Halt")
        w.wait_ready("True", "ReleaseSucceeded")
        assert [w.app_status(app)["commit"] for app in NAMES] == [GOOD3] * 3
        back = w.app_status("ui")["attempt"]["previousImages"][0]["image"]
        assert back == before["ui"], "the way back is what ran before the one that failed"


def many_containers(w, app, image, other):
    """An init container, a native sidecar and two main containers of one image; one of another."""
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}
    labels = {"app": app}
    w.ns.create("deployments", {"metadata": {"name": "btc-" + app}, "spec": {
        "replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "terminationGracePeriodSeconds": 1,
            "initContainers": [{"name": "migrate", "image": image},
                               {"name": "proxy", "image": image, "restartPolicy": "Always"},
                               {"name": "fetch", "image": other}],
            "containers": [{"name": "main", "image": image, "readinessProbe": probe},
                           {"name": "worker", "image": image}, {"name": "logs", "image": other}]}}}})
    w.wait(lambda: w.is_complete(app), f"{app} to be complete")


def images_of(w, app):
    pod = w.deployment(app)["spec"]["template"]["spec"]
    return {c["name"]: c["image"] for c in pod["initContainers"] + pod["containers"]}


@scenario
def one_image_for_many_containers(name):
    """Section 2: those of the app's repository, init containers and native sidecars too, and nobody
    else's; named ones; a repository and a commit of the app's own; the whole commit as tag."""
    with World(name) as w:
        mine = f"{w.registry.host}/team/shop"
        for app in ("team/shop", "job"):
            for c in (GOOD, GOOD2, CRASH):
                w.registry.push(app, c)
        old = {app: f"{w.registry.host}/{app}:{GOOD}@{w.registry.images[f'{app}:{GOOD}']}"
               for app in ("team/shop", "job")}
        new = {app: f"{w.registry.host}/{app}:{GOOD2}@{w.registry.images[f'{app}:{GOOD2}']}"
               for app in ("team/shop", "job")}
        many_containers(w, "shop", old["team/shop"], "reg.example.com/a9/logs:1")
        many_containers(w, "job", old["job"], "reg.example.com/a9/logs:1")
        before = images_of(w, "shop")
        apps = [{"name": "shop", "repository": mine, "commit": GOOD2},
                {"name": "job", "containers": ["proxy", "worker"]}]
        w.release(GOOD2, apps, tag="FullSHA")
        status = w.wait_ready("True", "ReleaseSucceeded")
        theirs = {"fetch": "reg.example.com/a9/logs:1", "logs": "reg.example.com/a9/logs:1"}
        assert images_of(w, "shop") == {**dict.fromkeys(("migrate", "proxy", "main", "worker"), new["team/shop"]),
                                        **theirs}
        assert images_of(w, "job") == {"migrate": old["job"], "main": old["job"], "proxy": new["job"],
                                       "worker": new["job"], **theirs}
        apps[0]["commit"] = CRASH
        w.release(GOOD2, apps, tag="FullSHA", name="shop")
        status = w.wait_ready("False", "RolledBack")
        assert images_of(w, "shop") == {**before, **dict.fromkeys(("migrate", "proxy", "main", "worker"),
                                                                  new["team/shop"])}
        assert w.app_status("job")["state"] == "Unchanged", status["apps"]
        assert status["history"][0]["held"] == [{"name": "shop", "commit": CRASH}], status["history"][0]
