"""Torture: a rollout, and a rollout that goes back, with everything broken in turn. Whatever
breaks, the end is the fault-free one (R21): one Roll patch accepted (and one Rollback), no other
write to the Deployment, the exact image strings."""

import base64
import http.client
import itertools
import json
import os
import random
import socket
import threading
import time

from lanes import HEALTH, after_write, first, lanes, run_all, sweep, together, writes_from
from world import CRASH, GOOD2, GOOD3, PREFIX, UNREADY, World

ALL = {}


def scenario(function):
    ALL[function.__name__.replace("_", "-")] = function
    return function


# --- killed ---


def restart(w):
    w.kill()
    w.start()


def killed_before(lane, k, bad):
    def kill(_):
        restart(lane.w)
        return "reset"
    return lane.run(f"killed before write {k}", bad, writes_from(k, kill))


def killed_after(lane, k, bad):
    killed = []

    def kill():
        killed.append(k)
        restart(lane.w)
    lane.run(f"killed after write {k}", bad, writes_from(k, None), after_write(k, kill))
    return killed


@scenario
def killed_before_every_write_of_a_rollout(name):
    """R4, R21."""
    sweep(name, lambda lane, k: killed_before(lane, k, False), 6)


@scenario
def killed_after_every_write_of_a_rollout(name):
    """R4, R21: carried out, but nobody was left to hear the reply."""
    sweep(name, lambda lane, k: killed_after(lane, k, False), 6)


@scenario
def killed_before_every_write_of_a_rollback(name):
    """R4, R10, R21."""
    sweep(name, lambda lane, k: killed_before(lane, k, True), 7)


@scenario
def killed_after_every_write_of_a_rollback(name):
    """R4, R10, R21."""
    sweep(name, lambda lane, k: killed_after(lane, k, True), 7)


def killed_at_random(name, bad):
    seed = int(os.environ.get("E2E_SEED") or random.randrange(1 << 32))
    print(f"E2E_SEED={seed}", flush=True)
    chance = random.Random(seed)
    moments = [chance.uniform(0, 4 if bad else 2.5) for _ in range(20)]

    def plan(moment):
        def run(lane, title):
            def kill():
                time.sleep(moment)
                restart(lane.w)
            lane.run(title, bad, meanwhile=kill)
            return True
        return run
    run_all(name, [(f"killed after {m:.3f} s", plan(m)) for m in moments])


@scenario
def killed_at_20_random_moments_of_a_rollout(name):
    """R21."""
    killed_at_random(name, False)


@scenario
def killed_at_20_random_moments_of_a_rollback(name):
    """R10, R21."""
    killed_at_random(name, True)


# --- every exchange broken in turn ---

# curl itself sends again what a kept connection lost: twice is what the controller hears of.
BREAKS = [("reset", 2), ("lose-reply", 1), ("lose-reply", 2), ("cut", 1), (409, 1), (422, 1),
          (429, 1), (500, 2)]
GOING_BACK = 3  # the writes before this one are those of a rollout


def break_writes(name, bad, at_least, breaks, count=None, timeout=60):
    begin = GOING_BACK if bad else 0

    def make(lane, n):
        k, which = divmod(n + begin * len(breaks), len(breaks))
        fault, times = breaks[which]

        def one(request):  # a Deployment's patch that is invalid is another story
            return 409 if fault == 422 and request.kind == "deployments" else fault
        return lane.run(f"write {k}: {fault} ×{times}", bad, writes_from(k, one, times),
                        timeout=timeout)
    sweep(name, make, (at_least - begin) * len(breaks), count)


@scenario
def every_write_of_a_rollout_broken_in_turn(name):
    """R4, R5, R21."""
    break_writes(name, False, 6, BREAKS)


@scenario
def every_write_of_a_rollback_broken_in_turn(name):
    """R4, R5, R10, R21."""
    break_writes(name, True, 7, BREAKS)


@scenario
def every_write_that_hangs_is_given_up(name):
    """Of a rollout and of a rollback; half a minute each, so all at once."""
    together([lambda bad=bad, n=n, count=count: break_writes(
        f"{name[:28]}-{bad}", bad, n, [("hang", 1)], count, 120)
        for bad, n, count in ((False, 6, 9), (True, 7, 9))])


KINDS = ("appreleases", "deployments", "replicasets", "pods")


@scenario
def every_list_broken_in_turn(name):
    """At start, before the release is seen, and when its pods are looked for."""
    def plan(kind, fault, times):
        def run(lane, title):
            def is_it(request):
                return request.is_list and request.kind == kind
            return lane.run(title, False, first(is_it, fault, times),
                            meanwhile=lambda: restart(lane.w))
        return run
    html = (200, "text/html", b"<h1>welcome</h1>")
    no_list = (200, "application/json", b"{}")
    run_all(name, [(f"{kind} list: {fault} ×{times}", plan(kind, fault, times)) for kind in KINDS
                   for fault, times in (("reset", 2), ("lose-reply", 2), ("cut", 1), (410, 2),
                                        (429, 1), (500, 2), (html, 1), (no_list, 1))])


def break_watch(kind, bad, fault, times):
    """In mid-rollout every connection is reset, and then the next watch of a kind is broken."""
    def run(lane, title):
        writes = writes_from(1, None)
        was_reset = threading.Event()

        def is_it(request):
            return request.is_watch and request.kind == kind and was_reset.is_set()
        watches = first(is_it, fault, times)
        restart(lane.w)  # so that its delays start anew, as after two quiet minutes

        def act():
            was_reset.set()
            lane.w.proxy.reset_streams()
        hit = lane.run(title, bad, lambda r: writes(r) or watches(r), after_write(1, act))
        if hit and fault in (410, "gone") and times == 1:
            assert_lists_next(lane.w.proxy, kind)
        return hit
    return run


def assert_lists_next(proxy, kind):
    """What was asked for a kind after its first broken watch is the list."""
    after = proxy.log[proxy.broken[0][0].number + 1:]
    asked = [r for r in after if r.kind == kind and (r.is_list or r.is_watch)]
    assert asked and asked[0].is_list, f"410 relists: {asked}"


WATCH_BREAKS = (("reset", 2), ("cut", 1), ("half-line", 1), ("gone", 1), ("gone", 2), (410, 1),
                (429, 1), (500, 1))


@scenario
def every_watch_of_a_rollout_broken_in_turn(name):
    """410 as a status and as an event, half a line, …: relisted or resumed, nothing missed."""
    run_all(name, [(f"{kind} watch: {fault} ×{times}", break_watch(kind, False, fault, times))
                   for kind in KINDS for fault, times in WATCH_BREAKS])


@scenario
def every_watch_of_a_rollback_broken_in_turn(name):
    run_all(name, [(f"{kind} watch: {fault} ×{times}", break_watch(kind, True, fault, times))
                   for kind in KINDS for fault, times in WATCH_BREAKS[1:5]])


@scenario
def every_watch_that_never_answers_is_given_up(name):
    """A server that owes us an answer is not waited for as long as one with no news."""
    def plan(kind):
        def run(lane, title):
            start = time.monotonic()
            hit = break_watch(kind, False, "hang", 1)(lane, title)
            assert time.monotonic() - start <= 45, f"took {time.monotonic() - start:.0f} s"
            return hit
        return run
    run_all(name, [(f"{kind} watch: hang", plan(kind)) for kind in KINDS])


@scenario
def single_reads_broken_in_turn(name):
    """The ServiceAccount of the pull secrets, the log tail (R9), the events: none is needed."""
    def plan(bad, is_it, fault):
        return lambda lane, title: lane.run(title, bad, first(is_it, fault, 2))
    reads = {"serviceaccounts": lambda r: r.kind == "serviceaccounts",
             "log": lambda r: r.path.split("?")[0].endswith("/log"),
             "events": lambda r: r.kind == "events"}
    run_all(name, [(f"{what}: {fault}", plan(what == "log", is_it, fault))
                   for what, is_it in reads.items()
                   for fault in ("reset", "cut", 403, 404, 429, 500)
                   + (() if what == "serviceaccounts" else ("hang",))])


# --- the API server goes away ---


def outage(lane, k, bad, seconds, bound):
    """Down for so long after write k; the rest takes at most `bound` more than without."""
    begun = []

    def go_down():
        begun.append(time.monotonic())
        lane.w.proxy.go_down()
        threading.Timer(seconds, lane.w.proxy.come_up).start()
    lane.run(f"down after write {k}", bad, writes_from(k, None), after_write(k, go_down),
             timeout=seconds + bound)
    lane.w.wait(lambda: not lane.w.proxy.down, "the API server", seconds)
    return begun


@scenario
def the_api_server_restarts_mid_rollout(name):
    """Five seconds, after each write."""
    sweep(name, lambda lane, k: outage(lane, k, False, 5, 25), 6)


@scenario
def the_api_server_restarts_mid_rollback(name):
    sweep(name, lambda lane, k: outage(lane, k, True, 5, 25), 7)


@scenario
def a_long_outage_causes_no_storm(name):
    """At most 0.25 requests a second for each watch, the writes' own among them."""
    def run_lane(lane, number):
        w = lane.w
        start = time.monotonic()
        outage(lane, number, number == 3, 40, 60)
        tries = [t for t in w.proxy.refused if t - start > 5]
        assert 4 <= len(tries) <= 0.25 * 4 * 35, f"{len(tries)} requests in 35 s"
    lanes(name, run_lane, 4)
    print("ran 4 plans", flush=True)


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
    w.proxy.break_with = first(lambda r: r.is_watch and r.kind == kind, "hang")
    w.proxy.reset_streams()
    w.wait(lambda: w.proxy.broken, "the watch to hang")
    return ours


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
        assert_read_live(ours)


@scenario
def a_conflict_with_another_image_is_decided_anew(name):
    """R4, R5, R10: what goes back is what stood there when our patch was accepted."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD3, CRASH)
        theirs = w.image("api", GOOD3, pinned=True)
        edited_meanwhile(w, "deployments", lambda: w.set_image("api", theirs))
        w.release(CRASH, ["api"], health=HEALTH)
        w.wait_ready("False", "RolledBack", timeout=100)
        assert w.running_image("api") == theirs
        assert len(w.deployment_writes()) == 2
        tries = [r.kind if r.status == 200 else r.status for r in w.proxy.writes()]
        assert "appreleases" in tries[tries.index(409):tries.index("deployments")], \
            f"written ahead again: {tries}"


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
