"""Several releases and several people: who owns a Deployment (R15), who changes its image (R16), what
goes on undisturbed (R12).

Each function is a scenario; its name, with dashes, is the test's."""

import json
import subprocess
import time

from kube import GROUP
from scenario import scenario
from world import CRASH, GOOD, GOOD2, GOOD3, PREFIX, UNREADY, World, commit

LONG = {"deadlineSeconds": 90}  # nothing here is to end by a deadline


def push(w, name, commit_, apps=("api",), **spec):
    """What CI does: kubectl create. A second later than the last one: creation times are whole seconds."""
    time.sleep(1.1)
    return w.release(commit_, apps, name=name, **spec)


def accepted(w, app="api", name="shop"):
    """Until the app's patch is accepted; returns the attempt."""
    def attempt():
        a = w.app_status(app, name)
        return a.get("state") in ("Updating", "Soaking") and a["attempt"].get("accepted") and a["attempt"]
    return w.wait(attempt, lambda: f"an accepted attempt of {app}; is {w.app_status(app, name)}")


def owners(w, app="api"):
    """Of each accepted patch of the Deployment: the uid of the AppRelease, and what for."""
    notes = [b["metadata"]["annotations"] for b in w.deployment_writes(app)]
    return [(n[PREFIX + "owner"].split("/")[0], json.loads(n[PREFIX + "attempt"])["kind"]) for n in notes]


def uid(w, name):
    return w.ns.get("appreleases", name)["metadata"]["uid"]


def kubectl(w, *arguments):
    subprocess.run(["kubectl", "-n", w.name, *arguments], check=True, stdout=subprocess.DEVNULL)


# --- one object per commit ---


@scenario
def one_object_per_commit(name):
    """R1, R15: five pushes while the first one rolls; ttl deletes what ended; metrics, a restart."""
    with World(name) as w:
        w.app("api")
        pushes = [UNREADY] + [commit(n=n) for n in range(11, 15)]
        w.push("api", *pushes)
        uids, ends = {}, {}

        def look():
            for release in w.ns.list("appreleases"):
                status = release.get("status", {})
                ready = next((c for c in status.get("conditions", []) if c["type"] == "Ready"), {})
                if ready.get("status") in ("True", "False"):
                    ends[release["metadata"]["name"]] = (ready["reason"], status["apps"][0]["state"])
        for n, commit_ in enumerate(pushes):
            release = push(w, f"push-{n}", commit_, health=LONG, ttlSecondsAfterFinished=8)
            uids[release["metadata"]["uid"]] = n
            look()
            if not n:
                accepted(w, name="push-0")
            if n == 3:
                w.kill(), w.start()

        def all_ended():
            look()
            return len(ends) == 5 and ends["push-4"][0] == "ReleaseSucceeded"
        w.wait(all_ended, lambda: f"all five to end: {ends}")
        assert ends["push-0"] == ("Superseded", "Superseded"), ends
        for n in range(1, 4):
            assert ends[f"push-{n}"] in (("Superseded", "Superseded"), ("ReleaseSucceeded", "Superseded")), ends
        order = [uids[u] for u, _ in owners(w)]
        assert order == sorted(set(order)), f"one patch each, never an older one after a newer: {order}"
        w.wait(lambda: not w.ns.list("appreleases"), "ttl to delete them all")
        assert w.running_image("api") == w.image("api", pushes[-1], pinned=True)
        deletes = [r for r in w.proxy.writes("appreleases") if r.method == "DELETE"]
        assert len(deletes) == 5 and all(
            json.loads(r.body)["preconditions"]["uid"] in uids for r in deletes), deletes
        w.assert_quiet()


@scenario
def ci_goes_back_by_a_new_object(name):
    """R15: the older commit in a newer object wins; what had been good stays Ready, Superseded."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        push(w, "push-1", GOOD2)
        w.wait_ready("True", name="push-1")
        push(w, "push-2", GOOD)
        w.wait_ready("True", name="push-2")
        assert w.running_image("api") == w.image("api", GOOD, pinned=True)
        w.wait_state("api", "Superseded", "Superseded", name="push-1")
        w.wait_ready("True", "ReleaseSucceeded", name="push-1")
        w.ns.delete("appreleases", "push-2")
        w.ns.patch("appreleases", "push-1", {"metadata": {"annotations": {PREFIX + "reconcile-at": "1"}}})
        w.wait(lambda: w.status("push-1").get("lastHandledReconcileAt") == "1", "the token to be handled")
        w.assert_quiet()
        assert w.running_image("api") == w.image("api", GOOD, pinned=True), "not for that generation"


@scenario
def a_takeover_mid_rollout_goes_back_to_before_both(name):
    """R4, R15: the newer one crashes; what ran before the older one is there again."""
    with World(name) as w:
        w.app("api")
        before = w.running_image("api")
        w.push("api", UNREADY, CRASH)
        push(w, "push-1", UNREADY, health=LONG)
        accepted(w, name="push-1")
        push(w, "push-2", CRASH)
        w.wait_ready("False", "Superseded", name="push-1")
        w.wait_ready("False", "RolledBack", name="push-2")
        assert w.running_image("api") == before
        one, two = uid(w, "push-1"), uid(w, "push-2")
        assert owners(w) == [(one, "Roll"), (two, "Roll"), (two, "Rollback")], owners(w)
        assert w.condition("Stalled", "push-1")["reason"] == "Superseded"
        w.assert_quiet()


@scenario
def an_image_by_hand_that_never_came_up_is_no_way_back(name):
    """R4, R10: the first patch waits until the pods of somebody's rollout are counted; of its image none was available."""
    with World(name) as w:
        w.app("api")
        w.push("api", UNREADY, CRASH)
        w.release(GOOD, ("api",))
        w.wait_ready("True", "ReleaseSucceeded")
        w.set_image("api", w.image("api", UNREADY, pinned=True))
        w.wait(lambda: not w.is_complete("api") and w.deployment("api")["status"].get("updatedReplicas"), "its new pod")
        w.release(CRASH, ("api",))
        w.wait_ready("False", "RolledBack")
        assert w.running_image("api") == w.image("api", GOOD, pinned=True), w.running_image("api")
        w.assert_quiet()


@scenario
def a_newer_object_without_image_takes_nothing(name):
    """R12, R15: what rolls is looked after until the newer one's first patch."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        push(w, "push-1", GOOD2)
        accepted(w, name="push-1")
        push(w, "push-2", GOOD3)
        w.wait_ready("Unknown", "WaitingForImage", name="push-2")
        w.wait_ready("True", "ReleaseSucceeded", name="push-1")
        w.push("api", GOOD3)
        w.wait_ready("True", name="push-2")
        w.wait_state("api", "Superseded", name="push-1")
        w.wait_ready("True", "ReleaseSucceeded", name="push-1")
        assert [kind for _, kind in owners(w)] == ["Roll", "Roll"], owners(w)


@scenario
def a_later_change_of_an_older_object_takes_over(name):
    """R15: OwnershipConflict while the newer one is not finished, then the takeover."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2, GOOD3, UNREADY)
        push(w, "old", GOOD2)
        w.wait_ready("True", name="old")
        push(w, "new", UNREADY, health={"deadlineSeconds": 12})
        accepted(w, name="new")
        w.release(GOOD3, ["api"], name="old")
        w.wait_ready("False", "OwnershipConflict", name="old")
        w.wait_ready("False", "RolledBack", name="new")
        w.wait_ready("True", name="old")
        assert w.running_image("api") == w.image("api", GOOD3, pinned=True)
        assert w.app_status("api", "new")["state"] == "RolledBack", "what failed keeps its cause"
        assert not w.condition("Conflicted", "new"), "another AppRelease's work is no drift"
        w.assert_quiet()


@scenario
def an_object_deleted_mid_rollout_leaves_its_work(name):
    """R1, R4: a new object with the same commit adopts it, one with another goes back to before it."""
    with World(name) as w:
        w.app("api")
        before = w.running_image("api")
        w.push("api", UNREADY, CRASH)
        w.release(UNREADY, ["api"], health=LONG)
        accepted(w)
        w.ns.delete("appreleases", "shop")
        time.sleep(2)
        assert w.running_image("api") == w.image("api", UNREADY, pinned=True), "workloads are left alone"
        w.release(UNREADY, ["api"], health=LONG)
        attempt = accepted(w)
        assert attempt["kind"] == "Adopt", attempt
        assert [p["image"] for p in attempt["previousImages"]] == [before], attempt
        w.ns.delete("appreleases", "shop")
        w.release(CRASH, ["api"])
        w.wait_ready("False", "RolledBack")
        assert w.running_image("api") == before


# --- several people ---


def apply(w, manager, apps):
    """kubectl apply --server-side of some entries of spec.apps."""
    body = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "AppRelease", "metadata": {"name": "shop"},
            "spec": {"commit": GOOD, "registry": w.registry.host, "apps": apps,
                     "health": {"soakSeconds": 1, **LONG}}}
    w.cluster.request("PATCH", w.ns.path("appreleases", "shop", None, f"fieldManager={manager}&force=true"),
                      body, "application/apply-patch+yaml")


@scenario
def two_people_release_different_apps(name):
    """R12: apps[].commit by server-side apply of one entry each; the other's rollout goes on undisturbed."""
    with World(name) as w:
        w.app("api"), w.app("web")
        w.push("api", UNREADY)
        w.push("web", GOOD2, GOOD3)
        apply(w, "alice", [{"name": "api", "commit": UNREADY}])
        attempt = accepted(w)
        for commit_ in (GOOD2, GOOD3):
            apply(w, "bob", [{"name": "web", "commit": commit_}])
            w.wait(lambda c=commit_: w.app_status("web").get("commit") == c, "web at its commit")
            assert w.app_status("api")["attempt"]["id"] == attempt["id"]
            assert w.app_status("api")["attempt"]["startTime"] == attempt["startTime"]
        assert len(w.deployment_writes("api")) == 1 and len(w.deployment_writes("web")) == 2
        apps = w.ns.get("appreleases", "shop")["spec"]["apps"]
        assert {a["name"]: a["commit"] for a in apps} == {"api": UNREADY, "web": GOOD3}, apps


@scenario
def an_app_renamed_and_removed_mid_rollout(name):
    """R12: settled under the old name first; taken out it is settled and dropped, put back it goes on."""
    with World(name) as w:
        w.app("api"), w.app("web"), w.app("other")
        before = w.running_image("web")
        w.push("api", GOOD2), w.push("web", CRASH, GOOD2)
        apps = [{"name": "api"}, {"name": "web", "commit": CRASH}]
        w.release(GOOD2, apps, health={"soakSeconds": 3})
        accepted(w), accepted(w, "web")
        w.release(GOOD2, [{"name": "api", "deployment": "btc-other", "containers": ["other"]}])
        w.wait(lambda: not w.app_status("web") and w.running_image("web") == before,
               "web to go back and be dropped")
        w.wait_ready("True")
        assert w.running_image("api") == w.image("api", GOOD2, pinned=True), "settled under its old name"
        assert w.running_image("other") == w.image("api", GOOD2, pinned=True)
        assert [k for _, k in owners(w, "web")] == ["Roll", "Rollback"], owners(w, "web")
        w.release(GOOD2, ["web"])
        w.wait_ready("True")
        assert w.running_image("web") == w.image("web", GOOD2, pinned=True)


@scenario
def a_namespace_deleted_mid_rollout(name):
    """R1: no finalizer keeps it; the controller goes on."""
    with World(name) as w:
        w.app("api")
        w.push("api", UNREADY)
        w.release(UNREADY, ["api"], health=LONG)
        accepted(w)
        w.cluster.request("DELETE", "/api/v1/namespaces/" + w.name)
        w.wait(lambda: not w.ns.get("appreleases", "shop") and not w.deployment("api"), "all to go")
        w.assert_quiet()
        assert w.controller.poll() is None


# --- one image, several hands ---


@scenario
def kubectl_after_a_release_is_told_and_stands(name):
    """R16: rollout undo, set image, edit: the manager's name in Conflicted and in Ready's message."""
    with World(name) as w:
        w.app("api"), w.app("web")
        w.push("api", GOOD2)
        w.push("web", GOOD2, content="web:" + GOOD[:7])  # Unchanged
        w.release(GOOD2, ["api", "web"])
        w.wait_ready("True")

        def told(manager, app):
            text = w.condition("Conflicted").get("message", "")
            return manager in text and text.startswith(app) and text in w.condition("Ready")["message"]
        kubectl(w, "rollout", "undo", "deployment/btc-api")
        w.wait(lambda: told("'kubectl'", "api"), "the undo to be told")
        w.wait_ready("True", "ReleaseSucceeded")
        kubectl(w, "set", "image", "deployment/btc-api", "api=" + w.image("api", GOOD2, pinned=True))
        w.wait(lambda: not w.condition("Conflicted"), "the conflict to be over")
        kubectl(w, "set", "image", "deployment/btc-web", "web=" + w.image("web", GOOD3))
        w.wait(lambda: told("kubectl-set", "web"), "drift of an Unchanged app to be told")
        kubectl(w, "patch", "deployment", "btc-web", "--field-manager", "kubectl-edit", "-p", json.dumps(
            {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": w.image("web", GOOD2)}]}}}}))
        w.wait(lambda: told("kubectl-edit", "web"), "who edited it last to be told")
        w.assert_quiet()
        assert len(w.deployment_writes()) == 1, "nothing was put back"


@scenario
def rollout_undo_mid_rollout_is_put_back(name):
    """R15, R16: the annotations that it brings back name an older object, and do not fool the newer one."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2, UNREADY)
        push(w, "push-1", GOOD2)
        w.wait_ready("True", name="push-1")
        push(w, "push-2", UNREADY, health=LONG)
        accepted(w, name="push-2")
        w.wait_state("api", "Superseded", name="push-1")
        kubectl(w, "rollout", "undo", "deployment/btc-api")
        w.wait(lambda: len(owners(w)) == 3, "it to be put back")
        two = uid(w, "push-2")
        assert owners(w)[1:] == [(two, "Roll"), (two, "PutBack")], owners(w)
        assert w.app_status("api", "push-2")["attempt"]["putBacks"] == 1
        w.wait(lambda: w.running_image("api") == w.image("api", UNREADY, pinned=True), "the image")


@scenario
def an_applier_that_never_gives_in_wins_the_fourth_time(name):
    """R16: GitOps that applies an image at each sync: three times put back, then Stalled, then told."""
    with World(name) as w:
        w.app("api")
        w.push("api", UNREADY)
        w.release(UNREADY, ["api"], health=LONG)
        image = w.image("api", GOOD, pinned=True)
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "btc-api"}, "spec": {
            "selector": {"matchLabels": {"app": "api"}}, "template": {
                "metadata": {"labels": {"app": "api"}},
                "spec": {"containers": [{"name": "api", "image": image}]}}}}
        path = w.ns.path("deployments", "btc-api", None, "fieldManager=argocd-controller&force=true")

        def sync():
            w.cluster.request("PATCH", path, body, "application/apply-patch+yaml")
            return w.condition("Stalled").get("reason") == "FieldManagerConflict"
        accepted(w)
        w.wait(sync, "the conflict")
        assert "argocd-controller" in w.condition("Ready")["message"]
        assert [k for _, k in owners(w)] == ["Roll"] + ["PutBack"] * 3, owners(w)
        w.assert_quiet()
        assert w.running_image("api") == image
