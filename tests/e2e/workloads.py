"""Odd Deployments (R19), odd workloads, and every row of section 6, against a real API server with
simulated nodes. Where these leave a pod alone, kubelet.py says what a kubelet would.

Each function is a scenario; its name, with dashes, is the test's."""

import threading
import time

from kube import STRATEGIC, ApiError
from kubelet import (HAND, RUNNING, Kubelet, end_state, ended, ready, stamp, status, then, unready, wait_state,
                     waiting)
from scenarios import assert_never_replicas, assert_rolled_back
from scenario import scenario
from world import CRASH, GOOD, GOOD2, GOOD3, UNREADY, World, commit

BY_HAND, BY_HAND2 = commit(HAND), commit(HAND, 2)
BACK_OFF = 'Back-off pulling image "x"'  # of a kubelet that does not say why


def when_settled(w, apps, timeout):
    """App → the seconds from the release's first sight of it to its rollback or failure."""
    start, ends = {}, {}

    def look():
        for app in w.status().get("apps", []):
            if app["state"] in ("Updating", "Soaking"):
                start.setdefault(app["name"], time.monotonic())
            elif app["state"] in ("RollingBack", "RolledBack", "Failed", "Updated") and app["name"] in start:
                ends.setdefault(app["name"], time.monotonic() - start[app["name"]])
        return set(ends) >= set(apps)
    w.wait(look, lambda: f"{set(apps) - set(ends)}: {w.status().get('apps')}", timeout)
    return ends


# --- section 6: what a pod's state means ---


def pull(message):
    return waiting("ErrImagePull", message)


def init_crash(pod, _):
    return status(pod, [wait_state("PodInitializing")], init=[end_state(3, code=7)])


def sidecar_crash(pod, _):
    return status(pod, [RUNNING], init=[end_state(3, code=8)])


def two_runs(pod, _):
    return status(pod, [end_state(2)], phase="Running")


# App → fate, reason, what the message has, and when it fails: from second … to second …
AT_ONCE, GRACE = (0, 20), (27, 60)
JUDGED = {
    "name": (waiting("InvalidImageName", "cannot parse"), "InvalidImage", "cannot parse", AT_ONCE),
    "never": (waiting("ErrImageNeverPull", "not present with pull policy of Never"), "InvalidImage", "Never", AT_ONCE),
    "signature": (waiting("SignatureValidationFailed", "no signature"), "InvalidImage", "no signature", AT_ONCE),
    "platform": (pull("no match for platform in manifest: not found"), "InvalidImage", "no match for platform",
                 AT_ONCE),
    "gone": (pull("api: not found"), "ImageNotFound", "not found", GRACE),
    "gone-then-silent": (then(4, pull("manifest unknown"), waiting("ImagePullBackOff", BACK_OFF)), "ImageNotFound",
                         "Back-off", GRACE),
    "auth": (pull("401 Unauthorized at https://bob:hunter2@reg.io/"), "ImagePullUnauthorized", "https://***@reg.io",
             GRACE),
    "auth-then-silent": (then(4, pull("pull access denied"), waiting("ImagePullBackOff", BACK_OFF)),
                         "ImagePullUnauthorized", "denied", GRACE),
    "config": (waiting("CreateContainerConfigError", 'secret "catalogue" not found'), "ConfigError", "catalogue",
               GRACE),
    "create": (waiting("CreateContainerError", "no command specified"), "ConfigError", "no command", GRACE),
    "start": (then(3, waiting("RunContainerError", "exec: /app: not found"),
                   ended(2, code=128, reason="StartError", message="exec: /app: not found")), "ConfigError", "start",
              GRACE),
    "inspect": (waiting("ImageInspectError", "broken"), "ConfigError", "broken", GRACE),
    "hook": (waiting("PostStartHookError", "hook"), "ConfigError", "hook", GRACE),
    "crash": (ended(code=3), "CrashLoop", "exited 3 three times", AT_ONCE),
    "exit-0": (ended(code=0, reason="Completed"), "CrashLoop", "exited 0 three times", AT_ONCE),
    "oom": (ended(code=137, reason="OOMKilled"), "OOMKilled", "out of memory", AT_ONCE),
    "exec": (ended(code=1, message="exec /app: exec format error"), "ExecFormatError", "another platform", AT_ONCE),
    "init": (init_crash, "CrashLoop", 'container "prepare" exited 7', AT_ONCE),
    "sidecar": (sidecar_crash, "CrashLoop", 'container "proxy" exited 8', AT_ONCE),
}

PODS = {"init": {"initContainers": [{"name": "prepare", "image": "x:1"}]},
        "sidecar": {"initContainers": [{"name": "proxy", "image": "x:1", "restartPolicy": "Always"}]},
        "no-node": {"affinity": {  # one pod a node, and one node
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["sim-0"]}]}]}},
            "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                {"labelSelector": {"matchLabels": {"app": "no-node"}}, "topologyKey": "kubernetes.io/hostname"}]}}}}


def refuse_pods(w, app):
    """An admission policy that refuses new pods of the app."""
    name = w.ns.name + "-" + app
    policy = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
              "metadata": {"name": name}, "spec": {
                  "failurePolicy": "Fail",
                  "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"],
                                                          "operations": ["CREATE"], "resources": ["pods"]}]},
                  "validations": [{"expression": f"object.metadata.labels.app != '{app}' || "
                                                 f"!object.spec.containers[0].image.contains(':{HAND}')",
                                   "message": "this image is not signed off"}]}}
    binding = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
               "metadata": {"name": name}, "spec": {
                   "policyName": name, "validationActions": ["Deny"], "matchResources": {
                       "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": w.ns.name}}}}}
    group = "/apis/admissionregistration.k8s.io/v1/"
    w.ns.cluster.request("POST", group + "validatingadmissionpolicies", policy)
    w.ns.cluster.request("POST", group + "validatingadmissionpolicybindings", binding)
    w.wait(lambda: policy_holds(w, app), "the policy to hold")

    def lift():
        w.ns.cluster.request("DELETE", group + f"validatingadmissionpolicybindings/{name}")
        w.ns.cluster.request("DELETE", group + f"validatingadmissionpolicies/{name}")
    return lift


def policy_holds(w, app):
    probe = {"metadata": {"name": "probe", "labels": {"app": app}},
             "spec": {"containers": [{"name": "x", "image": "x:" + HAND}]}}
    try:
        w.ns.cluster.request("POST", w.ns.path("pods", query="dryRun=All"), probe)
        return False
    except ApiError as error:
        return "signed off" in str(error)


@scenario
def every_class_that_is_judged(name):
    """Section 6: each class fails when it should, with its reason and its words, and goes back; the
    controller, killed meanwhile, remembers what it saw (R21)."""
    with World(name) as w:
        for app in JUDGED:
            w.app(app, wait=False, replicas=1, pod=PODS.get(app))
        w.app("refused", wait=False, replicas=1)
        lift = refuse_pods(w, "refused")
        try:
            judge_all(w)
        finally:
            lift()


def judge_all(w):
    apps = [*JUDGED, "refused"]
    w.wait(lambda: all(w.is_complete(app) for app in apps), "all to be complete")
    before = {app: w.running_image(app) for app in apps}
    for app in apps:
        w.push(app, BY_HAND)

    def restart():  # when no kubelet says any more why a pull failed
        w.kill()
        w.start()
    again = threading.Timer(12, restart)
    with Kubelet(w, {app: row[0] for app, row in JUDGED.items()}):
        w.release(BY_HAND, apps, maxConcurrent=64, health={"deadlineSeconds": 120})
        again.start()
        times = when_settled(w, apps, 90)
        again.join()
        w.wait_ready("False", "RolledBack", timeout=90)
    for app in apps:
        _, reason, words, (earliest, latest) = JUDGED.get(app, (None, "PodsRefused", "signed off", GRACE))
        assert earliest <= times[app] <= latest, (app, times[app])
        assert_rolled_back(w, app, before[app], reason)
        message = w.app_status(app)["message"]
        assert words in message and "hunter2" not in message, (app, message)
    assert_never_replicas(w)
    w.assert_quiet()


WAITS = {
    "busy": (pull("429 Too Many Requests"), "RegistryUnavailable", "429"),
    "timeout": (waiting("RegistryUnavailable", "i/o timeout"), "RegistryUnavailable", "i/o timeout"),
    "silent": (waiting("ImagePullBackOff", BACK_OFF), "RegistryUnavailable", "Back-off"),
    "unready": (unready, "NotReady", "is not ready"),
    "creating": (waiting("ContainerCreating"), "NotReady", "ContainerCreating"),
    "few-runs": (two_runs, "CrashLoop", "CrashLoopBackOff"),
    "no-node": (lambda pod, _: None, "Unschedulable", "anti-affinity"),
}


@scenario
def every_class_that_waits_for_the_deadline(name):
    """Section 6: not before the deadline; the message says what is in the way."""
    with World(name) as w:
        for app in WAITS:
            w.app(app, wait=False, replicas=1, pod=PODS.get(app))
        w.wait(lambda: all(w.is_complete(app) for app in WAITS), "all to be complete")
        before = {app: w.running_image(app) for app in WAITS}
        for app in WAITS:
            w.push(app, BY_HAND)
        with Kubelet(w, {app: row[0] for app, row in WAITS.items()}):
            w.release(BY_HAND, list(WAITS), maxConcurrent=64, health={"deadlineSeconds": 12})
            times = when_settled(w, WAITS, 60)
            w.wait_ready("False", "RolledBack", timeout=60)
        for app, (_, reason, words) in WAITS.items():
            assert times[app] >= 11, (app, times[app])
            assert_rolled_back(w, app, before[app], reason)
            one = w.app_status(app)
            assert words in one["message"] and "no progress for 12 s" in one["message"], one
            blamed = one.get("failedImage")
            assert bool(blamed) == (reason != "RegistryUnavailable"), f"a registry's trouble is no latch: {one}"


@scenario
def a_quota_refuses_new_pods(name):
    """Section 6, quota: after 30 s, with the server's text; what runs goes on running."""
    with World(name) as w:
        w.app("api")
        before = w.running_image("api")
        w.ns.create("resourcequotas", {"metadata": {"name": "two"}, "spec": {"hard": {"pods": "2"}}})
        w.wait(lambda: w.ns.get("resourcequotas", "two").get("status", {}).get("used"), "the quota to count")
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"], health={"deadlineSeconds": 120})
        times = when_settled(w, ["api"], 60)
        assert 27 <= times["api"] <= 50, times
        w.wait_ready("False", "RolledBack")
        assert_rolled_back(w, "api", before, "PodsRefused")
        assert "exceeded quota: two" in w.app_status("api")["message"]
        assert w.is_complete("api")


@scenario
def a_neighbour_of_the_same_image_proves_nothing(name):
    """R6: another Deployment runs the release's image already, in a ReplicaSet of a higher revision.
    The app's own one has no pods, for a quota refuses them."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        w.app("other", replicas=1, pod={"containers": [{"name": "api", "image": w.image("api", GOOD2, pinned=True)}]})
        for n in range(3):
            w.ns.patch("deployments", "btc-other", {"spec": {"template": {
                "metadata": {"annotations": {"n": str(n)}}}}}, STRATEGIC)
            w.wait(lambda: w.is_complete("other"), "the neighbour to be complete")
        w.ns.create("resourcequotas", {"metadata": {"name": "three"}, "spec": {"hard": {"pods": "3"}}})
        w.wait(lambda: w.ns.get("resourcequotas", "three").get("status", {}).get("used"), "the quota to count")
        w.release(GOOD2, ["api"], health={"deadlineSeconds": 120})
        w.wait(lambda: "availableMax" in w.app_status("api").get("attempt", {}), "pods to be counted")
        time.sleep(5)
        app = w.app_status("api")
        assert (app["state"], app["attempt"]["availableMax"]) == ("Updating", 0), app
        w.ns.delete("resourcequotas", "three")
        w.wait_ready("True", "ReleaseSucceeded", timeout=90)


def flapping(first):
    """The first pod seen is ready or not each second; others never: so the rollout is at no moment complete."""
    def fate(pod, age):
        flaps = first.setdefault("pod", pod["metadata"]["name"]) == pod["metadata"]["name"]
        return (ready if flaps and int(age) % 2 == 0 else unready)(pod, age)
    return fate


@scenario
def readiness_that_flaps_fails_at_the_deadline(name):
    """R7: each second ready or not; only the first time counts as progress. (Ten minutes of it:
    tests/golden/r07-ten-minutes-of-flapping.)"""
    with World(name) as w:
        w.app("api")
        before = w.running_image("api")
        w.push("api", BY_HAND)
        with Kubelet(w, {"api": flapping({})}):
            w.release(BY_HAND, ["api"], health={"deadlineSeconds": 15, "soakSeconds": 5})
            times = when_settled(w, ["api"], 90)
            w.wait_ready("False", "RolledBack")
        reason = w.app_status("api")["reason"]  # at that moment the pod was not ready, or was
        assert reason in ("NotReady", "DeadlineExceeded"), reason
        assert_rolled_back(w, "api", before, reason)
        assert w.app_status("api")["message"].startswith("no progress for 15 s: ")
        assert 14 <= times["api"] <= 60, times
        assert w.app_status("api")["failure"]["reason"] == reason


# --- odd Deployments (R19) ---


@scenario
def odd_deployments_each_in_its_way(name):
    """R19: one release, and each odd Deployment is its own app's affair."""
    with World(name) as w:
        apps = ["plain", "missing", "paused", "recreate", "leaving", "two", "none", "blind"]
        w.app("plain"), w.app("none", replicas=0), w.app("paused", paused=True, wait=False)
        w.app("recreate"), w.app("two"), w.app("blind"), w.app("leaving")
        w.ns.patch("deployments", "btc-recreate", {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}})
        w.ns.patch("deployments", "btc-two", {"spec": {"template": {"spec": {"containers": [
            {"name": "a", "image": "x:1"}, {"name": "b", "image": "x:1"}]}}}})
        w.ns.patch("deployments", "btc-blind", {"spec": {"template": {"spec": {"containers": [
            {"name": "blind", "readinessProbe": None}]}}}}, STRATEGIC)
        w.ns.patch("deployments", "btc-leaving", {"metadata": {"finalizers": ["example.com/hold"]}})
        w.ns.delete("deployments", "btc-leaving")
        for app in apps:
            w.push(app, GOOD2)
        began = time.monotonic()
        w.release(GOOD2, apps, maxConcurrent=64)
        w.wait_state("missing", "Waiting", "DeploymentNotFound")
        w.wait_state("paused", "Waiting", "DeploymentPaused")
        w.wait_state("leaving", "Waiting", "DeploymentDeleting")
        w.wait_state("recreate", "Failed", "UnsupportedStrategy")
        assert "name yours in spec.apps[].containers" in w.wait_state("two", "Failed", "AmbiguousContainer")["message"]
        w.wait_state("none", "Updated", "NotVerified")
        w.wait_state("plain", "Updated", "Healthy"), w.wait_state("blind", "Updated", "Healthy")
        w.wait(lambda: blind_warnings(w), "the warning that rollback is blind")
        for app in ("missing", "paused", "leaving", "recreate", "two"):
            assert not w.deployment_writes(app), app
        mend_the_odd_ones(w)
        w.wait_state("missing", "Failed", "DeploymentNotFound", timeout=90)
        assert time.monotonic() - began >= 58, "a minute is given"
        w.app("missing", wait=False)
        w.wait_ready("True", "ReleaseSucceeded")
        assert blind_warnings(w) == 1 and len(w.deployment_writes("blind")) == 1
        assert_never_replicas(w)
        w.assert_quiet()


def blind_warnings(w):
    return len([e for e in w.ns.list("events")
                if e["reason"] == "NoReadinessProbe" and e["regarding"]["name"] == "shop" and
                "btc-blind" in e["note"] and e["type"] == "Warning"])


def mend_the_odd_ones(w):
    """While the missing one is waited for: each goes on as soon as its oddity is gone."""
    w.ns.patch("deployments", "btc-leaving", {"metadata": {"finalizers": None}})
    w.wait(lambda: not w.deployment("leaving"), "it to leave")
    w.app("leaving", wait=False)
    w.ns.patch("deployments", "btc-paused", {"spec": {"paused": False}})
    w.ns.patch("deployments", "btc-recreate", {"spec": {"strategy": {
        "type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}})
    w.ns.patch("deployments", "btc-two", {"spec": {"template": {"spec": {"containers": [
        {"name": "two", "image": "x:1"}, {"name": "b", "image": "x:1"}]}}}})
    for app in ("leaving", "paused", "recreate", "two"):
        w.wait_state(app, "Updated")
        assert w.running_image(app) == w.image(app, GOOD2, pinned=True)


@scenario
def one_deployment_named_by_two_apps_is_invalid(name):
    """R19: the API server refuses it by a rule of the CRD, with the field's path. (Without such rules:
    tests/golden/r19-two-apps-on-one-deployment-are-invalid.)"""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"])
        w.wait_ready("True")
        try:
            w.release(GOOD2, ["api", {"name": "web", "deployment": "btc-api"}])
            raise AssertionError("it was taken")
        except ApiError as error:
            assert error.code == 422 and "spec.apps: " in str(error) and "the same Deployment" in str(error), error
        w.assert_quiet()


# --- odd workloads ---


def scale(w, app, replicas):
    """As an autoscaler does."""
    w.ns.patch("deployments", "btc-" + app, {"spec": {"replicas": replicas}}, sub="scale", manager="autoscaler")


@scenario
def an_autoscaler_moves_replicas(name):
    """R5, R7: during a rollout and during a rollback; replicas are never written, the verdict is right.
    A real HorizontalPodAutoscaler holds its minimum (it needs no metrics for that)."""
    with World(name) as w:
        w.app("api", replicas=3), w.app("held")
        w.ns.create("horizontalpodautoscalers", {"metadata": {"name": "held"}, "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "btc-held"},
            "minReplicas": 4, "maxReplicas": 5}})
        w.push("api", GOOD2, CRASH), w.push("held", BY_HAND)
        with Kubelet(w, {"held": unready}):
            w.release(GOOD2, ["api", {"name": "held", "commit": BY_HAND}], health={"deadlineSeconds": 25})
            for replicas in (5, 2, 4):
                w.wait(lambda: w.app_status("api").get("state") in ("Updating", "Soaking"), "it to roll")
                scale(w, "api", replicas)
                time.sleep(0.5)
            w.wait_state("api", "Updated")
            good = w.image("api", GOOD2, pinned=True)
            assert w.deployment("api")["spec"]["replicas"] == 4 and w.running_image("api") == good
            w.release(CRASH, ["api", {"name": "held", "commit": BY_HAND}], health={"deadlineSeconds": 25})
            w.wait_state("api", "RollingBack")
            scale(w, "api", 6)
            w.wait_state("api", "RolledBack")
            w.wait(lambda: w.deployment("held")["spec"]["replicas"] == 4, "the HPA to hold its minimum")
            w.wait_state("held", "RolledBack", "NotReady")
        w.wait(lambda: w.is_complete("held") and w.is_complete("api"), "all pods")
        assert w.deployment("api")["spec"]["replicas"] == 6 and w.running_image("api") == good
        assert w.deployment("held")["spec"]["replicas"] == 4
        assert_never_replicas(w)
        w.assert_quiet()


def evict(w, pod):
    w.ns.cluster.request("POST", w.ns.path("pods", pod, "eviction"), {
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": w.ns.name}})


def runs(pod, commit_):
    return f":{commit_[:7]}@" in pod["spec"]["containers"][0]["image"]


def pods_of(w, app, commit_):
    return [p["metadata"]["name"] for p in w.ns.list("pods") if p["metadata"]["labels"]["app"] == app and
            runs(p, commit_) and "deletionTimestamp" not in p["metadata"]]


@scenario
def a_disruption_budget_that_forbids_all(name):
    """Neither a rollout nor a rollback is a disruption: both go through."""
    with World(name) as w:
        w.app("api")
        before = w.running_image("api")
        w.ns.create("poddisruptionbudgets", {"metadata": {"name": "api"}, "spec": {
            "maxUnavailable": 0, "selector": {"matchLabels": {"app": "api"}}}})
        w.wait(lambda: w.ns.get("poddisruptionbudgets", "api").get("status", {}).get("expectedPods"), "the budget")
        w.push("api", CRASH, GOOD2)
        w.release(CRASH, ["api"])
        w.wait_state("api", "Updating")
        try:
            evict(w, pods_of(w, "api", GOOD)[0])
            raise AssertionError("the budget forbids this")
        except ApiError as error:
            assert error.code == 429, error
        w.wait_ready("False", "RolledBack")
        assert_rolled_back(w, "api", before, "CrashLoop")
        w.release(GOOD2, ["api"])
        w.wait_ready("True")


@scenario
def min_ready_seconds_are_waited_for(name):
    """R6, R7: a pod counts when it has been ready for so long; the deadline is as much longer."""
    with World(name) as w:
        w.app("api", minReadySeconds=6, wait=False)
        w.wait(lambda: w.is_complete("api"), "api to be complete")
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"], health={"deadlineSeconds": 10})
        started = w.wait_state("api", "Updating") and time.monotonic()
        w.wait_ready("True")
        assert time.monotonic() - started >= 11, "two pods, one after the other, 6 s each"


@scenario
def a_shorter_progress_deadline_is_not_ours(name):
    """R7: the Deployment says ProgressDeadlineExceeded; we wait for our own deadline, then go back."""
    with World(name) as w:
        w.app("api", progressDeadlineSeconds=2)
        before = w.running_image("api")
        w.push("api", UNREADY)
        w.release(UNREADY, ["api"], health={"deadlineSeconds": 12})
        w.wait_state("api", "Updating")
        started = time.monotonic()
        w.wait(lambda: any(c.get("reason") == "ProgressDeadlineExceeded"
                           for c in w.deployment("api")["status"]["conditions"]), "the Deployment to give up")
        app = w.app_status("api")
        assert (app["state"], app["message"]) == ("Updating", "0 of 2 new pods available"), app
        w.wait_state("api", "RollingBack")
        assert time.monotonic() - started >= 11
        w.wait_ready("False", "RolledBack")
        assert_rolled_back(w, "api", before, "NotReady")


@scenario
def scaled_up_after_a_release_of_no_replicas(name):
    """R19: nothing was verified; pods that come later are not the release's any more."""
    with World(name) as w:
        w.app("api", replicas=0), w.app("web", replicas=0)
        w.push("api", GOOD2), w.push("web", CRASH)
        w.release(GOOD2, ["api", {"name": "web", "commit": CRASH}])
        w.wait_ready("True")
        assert [w.app_status(app)["reason"] for app in ("api", "web")] == ["NotVerified"] * 2
        scale(w, "api", 2), scale(w, "web", 1)
        w.wait(lambda: w.is_complete("api"), "the pods of api")
        w.assert_quiet()
        assert w.app_status("web")["state"] == "Updated" and len(w.deployment_writes()) == 2
        w.push("web", GOOD3)
        w.release(GOOD2, ["api", {"name": "web", "commit": GOOD3}])
        w.wait_ready("True")
        assert w.app_status("api")["state"] in ("Unchanged", "Updated") and len(w.deployment_writes("api")) == 1


@scenario
def fifty_replicas_advance_slowly(name):
    """R7: longer than the deadline in all, never cut short."""
    with World(name) as w:
        w.app("api", replicas=50)
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"], health={"deadlineSeconds": 20})
        w.wait_state("api", "Updating")
        started = time.monotonic()
        w.wait_ready("True", timeout=200)
        assert time.monotonic() - started > 21, "else this shows nothing"
        assert w.is_complete("api") and w.app_status("api")["attempt"]["availableMax"] == 50
        assert len(w.deployment_writes()) == 1
        assert_never_replicas(w)


def evicted_once(first):
    """The first pod seen is evicted by its node after its container failed often; the next ones are healthy."""
    def fate(pod, age):
        name = first.setdefault("pod", pod["metadata"]["name"])
        if name != pod["metadata"]["name"]:
            return ready(pod, age)
        return {**status(pod, [end_state(9)], phase="Failed"), "reason": "Evicted", "message": "low on memory"}
    return fate


@scenario
def pods_evicted_mid_rollout(name):
    """Section 6, infrastructure: failed by the node, or evicted through the API: the app is not blamed."""
    with World(name) as w:
        w.app("api", replicas=3), w.app("web", replicas=3)
        w.push("api", BY_HAND, GOOD2), w.push("web", BY_HAND)
        first = {}
        with Kubelet(w, {"api": evicted_once(first), "web": then(6, unready, ready)}):
            w.release(BY_HAND, ["api", "web"], health={"deadlineSeconds": 30})
            w.wait(lambda: pods_of(w, "web", BY_HAND), "a new pod of web")
            for commit_ in (BY_HAND, GOOD):
                evict(w, pods_of(w, "web", commit_)[0])
            w.wait_ready("True", timeout=90)
        assert first and w.app_status("api")["state"] == w.app_status("web")["state"] == "Updated"
        assert len(w.deployment_writes()) == 2, "no rollback"


@scenario
def a_node_lost_mid_rollout(name):
    """Section 6, infrastructure: its pods are made anew elsewhere; the rollout is delayed, not failed."""
    with World(name) as w:
        lost = w.ns.name
        w.ns.cluster.request("POST", "/api/v1/nodes", {
            "metadata": {"name": lost, "labels": {"e2e": lost}},
            "spec": {"taints": [{"key": "e2e", "value": lost, "effect": "NoSchedule"}]},
            "status": {"capacity": {"cpu": "8", "memory": "8Gi", "pods": "2"},
                       "allocatable": {"cpu": "8", "memory": "8Gi", "pods": "2"},
                       "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
                                       "lastHeartbeatTime": stamp(), "lastTransitionTime": stamp()}]}})
        try:
            w.wait(lambda: len(w.ns.cluster.request("GET", f"/api/v1/nodes/{lost}")["spec"]["taints"]) == 1,
                   "the node to be taken for ready")
            slowly = then(5, unready, ready)
            with Kubelet(w, {"api": lambda pod, age: (slowly if runs(pod, BY_HAND2) else ready)(pod, age)}):
                lose_node(w, lost)
        finally:
            try:
                w.ns.cluster.request("DELETE", f"/api/v1/nodes/{lost}")
            except ApiError as error:
                assert error.code == 404, error


def on_node(w, node):
    return [p for p in w.ns.list("pods") if p["spec"].get("nodeName") == node]


def lose_node(w, lost):
    at_once = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0}
    w.app("api", BY_HAND, replicas=3, wait=False, pod={
        "tolerations": [{"key": "e2e", "value": lost, "effect": "NoSchedule"},
                        {**at_once, "key": "node.kubernetes.io/not-ready"},
                        {**at_once, "key": "node.kubernetes.io/unreachable"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "preference": {"matchExpressions": [
                {"key": "e2e", "operator": "In", "values": [lost]}]}}]}}})
    w.push("api", BY_HAND2)
    w.wait(lambda: w.is_complete("api") and len(on_node(w, lost)) == 2, "two of its pods on the node")
    w.release(BY_HAND2, ["api"], health={"deadlineSeconds": 30})
    w.wait(lambda: pods_of(w, "api", BY_HAND2), "a new pod")
    assert len(on_node(w, lost)) == 2
    # As the node lifecycle controller would after a minute without a heartbeat.
    w.ns.cluster.request("PATCH", f"/api/v1/nodes/{lost}/status", {"status": {"conditions": [
        {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "lastHeartbeatTime": stamp(),
         "lastTransitionTime": stamp()}]}}, STRATEGIC)
    w.wait(lambda: all("deletionTimestamp" in p["metadata"] for p in on_node(w, lost)), "its pods to be told to go")
    w.ns.cluster.request("DELETE", f"/api/v1/nodes/{lost}")
    for pod in on_node(w, lost):  # nobody is there to end them
        w.ns.cluster.request("DELETE", w.ns.path("pods", pod["metadata"]["name"], query="gracePeriodSeconds=0"))
    assert w.app_status("api")["state"] == "Updating", "it is in mid-rollout"
    w.wait_ready("True", timeout=90)
    assert len(w.deployment_writes()) == 1 and w.is_complete("api"), "no rollback"
