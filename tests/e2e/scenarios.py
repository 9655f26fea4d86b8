"""What a release promises, rule by rule, against a real API server with simulated nodes.

Each function is a scenario; its name, with dashes, is the test's."""

import json
import time

from scenario import scenario
from world import BADCONFIG, CRASH, GOOD, GOOD2, GOOD3, NOPULL, PREFIX, UNREADY, World, commit


def assert_rolled_back(w, app, before, reason):
    status = w.app_status(app)
    assert status["state"] == "RolledBack" and status["reason"] == reason, status
    assert w.running_image(app) == before, "the exact previous image string (R10)"
    kinds = [json.loads(b["metadata"]["annotations"][PREFIX + "attempt"])["kind"]
             for b in w.deployment_writes(app)]
    assert kinds == ["Roll", "Rollback"], kinds


def assert_never_replicas(w):
    for body in w.deployment_writes():
        assert "replicas" not in body.get("spec", {}), body


# --- the main job ---


@scenario
def only_the_changed_app_rolls(name):
    """R2, R3, R5, R6: one commit, two apps, one changed."""
    with World(name) as w:
        w.app("api"), w.app("web")
        before = w.running_image("web")
        w.push("api", GOOD2)
        w.push("web", GOOD2, content="web:" + GOOD[:7])  # the same digest as before
        w.release(GOOD2, ["api", "web"])
        status = w.wait_ready("True", "ReleaseSucceeded")
        assert w.running_image("api") == w.image("api", GOOD2, pinned=True)
        assert w.running_image("web") == before
        assert len(w.deployment_writes("api")) == 1 and not w.deployment_writes("web")
        assert w.app_status("web")["state"] == "Unchanged"
        assert w.app_status("api")["commit"] == GOOD2
        assert status["lastSucceededCommit"] == GOOD2 and status["progress"] == "2/2"
        assert status["history"][0]["changedApps"] == ["api"]
        assert_never_replicas(w)
        w.assert_quiet()


@scenario
def the_same_object_again_does_nothing(name):
    """R11, R20: applied again, and the controller started again."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"])
        w.wait_ready("True")
        w.release(GOOD2, ["api"])
        w.assert_quiet()
        w.stop()
        w.start()
        w.assert_quiet(4)
        assert len(w.deployment_writes()) == 1


@scenario
def crash_rolls_back(name):
    """R8, R9, R10, R11: noticed, the cause on the object, exactly the previous image."""
    with World(name) as w:
        w.app("api")
        before = w.running_image("api")
        w.push("api", CRASH)
        w.release(CRASH, ["api"])
        w.wait_ready("False", "RolledBack")
        assert_rolled_back(w, "api", before, "CrashLoop")
        failure = w.app_status("api")["failure"]
        assert failure["container"] == "api" and failure["exitCode"] == 1, failure
        assert w.condition("Stalled")["status"] == "True" and not w.condition("Reconciling")
        assert w.app_status("api")["failedImage"] == w.image("api", CRASH, pinned=True)
        assert w.status()["history"][0]["result"] == "RolledBack"
        w.assert_quiet()
        w.push("api", GOOD3)
        w.release(GOOD3, ["api"])
        w.wait_ready("True")
        assert w.running_image("api") == w.image("api", GOOD3, pinned=True)
        annotations = w.deployment("api")["metadata"]["annotations"]
        assert PREFIX + "latch" not in annotations, "another digest lifts the latch"
        assert not w.condition("Stalled") and not w.condition("RolledBack")


@scenario
def still_bad_is_not_tried_again(name):
    """R11, R22: another commit with the same digest; a retry value lifts the latch, once."""
    with World(name) as w:
        w.app("api")
        w.push("api", CRASH)
        w.release(CRASH, ["api"])
        w.wait_ready("False", "RolledBack")
        again = commit("bad0", 7)
        w.push("api", again, content="api:" + CRASH[:7])
        w.release(again, ["api"])
        w.wait_ready("False", "StillBad")
        assert len(w.deployment_writes("api")) == 2, "not patched"
        w.ns.patch("appreleases", "shop", {"metadata": {"annotations": {PREFIX + "retry-at": "1"}}})
        w.wait(lambda: len(w.deployment_writes("api")) == 4, "one more attempt and its rollback")
        w.wait_ready("False", "RolledBack")
        assert w.status()["lastHandledRetryAt"] == "1"
        w.assert_quiet()


@scenario
def one_deployment_that_cannot_be_patched_stops_no_other(name):
    """R13: an admission webhook that is down for one app (500) is that app's trouble alone,
    and is told once it lasts."""
    with World(name) as w:
        w.app("api"), w.app("web")
        w.push("api", GOOD2), w.push("web", GOOD2)
        hook = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
                "metadata": {"name": w.ns.name}, "webhooks": [{
                    "name": "down.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                    "clientConfig": {"url": "https://127.0.0.1:1/"}, "timeoutSeconds": 1, "failurePolicy": "Fail",
                    "matchConditions": [{"name": "api", "expression": "request.name == 'btc-api'"}],
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": w.ns.name}},
                    "rules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"],
                               "resources": ["deployments"]}]}]}
        path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
        w.ns.cluster.request("POST", path, hook)
        try:
            w.release(GOOD2, ["api", "web"])
            w.wait(lambda: w.app_status("web").get("state") == "Updated", "web at the new commit")
            w.wait_ready("False", "ApiUnavailable")
            assert w.condition("Reconciling")["reason"] == "ProgressingWithRetry"
            app = w.app_status("api")
            assert (app["state"], app["reason"]) == ("Updating", "ApiUnavailable"), app
            assert "down.example.com" in app["message"], "the server's text"
            assert w.running_image("api") == w.image("api", GOOD, pinned=True)
        finally:
            w.ns.cluster.request("DELETE", f"{path}/{w.ns.name}")
        w.wait_ready("True", "ReleaseSucceeded", timeout=120)  # the back-off may be a minute by now


@scenario
def what_status_has_no_room_for_stops_nothing(name):
    """A retry value and an image longer than the CRD takes in status."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        w.ns.patch("deployments", "btc-api", {"spec": {"template": {"spec": {"containers": [
            {"name": "api", "image": f"{w.registry.host}/api:{'x' * 1100}"}]}}}})
        w.release(GOOD2, ["api"])
        w.ns.patch("appreleases", "shop", {"metadata": {"annotations": {PREFIX + "retry-at": "x" * 300}}})
        w.wait_ready("True", "ReleaseSucceeded")
        assert w.running_image("api") == w.image("api", GOOD2, pinned=True)
        w.assert_quiet()


@scenario
def the_latch_outlives_the_object(name):
    """R11: deleted and created anew, the digest that failed is not tried again."""
    with World(name) as w:
        w.app("api")
        w.push("api", CRASH)
        w.release(CRASH, ["api"])
        w.wait_ready("False", "RolledBack")
        w.ns.delete("appreleases", "shop")
        w.wait(lambda: not w.ns.get("appreleases", "shop"), "the release to go")
        w.release(CRASH, ["api"])
        w.wait_ready("False", "StillBad")
        assert len(w.deployment_writes("api")) == 2


# --- images ---


@scenario
def a_missing_image_touches_nothing(name):
    """R2: Fail at once; no app of the release is touched, whatever it changed."""
    with World(name) as w:
        w.app("api"), w.app("web")
        w.push("api", GOOD2)
        w.release(GOOD2, ["api", "web"], missingImagePolicy="Fail")
        w.wait_ready("False", "ImageNotFound")
        assert not w.deployment_writes()
        assert w.app_status("web")["state"] == "Failed"
        assert w.app_status("api")["state"] == "Skipped"
        w.assert_quiet()


@scenario
def a_missing_image_is_waited_for(name):
    """R2: Wait, until it is pushed."""
    with World(name) as w:
        w.app("api")
        w.release(GOOD2, ["api"])
        w.wait_ready("Unknown", "WaitingForImage")
        w.assert_quiet()
        assert not w.deployment_writes()
        w.push("api", GOOD2)
        w.wait_ready("True", timeout=30)


@scenario
def waiting_for_an_image_ends(name):
    """R2: after imageWaitSeconds."""
    with World(name) as w:
        w.app("api")
        w.release(GOOD2, ["api"], imageWaitSeconds=3)
        w.wait_ready("False", "ImageNotFound")
        assert not w.deployment_writes()


@scenario
def an_absent_image_is_skipped(name):
    """R2: Skip lets the others go on."""
    with World(name) as w:
        w.app("api"), w.app("web")
        w.push("api", GOOD2)
        w.release(GOOD2, ["api", "web"], missingImagePolicy="Skip")
        w.wait_ready("True")
        assert w.app_status("web")["state"] == "Skipped"
        assert w.app_status("web")["reason"] == "ImageAbsent"
        assert w.running_image("api") == w.image("api", GOOD2, pinned=True)


@scenario
def a_moved_tag_cannot_matter(name):
    """R2: resolved once; the tag moves while the app rolls."""
    with World(name) as w:
        w.app("api")
        pinned = w.registry.push("api", GOOD2[:7])
        w.release(GOOD2, ["api"])
        w.wait_state("api", "Updating")
        w.push("api", GOOD2, content="something else")
        w.wait_ready("True")
        assert w.running_image("api") == pinned
        w.assert_quiet()


@scenario
def without_pinning_the_tag_is_written(name):
    """R3: pinDigest false."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"], pinDigest=False)
        w.wait_ready("True")
        assert w.running_image("api") == w.image("api", GOOD2)
        assert "@sha256:" in w.app_status("api")["goodImage"]
        w.assert_quiet()


# --- classes of failure (section 6) ---


@scenario
def unready_fails_at_the_deadline(name):
    """R7: and not before; the live read comes first."""
    with World(name) as w:
        w.app("api")
        before = w.running_image("api")
        w.push("api", UNREADY)
        w.release(UNREADY, ["api"], health={"deadlineSeconds": 10})
        w.wait_state("api", "Updating")
        start = time.monotonic()
        w.wait_state("api", "RollingBack", timeout=30)
        assert 8.5 <= time.monotonic() - start <= 13, time.monotonic() - start
        w.wait_ready("False", "RolledBack")
        assert_rolled_back(w, "api", before, "NotReady")


@scenario
def an_image_the_node_cannot_find_fails(name):
    """Section 6, image gone: our own HEAD says 404 too: at once."""
    with World(name) as w:
        w.app("api")
        before = w.running_image("api")
        w.push("api", NOPULL)
        w.release(NOPULL, ["api"])
        w.wait_state("api", "Updating")
        w.registry.images.pop("api:" + NOPULL[:7])
        w.wait_ready("False", "RolledBack", timeout=45)
        assert_rolled_back(w, "api", before, "ImageNotFound")


@scenario
def bad_configuration_fails_after_its_grace(name):
    """Section 6, config: a Secret may arrive late: 30 s."""
    with World(name) as w:
        w.app("api")
        before = w.running_image("api")
        w.push("api", BADCONFIG)
        w.release(BADCONFIG, ["api"], health={"deadlineSeconds": 120})
        w.wait_ready("False", "RolledBack", timeout=60)
        assert_rolled_back(w, "api", before, "ConfigError")


@scenario
def rollback_never_leaves_the_pods(name):
    """R10: rollback Never."""
    with World(name) as w:
        w.app("api")
        w.push("api", CRASH)
        w.release(CRASH, ["api"], rollback="Never")
        w.wait_ready("False", "CrashLoop")
        assert w.app_status("api")["state"] == "Failed"
        assert w.running_image("api") == w.image("api", CRASH, pinned=True)
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"])
        w.wait_ready("True")


# --- odd Deployments (R19) ---


@scenario
def a_deployment_that_comes_late(name):
    """R19: Waiting; and on at once when it appears."""
    with World(name) as w:
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"])
        w.wait_state("api", "Waiting", "DeploymentNotFound")
        w.app("api", wait=False)
        w.wait_ready("True")


@scenario
def a_deployment_deleted_and_made_anew_mid_rollout(name):
    """R4: another uid: planned anew."""
    with World(name) as w:
        w.app("api")
        w.push("api", UNREADY)
        w.release(UNREADY, ["api"], health={"deadlineSeconds": 15})
        w.wait_state("api", "Updating")
        w.ns.delete("deployments", "btc-api")
        w.wait(lambda: not w.deployment("api"), "the Deployment to go")
        w.wait_state("api", "Waiting", "DeploymentNotFound")
        w.app("api", wait=False)
        w.wait_state("api", "Updating")
        w.push("api", GOOD3)
        w.release(GOOD3, ["api"])
        w.wait_ready("True")
        assert w.running_image("api") == w.image("api", GOOD3, pinned=True)


@scenario
def scaled_mid_rollout(name):
    """R7: a change of replicas neither fails nor extends anything; replicas is never written."""
    with World(name) as w:
        w.app("api", replicas=3)
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"])
        w.wait_state("api", "Updating")
        w.ns.patch("deployments", "btc-api", {"spec": {"replicas": 5}})
        w.wait_ready("True")
        assert w.deployment("api")["spec"]["replicas"] == 5
        assert len(w.deployment_writes("api")) == 1
        assert_never_replicas(w)


@scenario
def paused_mid_rollout(name):
    """R7, R19: the clock stands still; resumed, it goes on."""
    with World(name) as w:
        w.app("api")
        w.push("api", UNREADY)
        w.release(UNREADY, ["api"], health={"deadlineSeconds": 10})
        w.wait_state("api", "Updating")
        w.ns.patch("deployments", "btc-api", {"spec": {"paused": True}})
        w.wait(lambda: w.app_status("api")["attempt"].get("clockStopped"), "the clock to stop")
        time.sleep(12)
        assert w.app_status("api")["state"] == "Updating"
        w.ns.patch("deployments", "btc-api", {"spec": {"paused": False}})
        w.wait_ready("False", "RolledBack", timeout=30)


@scenario
def a_paused_deployment_is_waited_for(name):
    with World(name) as w:
        w.app("api", paused=True, wait=False)
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"])
        w.wait_state("api", "Waiting", "DeploymentPaused")
        w.ns.patch("deployments", "btc-api", {"spec": {"paused": False}})
        w.wait_ready("True")


@scenario
def recreate_is_refused(name):
    with World(name) as w:
        w.app("api")
        w.ns.patch("deployments", "btc-api",
                   {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}})
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"])
        w.wait_ready("False", "UnsupportedStrategy")
        assert not w.deployment_writes()


@scenario
def no_replicas_is_not_verified(name):
    with World(name) as w:
        w.app("api", replicas=0)
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"])
        w.wait_ready("True")
        assert w.app_status("api")["reason"] == "NotVerified"


# --- many hands ---


@scenario
def edited_mid_rollout_is_put_back(name):
    """R16: three times, then the conflict is told."""
    with World(name) as w:
        w.app("api")
        w.push("api", UNREADY)
        w.release(UNREADY, ["api"], health={"deadlineSeconds": 60})
        w.wait_state("api", "Updating")
        for times in range(4):
            w.wait(lambda: w.running_image("api") == w.image("api", UNREADY, pinned=True),
                   "the image to be there")
            w.wait(lambda: w.app_status("api")["attempt"].get("accepted"), "it to be accepted")
            w.set_image("api", "example.com/other:1", manager="eve")
        w.wait_ready("False", "FieldManagerConflict")
        assert "eve" in w.app_status("api")["message"]
        assert w.running_image("api") == "example.com/other:1"
        w.assert_quiet()


@scenario
def drift_is_told_and_stands(name):
    """R16: on a settled release."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"])
        w.wait_ready("True")
        w.set_image("api", w.image("api", GOOD, pinned=True), manager="eve")
        w.wait(lambda: w.condition("Conflicted").get("status") == "True", "Conflicted")
        assert "eve" in w.condition("Conflicted")["message"]
        w.assert_quiet()
        assert len(w.deployment_writes()) == 1


@scenario
def a_newer_commit_supersedes_at_once(name):
    """R4, R12: and goes back to what was there before the first."""
    with World(name) as w:
        w.app("api")
        before = w.running_image("api")
        w.push("api", UNREADY, CRASH)
        w.release(UNREADY, ["api"], health={"deadlineSeconds": 60})
        w.wait_state("api", "Updating")
        w.wait(lambda: w.app_status("api")["attempt"].get("accepted"), "it to be accepted")
        w.release(CRASH, ["api"])
        w.wait_ready("False", "RolledBack")
        assert w.running_image("api") == before


@scenario
def a_new_generation_is_planned_within_a_second(name):
    """R12: while the last one rolls. The best of three, as the machine may be busy."""
    with World(name) as w:
        w.app("api")
        w.push("api", *(commit("bad1", n) for n in range(4)))
        w.release(commit("bad1", 0), ["api"])
        w.wait_state("api", "Updating")
        took = []
        for n in range(1, 4):
            began = time.monotonic()
            generation = w.release(commit("bad1", n), ["api"])["metadata"]["generation"]
            while w.status().get("observedGeneration") != generation:
                assert time.monotonic() - began < 30, w.status()
                time.sleep(0.02)
            took.append(time.monotonic() - began)
        assert min(took) < 1, took


@scenario
def max_concurrent_holds_the_others(name):
    """R14."""
    with World(name) as w:
        apps = ["a", "b", "c"]
        for app in apps:
            w.app(app)
            w.push(app, GOOD2)
        w.release(GOOD2, apps, maxConcurrent=1)
        most = 0

        def done():
            nonlocal most
            moving = [a for a in w.status().get("apps", []) if a["state"] in ("Updating", "Soaking")]
            most = max(most, len(moving))
            return w.condition("Ready").get("status") == "True"
        w.wait(done, "all three")
        assert most == 1, most


@scenario
def only_its_own_namespace_counts(name):
    """R23: what has the same name next door is neither read nor written."""
    with World(name, start=False) as w, World(name + "-next", start=False) as next_door:
        w.start("--watch-namespaces", f"{w.name},{next_door.name}")
        w.app("api"), next_door.app("api")
        next_door.ns.create("secrets", {"metadata": {"name": "registry-secret"}, "stringData": {"x": "y"}})
        before = next_door.deployment("api")
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"], pullSecrets=[{"name": "registry-secret"}])
        w.wait_ready("True")
        assert next_door.deployment("api")["metadata"]["generation"] == before["metadata"]["generation"]
        paths = [r.path for r in w.proxy.log if r.is_write or "/secrets" in r.path or "/serviceaccounts" in r.path]
        assert any(f"/{w.name}/secrets/registry-secret" in path for path in paths), "it was looked for here"
        assert not [path for path in paths if next_door.name in path], paths


# --- mode Plan ---


def told(w, name="shop"):
    """{app: {container: image}} of what a plan would write; an app that stays is not in it."""
    return {a["name"]: {i["container"]: i["to"] for i in a["planned"]}
            for a in w.status(name)["apps"] if a["reason"] == "Planned"}


def written(w, apps):
    """Likewise of what the only patch of each app wrote."""
    patches = {app: w.deployment_writes(app) for app in apps}
    assert all(len(bodies) < 2 for bodies in patches.values()), patches
    return {app: {c["name"]: c["image"] for c in bodies[0]["spec"]["template"]["spec"]["containers"]}
            for app, bodies in patches.items() if bodies}


@scenario
def a_plan_is_what_apply_then_does(name):
    """R18: of apps that change, that do not, that lack a Deployment, that failed before."""
    with World(name) as w:
        for app in ("api", "web", "mq", "job"):
            w.app(app)
        w.push("mq", CRASH)
        w.release(CRASH, ["mq"])
        w.wait_ready("False", "RolledBack")
        for app in ("api", "web", "db", "job"):
            w.push(app, GOOD2)
        w.set_image("job", w.image("job", GOOD2, pinned=True))
        w.wait(lambda: w.is_complete("job"), "job to be complete")
        before = len(w.deployment_writes())
        apps = ["api", "web", "db", "job", {"name": "mq", "commit": CRASH}]
        w.release(GOOD2, apps, mode="Plan", maxConcurrent=1)
        w.wait_ready("True", "Planned")
        w.wait_state("db", "Waiting", "DeploymentNotFound")
        assert w.app_status("job")["state"] == "Unchanged"
        assert w.app_status("mq")["reason"] == "StillBad"
        plan = told(w)
        assert plan == {app: {app: w.image(app, GOOD2, pinned=True)} for app in ("api", "web")}, plan
        assert "after other apps" in w.app_status("web")["message"]

        w.push("api", GOOD3)
        w.set_image("api", w.image("api", GOOD3, pinned=True))
        w.wait(lambda: w.app_status("api")["planned"][0]["from"] == w.image("api", GOOD3, pinned=True),
               "the plan to follow what the Deployment runs")
        assert told(w) == plan
        w.assert_quiet()
        assert len(w.deployment_writes()) == before, "a plan writes no Deployment"
        history = w.status()["history"]

        w.release(GOOD2, apps, mode="Apply")
        w.wait_state("web", "Updated")
        w.wait_state("db", "Waiting", "DeploymentNotFound")
        assert written(w, ("api", "web", "db", "job")) == plan
        assert len(w.deployment_writes()) == before + len(plan)
        assert w.status()["history"] == history, "a plan is no release"
        assert not any("planned" in app for app in w.status()["apps"])


@scenario
def a_plan_beside_a_live_release_touches_nothing(name):
    """R15, R18: the release goes on as if the plan were not there."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2, GOOD3)
        w.release(GOOD2, ["api"])
        w.wait_ready("True")
        w.release(GOOD3, ["api"], name="preview", mode="Plan", ttlSecondsAfterFinished=15)
        w.wait(lambda: w.condition("Ready", "preview").get("status") == "True", "the plan")
        assert len(w.deployment_writes()) == 1
        w.release(GOOD3, ["api"])
        w.wait_ready("True")
        assert len(w.deployment_writes()) == 2
        w.wait(lambda: not w.ns.get("appreleases", "preview"), "the plan to be deleted")
        assert w.status()["history"][0]["result"] == "Succeeded"


@scenario
def switched_to_plan_what_rolls_is_finished(name):
    """R18, R12: here it goes back."""
    with World(name) as w:
        w.app("api"), w.app("web")
        before = w.running_image("api")
        w.push("api", UNREADY), w.push("web", UNREADY)
        w.release(UNREADY, ["api", "web"], maxConcurrent=1, health={"deadlineSeconds": 10})
        w.wait(lambda: w.app_status("api").get("attempt", {}).get("accepted"), "api to be accepted")
        w.release(UNREADY, ["api", "web"], maxConcurrent=1, mode="Plan", health={"deadlineSeconds": 10})
        w.wait_ready("True", "Planned")
        assert w.app_status("api")["reason"] == "StillBad" and w.running_image("api") == before
        assert told(w) == {"web": {"web": w.image("web", UNREADY, pinned=True)}}
        assert len(w.deployment_writes("api")) == 2 and not w.deployment_writes("web")
        w.assert_quiet()


# --- housekeeping ---


@scenario
def a_finished_release_is_deleted(name):
    """R1: ttlSecondsAfterFinished; workloads are left alone."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"], ttlSecondsAfterFinished=3)
        w.wait(lambda: not w.ns.get("appreleases", "shop"), "the release to be deleted")
        assert w.running_image("api") == w.image("api", GOOD2, pinned=True)


@scenario
def a_release_that_gets_a_new_commit_as_its_time_is_up_is_not_deleted(name):
    """R1: the deletion is of what was decided about; the commit that came before it is released."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2, GOOD3)

        def edit_once(request):
            if request.method == "DELETE" and request.kind == "appreleases":
                w.proxy.before = lambda _: None
                w.release(GOOD3, ["api"], ttlSecondsAfterFinished=60)
        w.proxy.before = edit_once
        w.release(GOOD2, ["api"], ttlSecondsAfterFinished=3)
        w.wait(lambda: w.running_image("api") == w.image("api", GOOD3, pinned=True), "the new commit")
        w.wait_ready("True", "ReleaseSucceeded")


@scenario
def events_tell_what_happened(name):
    with World(name) as w:
        w.app("api")
        w.push("api", CRASH)
        w.release(CRASH, ["api"])
        w.wait_ready("False", "RolledBack")

        def reasons():
            return {e["reason"] for e in w.ns.list("events")
                    if e["regarding"]["kind"] == "AppRelease"}
        w.wait(lambda: reasons() >= {"Updating", "RollingBack", "RolledBack"}, "the events")
