"""Faults with an end of their own: conflicts, patches refused or forgotten, a registry in trouble,
objects that should not be, secrets."""

import base64
import datetime
import http.client
import itertools
import json
import socket
import time

from lanes import HEALTH, first, together
from scenario import scenario
from world import CRASH, GOOD2, GOOD3, PREFIX, UNREADY, World


# --- the Deployment's patch ---


@scenario
def a_lost_reply_is_not_sent_twice(name):
    """R4: the id on the Deployment says that it was accepted."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        generation = w.deployment("api")["metadata"]["generation"]
        w.proxy.break_with = first(lambda r: r.is_write and r.kind == "deployments",
                                   "lose-reply", 2)
        w.release(GOOD2, ["api"])
        w.wait_ready("True")
        deployment = w.deployment("api")
        there = json.loads(deployment["metadata"]["annotations"][PREFIX + "attempt"])
        attempt = w.app_status("api")["attempt"]
        assert there["id"] == attempt["id"] and attempt["accepted"] == generation + 1, attempt
        assert deployment["metadata"]["generation"] == generation + 1
        assert len(w.deployment_writes()) == 1


def edited_meanwhile(w, kind, edit):
    """Somebody edits an object just before our first write to it, while our watch of it hangs;
    returns our writes to it, with the times."""
    ours = []

    def before(request):
        if not request.is_write or request.kind != kind:
            return
        ours.append((time.monotonic(), request))
        if len(ours) == 1:
            edit()
    w.proxy.before = before
    hang_watch(w, kind)
    return ours


def hang_watch(w, kind):
    w.proxy.break_with = first(lambda r: r.is_watch and r.kind == kind, "hang")
    w.proxy.reset_streams()
    w.wait(lambda: w.proxy.broken, "the watch to hang")


def assert_read_live(ours):
    """409, and then at once: the watch could not have told."""
    start, refused = ours[0]
    end, accepted = next(row for row in ours if row[1].status == 200)
    assert refused.status == 409, ours
    assert end - start < 8, f"took {end - start:.1f} s"
    return refused, accepted


@scenario
def a_conflict_sends_the_same_patch_again(name):
    """R5: an annotation came between: only the resourceVersion is another."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        ours = edited_meanwhile(w, "deployments", lambda: w.ns.patch(
            "deployments", "btc-api", {"metadata": {"annotations": {"example.com/x": "1"}}}))
        w.release(GOOD2, ["api"], health=HEALTH)
        w.wait_ready("True", timeout=100)
        one, other = (json.loads(r.body) for r in assert_read_live(ours))
        assert one["metadata"].pop("resourceVersion") != other["metadata"].pop("resourceVersion")
        assert one == other
        assert w.deployment("api")["metadata"]["annotations"]["example.com/x"] == "1"


@scenario
def a_conflict_on_status_reads_the_release_live(name):
    """R4: 409 = read live, plan again."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2, GOOD3)
        w.release(GOOD2, ["api"])
        w.wait_ready("True")
        ours = edited_meanwhile(w, "appreleases", lambda: w.ns.patch(
            "appreleases", "shop", {"metadata": {"annotations": {"example.com/x": "1"}}}))
        w.set_image("api", w.image("api", GOOD3, pinned=True))  # to be told as Conflicted
        w.wait(lambda: w.condition("Conflicted").get("status") == "True", "Conflicted")
        w.wait(lambda: any(write.status == 200 for _, write in ours), "the answer, by way of the proxy")
        assert_read_live(ours)


@scenario
def a_conflict_with_another_image_is_decided_anew(name):
    """R4, R5, R10: what goes back is what stood there when our patch was accepted."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD3, CRASH)
        theirs = w.image("api", GOOD3, pinned=True)

        def rolled_by_hand():
            w.set_image("api", theirs)
            w.wait(lambda: w.is_complete("api"), "their rollout: only what ran is a way back")
        edited_meanwhile(w, "deployments", rolled_by_hand)
        w.release(CRASH, ["api"], health=HEALTH)
        w.wait_ready("False", "RolledBack", timeout=100)
        assert w.running_image("api") == theirs
        assert len(w.deployment_writes()) == 2
        tries = [r.kind if r.status == 200 else r.status for r in w.proxy.writes()]
        assert "appreleases" in tries[tries.index(409):tries.index("deployments")], \
            f"written ahead again: {tries}"


@scenario
def conflicts_without_end_are_tried_ten_times_then_slower(name):
    """R5: eleven times at once, the same patch each time; then with backoff, until it is taken."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        tries = []

        def conflict(request):
            if not request.is_write or request.kind != "deployments":
                return None
            tries.append((time.monotonic(), request.body))
            return 409
        w.proxy.break_with = conflict
        w.release(GOOD2, ["api"], health=HEALTH)

        def pauses():
            return [b - a for (a, _), (b, _) in zip(tries, tries[1:])]
        w.wait(lambda: max(pauses(), default=0) > 2.5, lambda: f"a long pause; they were {pauses()}")
        assert 10 <= pauses().index(max(pauses())) <= 25, pauses()
        assert len({body for _, body in tries}) == 1, "the same patch"
        w.proxy.break_with = lambda request: None
        w.wait_ready("True", timeout=100)
        assert len(w.deployment_writes()) == 1


@scenario
def our_own_patch_is_not_forgotten_while_the_watch_is_away(name):
    """R4, R16: what the watch still shows is older than our patch, not somebody's edit."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        hang_watch(w, "deployments")
        w.release(GOOD2, ["api"], health=HEALTH)
        w.wait(lambda: w.deployment_writes(), "our patch, which waits for no watch", timeout=8)
        for n in range(8):  # looked at again and again meanwhile
            time.sleep(1)
            w.ns.patch("appreleases", "shop", {"metadata": {"labels": {"look": str(n)}}})
        w.wait_ready("True", timeout=100)
        assert len(w.deployment_writes()) == 1


@scenario
def an_invalid_patch_is_not_sent_again(name):
    """R5: 422; the next release goes through."""
    with World(name) as w:
        w.app("api")
        before = w.running_image("api")
        w.push("api", GOOD2, GOOD3)
        w.proxy.break_with = lambda r: 422 if r.is_write and r.kind == "deployments" else None
        w.release(GOOD2, ["api"])
        w.wait_ready("False", "Rejected")
        w.assert_quiet(4)
        assert len([r for r in w.proxy.writes() if r.kind == "deployments"]) == 1
        assert w.running_image("api") == before and w.app_status("api")["state"] == "Failed"
        assert "injected" in w.app_status("api")["message"], "the server's text"
        w.proxy.break_with = lambda r: None
        w.release(GOOD3, ["api"])
        w.wait_ready("True")
        assert w.running_image("api") == w.image("api", GOOD3, pinned=True)


@scenario
def an_invalid_rollback_is_told_with_both_errors(name):
    """R5, R10: RollbackFailed, and no further write."""
    with World(name) as w:
        w.app("api")
        w.push("api", CRASH)
        seen = itertools.count()
        w.proxy.break_with = lambda r: 422 if (
            r.is_write and r.kind == "deployments" and next(seen) >= 1) else None
        w.release(CRASH, ["api"])
        w.wait_ready("False", "RollbackFailed")
        w.assert_quiet(4)
        assert next(seen) == 2, "one Roll, one Rollback"
        assert w.running_image("api") == w.image("api", CRASH, pinned=True)


# --- the registry, while images are resolved ---

UNAVAILABLE = ("False", "RegistryUnavailable", "RegistryUnavailable")
WAITING = ("Unknown", "WaitingForImage")
REGISTRY_FAULTS = [  # what, Ready's status and reason, the app's reason, on again within seconds
    ("down", *UNAVAILABLE, 20), ("reset", *UNAVAILABLE, 20), ("cut", *UNAVAILABLE, 20),
    ("html", *UNAVAILABLE, 20), (429, *UNAVAILABLE, 20), (500, *UNAVAILABLE, 20),
    (404, *WAITING, "ImageNotFound", 20), (401, *WAITING, "RegistryUnauthorized", 25),
    (403, *WAITING, "RegistryUnauthorized", 25), ("hang", *UNAVAILABLE, 40), ("slow", None, None,
                                                                             None, 20)]


def registry_fault(name, fault, status, reason, app_reason, bound):
    with World(f"{name[:20]}-{fault}") as w:
        w.app("api")
        w.push("api", GOOD2)
        if fault == "down":
            w.registry.go_down()
        else:
            w.registry.fault = fault
        w.release(GOOD2, ["api"], health=HEALTH)
        if reason:
            w.wait_ready(status, reason, timeout=50)
            w.wait_state("api", "Waiting", app_reason)
            time.sleep(2)
            assert w.condition("Ready")["reason"] == reason, "and it stays so"
        else:
            time.sleep(2)
        assert not [r for r in w.proxy.writes() if r.kind == "deployments"]
        if fault == "down":
            w.registry.come_up()
        w.registry.fault = None
        w.wait_ready("True", timeout=bound + 10)
        assert len(w.deployment_writes()) == 1


@scenario
def a_registry_in_trouble_touches_nothing(name):
    """R2: each kind of trouble has its reason; well again, the release goes on by itself."""
    together([lambda row=row: registry_fault(name, *row) for row in REGISTRY_FAULTS])
    print(f"ran {len(REGISTRY_FAULTS)} plans", flush=True)


@scenario
def a_registry_that_denies_is_given_up(name):
    """R2: after imageWaitSeconds, with no Deployment touched."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        w.registry.fault = 403
        w.release(GOOD2, ["api"], imageWaitSeconds=3)
        w.wait_ready("False", "RegistryUnauthorized")
        assert not [r for r in w.proxy.writes() if r.kind == "deployments"]
        w.assert_quiet()


@scenario
def times_are_the_api_servers(name):
    """R6: its clock is an hour ahead of ours, by its Date header."""
    with World(name, start=False) as w:
        w.proxy.ahead_s = 3600
        w.app("api")
        w.push("api", GOOD2)
        w.start()
        began = time.time()
        w.release(GOOD2, ["api"])
        status = w.wait_ready("True")
        ahead = datetime.datetime.fromisoformat(status["startTime"].replace("Z", "+00:00")).timestamp() - began
        assert 3590 < ahead < 3660, f"status is {ahead:.0f} s ahead of our clock, the API server 3600 s"


# --- objects ---


@scenario
def an_object_from_before_a_bound_existed(name):
    """Stalled=InvalidSpec with the field's path, nothing touched; mended, it goes on."""
    with World(name, start=False) as w:
        w.app("api")
        w.push("api", GOOD2)

        def spoil(release):
            release["spec"]["health"]["soakSeconds"] = -5
        w.proxy.rewrite = spoil
        w.release(GOOD2, ["api"])
        w.start()
        w.wait_ready("False", "InvalidSpec")
        stalled = w.condition("Stalled")
        assert stalled["reason"] == "InvalidSpec", stalled
        assert "spec.health.soakSeconds" in stalled["message"], stalled
        w.assert_quiet()
        assert not w.deployment_writes()
        w.proxy.rewrite = None
        w.release(GOOD2, ["api"], health={"soakSeconds": 2})
        w.wait_ready("True")
        assert not w.condition("Stalled")
        assert w.running_image("api") == w.image("api", GOOD2, pinned=True)


@scenario
def a_deployment_deleted_for_good_mid_rollout(name):
    """R19: never made anew by us; Failed after its minute, and on at once when it appears."""
    with World(name) as w:
        w.app("api")
        w.push("api", UNREADY, GOOD2)
        w.release(UNREADY, ["api"], health=HEALTH)
        w.wait_state("api", "Updating")
        w.wait(lambda: w.app_status("api")["attempt"].get("accepted"), "it to be accepted")
        w.ns.delete("deployments", "btc-api")
        w.wait_state("api", "Waiting", "DeploymentNotFound")
        start = time.monotonic()
        w.wait_ready("False", "DeploymentNotFound", timeout=90)
        assert 55 <= time.monotonic() - start <= 75, time.monotonic() - start
        assert not w.deployment("api") and len(w.deployment_writes()) == 1
        w.assert_quiet()
        w.release(GOOD2, ["api"], health=HEALTH)
        w.app("api", wait=False)
        w.wait_ready("True")


# --- secrets ---

PASSWORD, TOKEN, KUBE_TOKEN, LOGGED = (f"canary{n}Zq7xW{n}kP" for n in range(4))


def pull_secret(w, user, password):
    auths = {w.registry.host: {"username": user, "password": password}}
    w.ns.create("secrets", {"metadata": {"name": "pull"}, "type": "kubernetes.io/dockerconfigjson",
                            "stringData": {".dockerconfigjson": json.dumps({"auths": auths})}})


def scrape(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def fail_in_every_way(w):
    """Each path that sees a secret, well and failing; what echoes it does so in full."""
    login = ("deployer", PASSWORD)
    basic = base64.b64encode(":".join(login).encode()).decode()
    releases = itertools.count(16)

    def release(reason, *ready, fate="a"):
        c = (f"{fate}{next(releases):x}").ljust(7, "0").ljust(40, "0")
        w.push("api", c)
        w.release(c, ["api"], pullSecrets=[{"name": "pull"}], imageWaitSeconds=3)
        w.wait_ready(reason, *ready)

    w.registry.login = login
    release("True")
    w.registry.token = TOKEN
    release("True")
    w.registry.login, w.registry.token = ("deployer", "another"), TOKEN[::-1]  # taken back
    release("False", "RegistryUnauthorized")
    w.registry.login = w.registry.token = None
    w.registry.echo = json.dumps({"errors": [{"code": "DENIED", "message":
                                              f"denied: Basic {basic} Bearer {TOKEN} "
                                              f"deployer:{PASSWORD}"}]}).encode()
    for fault, ready in ((403, "RegistryUnauthorized"), (500, "RegistryUnavailable")):
        w.registry.fault = fault
        release("False", ready)
    w.registry.fault = None
    said = w.proxy.failure(422, f"cannot admit: Authorization: Bearer {KUBE_TOKEN}")
    w.proxy.break_with = lambda r: (422, "application/json", said) if (
        r.is_write and r.kind == "deployments") else None
    release("False", "Rejected")
    log = f"connecting\nDB_PASSWORD={LOGGED}\nfatal: postgres://app:{LOGGED}@db/shop\n".encode()
    w.proxy.break_with = lambda r: (200, "text/plain", log) if "/log?" in r.path else None
    release("False", "RolledBack", fate="bad0")
    assert "connecting" in w.app_status("api")["failure"]["logTail"], "the log was there to see"
    w.proxy.break_with = lambda r: (401, "application/json",
                                    w.proxy.failure(401, f"not accepted: Bearer {KUBE_TOKEN}")) if (
        r.is_watch) else None
    w.proxy.reset_streams()
    time.sleep(2)
    w.proxy.break_with = lambda r: None


@scenario
def pull_secrets_of_the_pods_are_used_too(name):
    """Section 2: those of the pod template, and those of its ServiceAccount; the spec names none."""
    with World(name) as w:
        pull_secret(w, "deployer", PASSWORD)
        named = [{"name": "pull"}]
        w.ns.create("serviceaccounts", {"metadata": {"name": "without"}})
        w.ns.create("serviceaccounts", {"metadata": {"name": "with"}, "imagePullSecrets": named})
        w.app("api", pod={"serviceAccountName": "without", "imagePullSecrets": named})
        w.app("web", pod={"serviceAccountName": "with"})
        w.app("job", pod={"serviceAccountName": "without"})
        for app in ("api", "web", "job"):
            w.push(app, GOOD2)
        w.registry.login = ("deployer", PASSWORD)
        w.release(GOOD2, ["api", "web"])
        w.wait_ready("True", "ReleaseSucceeded")
        w.release(GOOD2, ["job"], name="none", imageWaitSeconds=3)
        w.wait_ready("False", "RegistryUnauthorized", name="none")


@scenario
def a_pull_secret_that_cannot_be_read_is_trouble(name):
    """R2: no answer to what the registry says of us; asked again, even where it gives up at once."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2, GOOD3)
        pull_secret(w, "deployer", PASSWORD)
        w.registry.login = ("deployer", PASSWORD)
        for c, what in ((GOOD2, "secrets"), (GOOD3, "serviceaccounts")):
            w.proxy.break_with = lambda r, what=what: 500 if r.method == "GET" and r.kind == what else None
            named = [{"name": "pull"}] if what == "secrets" else []
            w.release(c, ["api"], pullSecrets=named, imageWaitSeconds=0)
            w.wait_ready("False", "RegistryUnavailable")
            message = w.wait_state("api", "Waiting", "RegistryUnavailable")["message"]
            assert "is not readable" in message and "injected" in message, message
            w.ns.patch("serviceaccounts", "default", {"imagePullSecrets": [{"name": "pull"}]})
            w.proxy.break_with = lambda r: None
            w.wait_ready("True", timeout=30)


@scenario
def no_secret_is_ever_told(name):
    """In status, events, annotations, the log and the metrics, whatever fails."""
    with World(name, start=False) as w:
        port = free_port()
        w.kube_token = KUBE_TOKEN
        w.start("--log-level", "debug", "--listen", f"127.0.0.1:{port}")
        w.app("api")
        pull_secret(w, "deployer", PASSWORD)
        fail_in_every_way(w)
        asked = [h for _, _, h in w.registry.asked if h]
        assert any(TOKEN in h for h in asked), "the secrets were in use"
        told = {"metrics": scrape(port), "log": open(w.log_path).read(),
                "objects": json.dumps([w.ns.list(kind) for kind in
                                       ("appreleases", "deployments", "events")])}
        assert "shopflow_deployer_registry_requests_total" in told["metrics"]
        assert "pull" in told["objects"] and "RegistryUnauthorized" in told["objects"]
        basic = base64.b64encode(f"deployer:{PASSWORD}".encode()).decode()
        for canary in (PASSWORD, basic, TOKEN, KUBE_TOKEN, LOGGED):
            for where, text in told.items():
                assert canary not in text, f"a secret in the {where}: " + \
                    text[max(0, text.index(canary) - 200):][:260]
