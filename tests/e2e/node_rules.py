"""The rules of a release that say most, on the real node and under the controller that the demo installed
with helm: order, holds, several hands, rights, and pods that fail in ways only a kubelet knows."""

import datetime
import json
import os
import subprocess
import time
import urllib.request
import zoneinfo

from kube import GROUP, wait
from node import assert_never_replicas
from scenario import node_test
from shop import CONTROLLER, ROOT, Shop, commit, controller_away, push, writes

GOOD, BAD, GOOD2 = commit("2"), commit("3"), commit("4")
CHAIN = [{"name": "web", "dependsOn": ["api"]}, {"name": "api"}]
ONCE = {"restartThreshold": 1}


def condition(shop, kind, name="shop"):
    conditions = shop.ns.get("appreleases", name).get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == kind), {})


def change(shop, name="shop", **spec):
    shop.ns.patch("appreleases", name, {"spec": spec}, manager="alice")


def rolling(shop, app="api", name="shop"):
    """Until the app's patch is accepted and its deadline runs; returns the attempt."""
    def attempt():
        a = shop.app_status(app, name)
        return a.get("state") == "Updating" and a["attempt"].get("progressTime") and a["attempt"]
    return wait(attempt, lambda: f"{app} to roll; is {shop.app_status(app, name)}")


# --- order ---


@node_test
def a_chain_in_order_and_back():
    """R13, R14: what depends on a bad app is skipped; RollbackAll takes a good one back with the bad one;
    the commit that mends it brings both in order. No request is lost on any of these ways."""
    with Shop("node-chain") as shop:
        before = {app: shop.image(app) for app in ("api", "web")}
        push("api", GOOD, "crash"), push("web", GOOD)
        shop.release(GOOD, CHAIN, health=ONCE)
        shop.wait_ready("RolledBack")
        skipped = shop.app_status("web")
        assert (skipped["state"], skipped["reason"]) == ("Skipped", "DependencyFailed"), skipped
        assert shop.order() == [("api", "Roll"), ("api", "Rollback")], shop.order()

        push("api", BAD), push("web", BAD, "crash")
        shop.release(BAD, CHAIN, onFailure="RollbackAll")
        shop.wait_ready("RolledBack")
        assert shop.order()[2:] == [("api", "Roll"), ("web", "Roll"), ("web", "Rollback"), ("api", "Rollback")], \
            shop.order()
        assert {app: shop.image(app) for app in before} == before, "the exact previous images (R10)"
        api, web = shop.app_status("api"), shop.app_status("web")
        assert (api["state"], api["reason"]) == ("RolledBack", "ReleaseFailed"), api
        assert web["finishTime"] <= api["attempt"]["startTime"], f"dependents go back first: {web}, then {api}"
        assert (web["state"], web["reason"]) == ("RolledBack", "CrashLoop"), web
        assert "failedImage" in web and "failedImage" not in api, "only what failed is latched"

        push("api", GOOD2), push("web", GOOD2)
        shop.release(GOOD2, CHAIN)
        shop.wait_ready("ReleaseSucceeded")
        assert shop.order()[6:] == [("api", "Roll"), ("web", "Roll")], shop.order()
        api, web = shop.app_status("api"), shop.app_status("web")
        assert api["finishTime"] <= web["attempt"]["startTime"], (api, web)
        assert all(f"/{app}:{GOOD2[:7]}@sha256:" in shop.image(app) for app in before)
        for app in before:
            assert_never_replicas(shop.patches(app))
        sent, failed = shop.counts()
        assert sent > 500 and failed == 0, f"{sent} requests, {failed} failed"


# --- holds ---


def window_in_berlin():
    """A window that began this minute by the clocks of Berlin, and when it ends."""
    berlin = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Berlin")).replace(second=0, microsecond=0)
    ends = berlin.astimezone(datetime.timezone.utc) + datetime.timedelta(hours=2)
    return {"schedule": f"{berlin.minute} {berlin.hour} * * *", "durationSeconds": 7200,
            "timeZone": "Europe/Berlin"}, ends.astimezone(berlin.tzinfo).isoformat()


def written(patch):
    """[(container, image)] of a patch, which has nothing in it but what R5 names."""
    body = patch.body
    assert set(body["metadata"]) == {"uid", "resourceVersion", "annotations"}, body
    assert set(body["metadata"]["annotations"]) <= {
        "kubernetes.io/change-cause", *(f"{GROUP}/{note}" for note in ("attempt", "latch", "owner"))}, body
    assert set(body["spec"]) == {"strategy", "template"} and set(body["spec"]["template"]) == {"spec"}, body
    containers = body["spec"]["template"]["spec"].pop("containers")
    assert not {k: v for k, v in body["spec"]["template"]["spec"].items() if not k.startswith("$")}, body
    return [(c["name"], c["image"]) for c in containers]


@node_test
def a_plan_is_applied_when_it_may_be():
    """R17, R18: by the audit log a plan writes status and nothing else; then approval and a freeze window by
    the clocks of Berlin hold it, and the patch at last is exactly what was planned."""
    with Shop("node-plan", traffic=False) as shop:
        push("api", GOOD)
        shop.release(GOOD, mode="Plan")
        shop.wait_ready("Planned")
        planned = [(i["container"], i["to"]) for i in shop.app_status("api")["planned"]]
        assert planned and f"/api:{GOOD[:7]}@sha256:" in planned[0][1], planned

        window, ends = window_in_berlin()
        change(shop, mode="Apply", approval={"required": True}, freezeWindows=[window])
        shop.wait_ready("WaitingForApproval")
        change(shop, approval={"approvedCommit": GOOD})
        shop.wait_ready("WaitingForWindow")
        assert ends in shop.ready()["message"], (ends, shop.ready())
        time.sleep(2)
        kinds = {w.kind for w in writes(shop.name, since=shop.began)}
        assert kinds == {"appreleases/status"}, kinds

        shop.ns.patch("appreleases", "shop", {"metadata": {"annotations": {GROUP + "/freeze-override": GOOD}}},
                      manager="bob")
        shop.wait_ready("ReleaseSucceeded")
        told = condition(shop, "FreezeOverridden")["message"]
        assert "'bob'" in told and ends in told, told
        patches = [w for w in writes(shop.name, since=shop.began) if w.kind != "appreleases/status"]
        assert [(w.verb, w.kind, w.name) for w in patches] == [("patch", "deployments", "btc-api")], patches
        assert written(patches[0]) == planned, (patches[0].body, planned)


# --- several hands ---


@node_test
def suspended_then_overtaken_then_undone():
    """R17: what is half-rolled stays so while suspended, long after its deadline, and goes on. R15: a newer
    object takes over in mid-rollout. R16: a `rollout undo` after it is told, and stands."""
    with Shop("node-hands") as shop:
        push("api", BAD, "unready"), push("api", GOOD)
        shop.release(BAD, name="push-1", health={"deadlineSeconds": 10})
        began = rolling(shop, name="push-1")
        change(shop, "push-1", suspend=True)
        shop.wait_ready("Suspended", name="push-1")
        time.sleep(11)
        status = shop.app_status("api", "push-1")
        assert status["state"] == "Updating" and status["attempt"]["clockStopped"], status
        assert shop.kinds("api") == ["Roll"], shop.kinds("api")
        change(shop, "push-1", suspend=False)
        shop.wait_ready("Progressing", name="push-1")
        moved = shop.app_status("api", "push-1")["attempt"]
        assert moved["id"] == began["id"] and moved["progressTime"] > began["progressTime"], (began, moved)

        shop.release(GOOD, name="push-2")
        shop.wait_ready("ReleaseSucceeded", name="push-2")
        shop.wait_ready("Superseded", name="push-1")
        assert condition(shop, "Stalled", "push-1")["reason"] == "Superseded"
        assert shop.kinds("api") == ["Roll", "Roll"], "the older one wrote nothing more"
        good = shop.image("api")

        shop.kubectl("-n", shop.name, "rollout", "undo", "deployment/btc-api", "--to-revision=1",
                     stdout=subprocess.DEVNULL)
        wait(lambda: condition(shop, "Conflicted", "push-2").get("status") == "True", "the undo to be told")
        assert "'kubectl'" in condition(shop, "Conflicted", "push-2")["message"]
        time.sleep(3)
        assert shop.kinds("api") == ["Roll", "Roll"] and shop.image("api") != good, "it stands"
        assert shop.counts()[1] == 0


# --- rights ---


def may_impersonate(shop, account):
    """Gives the controller what the chart gives it with rbac.impersonate, in this namespace."""
    roles = subprocess.run(
        [os.environ["HELM"], "template", "btc-shopflow-deployer", ROOT / "charts/btc-shopflow-deployer",
         "--namespace", CONTROLLER, "--show-only", "templates/rbac.yaml", "--set", "image.repository=x,"
         f"watchNamespaces={{{shop.name}}},rbac.impersonate={{{account}}},rbac.patchDeployments=false"],
        check=True, capture_output=True).stdout
    shop.kubectl("apply", "-f", "-", input=roles, stdout=subprocess.DEVNULL)


@node_test
def in_the_name_of_an_account():
    """R5: by the audit log each patch of a Deployment, and nothing else, is done in the account's name, never
    the controller's own; without rights it is Forbidden."""
    with Shop("node-account", traffic=False) as shop:
        push("api", GOOD), push("api", BAD, "crash")
        may_impersonate(shop, "deployer")
        shop.kubectl("-n", shop.name, "create", "serviceaccount", "deployer", stdout=subprocess.DEVNULL)
        before = shop.image("api")
        shop.release(GOOD, serviceAccountName="deployer", imageWaitSeconds=2, health=ONCE)
        wait(lambda: condition(shop, "Stalled").get("reason") == "Forbidden", "Stalled to say Forbidden")
        told = condition(shop, "Stalled")["message"]
        account = f"system:serviceaccount:{shop.name}:deployer"
        assert "ServiceAccount deployer of namespace node-account may not patch deployments" in told, told
        assert account in told and 'cannot patch resource "deployments"' in told, told
        assert shop.image("api") == before and not shop.patches("api")

        shop.kubectl("-n", shop.name, "create", "role", "deployer", "--verb=patch", "--resource=deployments.apps",
                     stdout=subprocess.DEVNULL)
        shop.kubectl("-n", shop.name, "create", "rolebinding", "deployer", "--role=deployer",
                     f"--serviceaccount={shop.name}:deployer", stdout=subprocess.DEVNULL)
        shop.ns.patch("appreleases", "shop", {"metadata": {"annotations": {GROUP + "/retry-at": "1"}}})
        shop.wait_ready("ReleaseSucceeded")
        shop.release(BAD)
        shop.wait_ready("RolledBack")
        assert shop.kinds("api") == ["Roll", "Roll", "Rollback"], shop.kinds("api")
        for write in writes(shop.name, since=shop.began):
            assert write.impersonated == (account if write.kind == "deployments" else None), write
        assert not [w for w in writes(shop.name, user=account)], "nobody else is that account"


# --- pods that fail ---


def same_as_api(shop, app, change_pod):
    """Another app, of one pod, that runs api's image."""
    api = shop.ns.get("deployments", "btc-api")
    pod = api["spec"]["template"]["spec"]
    pod["containers"][0]["name"] = app
    change_pod(pod)
    labels = {"app": app}
    shop.ns.create("deployments", {"metadata": {"name": "btc-" + app}, "spec": {
        "replicas": 1, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod}}})


def no_resources(pod):
    del pod["containers"][0]["resources"]


def with_secret(name):
    def change_pod(pod):
        pod["containers"][0]["env"] = [{"name": "DATABASE_URL",
                                        "valueFrom": {"secretKeyRef": {"name": name, "key": "url"}}}]
    return change_pod


def with_init(pod):
    init = dict(pod["containers"][0], name="init", args=["migrate"])
    del init["readinessProbe"]
    pod["initContainers"] = [init]


def with_sidecar(pod):
    """The app's server is a native sidecar; the main container does nothing."""
    main = pod["containers"][0]
    pod["initContainers"] = [dict(main, name="server", restartPolicy="Always")]
    del main["readinessProbe"]
    main["args"] = ["pause"]


def push_without_config(app, commit_):
    """An image whose manifest the registry has, but not all that it names: no node can pull it."""
    push(app, commit_)
    url = f"http://{os.environ['REGISTRY']}/v2/{app}"
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json,"
                        "application/vnd.docker.distribution.manifest.v2+json"}
    manifest = json.load(urllib.request.urlopen(
        urllib.request.Request(f"{url}/manifests/{commit_[:7]}", headers=accept), timeout=30))
    urllib.request.urlopen(urllib.request.Request(f"{url}/blobs/{manifest['config']['digest']}", method="DELETE"),
                           timeout=30)


ODD = {"quota": no_resources, "missing": with_secret("missing"), "late": with_secret("late"), "migrate": with_init,
       "sidecar": with_sidecar, "gone": lambda _: None}
ENDS = {"quota": ("PodsRefused", "exceeded quota: one"), "missing": ("ConfigError", 'secret "missing" not found'),
        "migrate": ("CrashLoop", 'container "init" exited 1'), "sidecar": ("CrashLoop", 'container "server" exited 1'),
        "gone": ("ImageNotFound", "code = NotFound")}


def secret(shop, name):
    shop.ns.create("secrets", {"metadata": {"name": name}, "stringData": {"url": "x"}})


def odd_shop(shop):
    """Six apps of one image that run, and what their next pods will lack."""
    secret(shop, "missing"), secret(shop, "late")
    for app, change_pod in ODD.items():
        same_as_api(shop, app, change_pod)
    shop.kubectl("-n", shop.name, "wait", "--for=condition=Available", "deployment", "--all", "--timeout=120s",
                 stdout=subprocess.DEVNULL)
    shop.ns.delete("secrets", "missing"), shop.ns.delete("secrets", "late")
    shop.ns.create("resourcequotas", {"metadata": {"name": "one"}, "spec": {
        "hard": {"pods": "1"}, "scopes": ["BestEffort"]}})
    wait(lambda: shop.ns.get("resourcequotas", "one").get("status", {}).get("used", {}).get("pods") == "1",
         "the quota to count")


@node_test
def what_kubelets_say_of_pods_that_cannot_start():
    """Section 6: a native sidecar and an init container that crash fail their app at once; a quota, a
    Secret that is missing and an image that cannot be pulled after 30 s; a Secret that arrives before is no
    failure."""
    push("api", BAD, "crash"), push("api", GOOD), push_without_config("api", GOOD2)
    with Shop("node-odd", traffic=False) as shop:
        odd_shop(shop)
        before = {app: shop.image(app) for app in ODD}
        at = {"migrate": BAD, "sidecar": BAD, "gone": GOOD2}
        apps = [{"name": app, "repository": os.environ["REGISTRY"] + "/api", "commit": at.get(app, GOOD)}
                for app in ODD]
        shop.release(GOOD, apps, maxConcurrent=len(apps), health={**ONCE, "deadlineSeconds": 300})
        for app in ("quota", "missing", "gone"):
            rolling(shop, app)
        for app in ("migrate", "sidecar"):
            wait(lambda app=app: shop.app_status(app)["state"] in ("RollingBack", "RolledBack"), app + " to go back", 20)
        secret(shop, "late")
        for app in ("quota", "missing", "gone"):
            assert shop.app_status(app)["state"] == "Updating", shop.app_status(app)
        shop.wait_ready("RolledBack", 90)  # long before the deadline
        assert shop.app_status("late")["state"] == "Updated", shop.app_status("late")
        for app, (reason, words) in ENDS.items():
            status = shop.app_status(app)
            assert (status["state"], status["reason"]) == ("RolledBack", reason), status
            assert words in status["message"], status
            assert shop.image(app) == before[app] and shop.kinds(app) == ["Roll", "Rollback"], shop.kinds(app)
        took = {app: shop.patches(app)[1].received - shop.patches(app)[0].done for app in ENDS}
        assert all(took[app] >= 28 for app in ("quota", "missing", "gone")), took


CAUSES = {"crash": ("CrashLoop", 'container "crash" exited 1 '), "start": ("ConfigError", "/missing: no such file"),
          "gone": ("ImageNotFound", "code = NotFound")}
BACK_OFFS = {"crash": ("CrashLoopBackOff", 2), "start": ("CrashLoopBackOff", 2), "gone": ("ImagePullBackOff", 0)}


def is_backing_off(shop, app):
    """Has a pod of the app failed to the full, and waits to be tried again?"""
    reason, restarts = BACK_OFFS[app]
    containers = [c for pod in shop.ns.list("pods") if pod["metadata"]["labels"]["app"] == app
                  for c in pod["status"].get("containerStatuses", [])]
    return any(c["state"].get("waiting", {}).get("reason") == reason and c["restartCount"] >= restarts
               for c in containers)


@node_test
def causes_that_nothing_but_a_back_off_shows():
    """Section 6, R21: a controller that was away while pods failed finds them backing off, and names what they
    failed of: an exit code and last words, a command and an image that are not there."""
    push("api", BAD, "crash"), push("api", GOOD, "nostart"), push_without_config("api", GOOD2)
    at = {"crash": BAD, "start": GOOD, "gone": GOOD2}
    with Shop("node-back-off", traffic=False) as shop:
        for app in at:
            same_as_api(shop, app, lambda _: None)
        shop.kubectl("-n", shop.name, "wait", "--for=condition=Available", "deployment", "--all", "--timeout=120s",
                     stdout=subprocess.DEVNULL)
        before = {app: shop.image(app) for app in at}
        shop.release(GOOD, [{"name": app, "repository": os.environ["REGISTRY"] + "/api", "commit": at[app]}
                            for app in at], health={"deadlineSeconds": 300})
        wait(lambda: all(shop.kinds(app) == ["Roll"] for app in at), "the three patches")
        with controller_away():
            wait(lambda: all(is_backing_off(shop, app) for app in at), "three back-offs", 90)
            for app in at:
                assert shop.kinds(app) == ["Roll"], f"{app} was judged before: {shop.app_status(app)}"
        shop.wait_ready("RolledBack", 90)
        for app, (reason, words) in CAUSES.items():
            status = shop.app_status(app)
            assert (status["state"], status["reason"]) == ("RolledBack", reason), status
            assert words in status["message"], status
            assert shop.image(app) == before[app] and shop.kinds(app) == ["Roll", "Rollback"], shop.kinds(app)
        failure = shop.app_status("crash")["failure"]
        assert failure["exitCode"] == 1 and "DATABASE_URL is not set" in failure["logTail"], failure
