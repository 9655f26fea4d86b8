"""What holds a release (R17), against a real API server with simulated nodes: suspend, paused,
approval, freeze windows and their override, each with a restart of the controller in it."""

import datetime
import time

from scenario import scenario
from world import CRASH, GOOD, GOOD2, PREFIX, UNREADY, World


def restart(w):
    w.stop()
    w.start()


def change(w, manager="alice", **spec):
    w.ns.patch("appreleases", "shop", {"spec": spec}, manager=manager)


def wait_rolling(w, app):
    w.wait(lambda: w.app_status(app).get("attempt", {}).get("progressTime"), f"{app} to roll")


def events(w, reason):
    return [e for e in w.ns.list("events") if e["reason"] == reason and e["regarding"]["kind"] == "AppRelease"]


@scenario
def suspended_mid_rollout_it_stays_as_it_is(name):
    """R17, R7: no write, not even back, long after the deadline; on going on the rest of it counts."""
    with World(name) as w:
        w.app("api")
        before = w.running_image("api")
        w.push("api", UNREADY)
        w.release(UNREADY, ["api"], health={"deadlineSeconds": 10})
        wait_rolling(w, "api")
        change(w, suspend=True)
        w.wait_ready("Unknown", "Suspended")
        w.wait(lambda: events(w, "Suspended"), "the Event")
        assert "'alice'" in w.condition("Ready")["message"], w.condition("Ready")
        assert not w.condition("Reconciling") and not w.condition("Stalled")
        restart(w)
        time.sleep(12)
        w.assert_quiet()
        status = w.app_status("api")
        assert status["state"] == "Updating" and status["attempt"]["clockStopped"], status
        assert len(w.deployment_writes()) == 1 and w.running_image("api") != before
        told = events(w, "Suspended")
        assert [e["type"] for e in told] == ["Warning"] and "btc-api" in told[0]["note"], told
        change(w, suspend=False)
        time.sleep(3)
        assert w.app_status("api")["state"] == "Updating", "the deadline has moved"
        w.wait_ready("False", "RolledBack")
        assert w.running_image("api") == before


@scenario
def a_bad_version_is_not_put_back_while_suspended(name):
    """R17: noticed once the release goes on, after a restart as well."""
    with World(name) as w:
        w.app("api")
        before = w.running_image("api")
        w.push("api", CRASH)
        w.release(CRASH, ["api"], health={"restartThreshold": 8})
        wait_rolling(w, "api")
        change(w, suspend=True, health={"restartThreshold": 1})
        w.wait_ready("Unknown", "Suspended")
        w.wait(lambda: any(s.get("restartCount", 0) > 1 for p in w.ns.list("pods")
                           for s in p.get("status", {}).get("containerStatuses", [])), "the crashes")
        w.assert_quiet()
        w.kill()
        w.start()
        w.assert_quiet(4)
        assert len(w.deployment_writes()) == 1
        change(w, suspend=False)
        w.wait_ready("False", "RolledBack")
        assert w.running_image("api") == before and w.app_status("api")["reason"] == "CrashLoop"


@scenario
def changed_while_suspended(name):
    """R17, R12: a half-rolled app goes on to what the spec asks for by then; nothing was asked meanwhile."""
    with World(name) as w:
        w.app("api")
        w.push("api", UNREADY)
        w.release(UNREADY, ["api"])
        wait_rolling(w, "api")
        change(w, suspend=True)
        w.wait_ready("Unknown", "Suspended")
        w.push("api", GOOD2)
        change(w, commit=GOOD2)
        w.wait_ready("Unknown", "Suspended")
        assert w.status()["commit"] == UNREADY
        restart(w)
        w.assert_quiet()
        change(w, suspend=False)
        w.wait_ready("True")
        assert len(w.deployment_writes()) == 2
        assert w.running_image("api") == w.image("api", GOOD2, pinned=True)
        assert w.app_status("api")["attempt"]["previousImages"][0]["image"] == w.image("api", GOOD, pinned=True)


@scenario
def suspended_when_it_is_good(name):
    """Section 4: what is the outcome still stays Ready; another commit makes it Unknown."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"])
        w.wait_ready("True")
        change(w, suspend=True)
        w.wait_ready("True", "ReleaseSucceeded")
        w.assert_quiet()
        change(w, commit=UNREADY)
        w.wait_ready("Unknown", "Suspended")
        w.assert_quiet()
        assert len(w.deployment_writes()) == 1


@scenario
def paused_lets_the_running_app_finish(name):
    """R17: the running one is put back, the next one waits; it starts when the pause ends."""
    with World(name) as w:
        w.app("api"), w.app("web")
        before = w.running_image("api")
        w.push("api", UNREADY), w.push("web", UNREADY, content="web good")
        w.release(UNREADY, ["api", "web"], maxConcurrent=1, health={"deadlineSeconds": 10})
        wait_rolling(w, "api")
        change(w, paused=True)
        w.wait_state("web", "Waiting", "Paused")
        assert "'alice'" in w.app_status("web")["message"]
        restart(w)
        w.wait_state("api", "RolledBack", timeout=90)
        assert w.running_image("api") == before
        w.assert_quiet()
        assert not w.deployment_writes("web")
        assert w.app_status("web")["targetImage"] == w.image("web", UNREADY, pinned=True), "shown, what waits"
        change(w, paused=False)
        w.wait(lambda: w.deployment_writes("web"), "web to start")


@scenario
def nothing_starts_without_approval(name):
    """R17: approvedCommit must be the commit, letter for letter."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"], approval={"required": True, "approvedCommit": GOOD2[:8]})
        w.wait_ready("Unknown", "WaitingForApproval")
        assert f"'{GOOD2}'" in w.condition("Ready")["message"]
        assert w.condition("Reconciling")["reason"] == "WaitingForApproval"
        assert w.app_status("api")["targetImage"] == w.image("api", GOOD2, pinned=True)
        w.wait(lambda: events(w, "WaitingForApproval"), "the Event")
        restart(w)
        w.assert_quiet()
        assert not w.deployment_writes()
        change(w, approval={"approvedCommit": GOOD2})
        w.wait_ready("True")
        assert len(w.deployment_writes()) == 1
        assert len(events(w, "WaitingForApproval")) == 1


def window_from_now(seconds, at_least=20):
    """A window that began this minute, and at_least that many seconds of it are left; when it ends."""
    now = datetime.datetime.now(datetime.timezone.utc)
    if now.second > 60 - at_least:
        time.sleep(61 - now.second)
        now = datetime.datetime.now(datetime.timezone.utc)
    begins = now.replace(second=0, microsecond=0)
    berlin = begins.astimezone(datetime.timezone(datetime.timedelta(hours=1)))  # Algiers has no summer time
    return {"schedule": f"{berlin.minute} {berlin.hour} * * *", "durationSeconds": seconds,
            "timeZone": "Africa/Algiers"}, begins + datetime.timedelta(seconds=seconds)


@scenario
def a_window_ends_by_itself(name):
    """R17: nothing starts in it, whatever is restarted; at its end the release starts by itself."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        window, ends = window_from_now(60)
        w.release(GOOD2, ["api"], freezeWindows=[window])
        w.wait_ready("Unknown", "WaitingForWindow", timeout=15)
        local = ends.astimezone(datetime.timezone(datetime.timedelta(hours=1))).isoformat()
        assert local in w.condition("Ready")["message"], (local, w.condition("Ready"))
        assert not w.deployment_writes()
        restart(w)
        w.wait_ready("True", timeout=90)
        began = w.app_status("api")["attempt"]["startTime"]
        assert began >= ends.strftime("%Y-%m-%dT%H:%M:%S"), (began, ends)
        assert len(w.deployment_writes()) == 1
        w.assert_quiet()


@scenario
def a_window_is_overridden(name):
    """R17: the annotation with the commit, and no other, starts it; status says who and until when."""
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2)
        window, ends = window_from_now(7200)
        w.release(GOOD2, ["api"], freezeWindows=[window])
        w.wait_ready("Unknown", "WaitingForWindow")
        restart(w)
        w.assert_quiet()

        def override(value):
            w.ns.patch("appreleases", "shop", {"metadata": {"annotations": {PREFIX + "freeze-override": value}}},
                       manager="bob")
        override(GOOD)
        w.assert_quiet()
        assert not w.deployment_writes() and not w.condition("FreezeOverridden")
        override(GOOD2)
        w.wait_ready("True")
        told = w.condition("FreezeOverridden")["message"]
        until = ends.astimezone(datetime.timezone(datetime.timedelta(hours=1))).isoformat()
        assert "'bob'" in told and until in told and "spec.freezeWindows[0]" in told, told
        w.assert_quiet()
        assert len(events(w, "FreezeOverridden")) == 1
        w.push("api", UNREADY)
        change(w, commit=UNREADY)
        w.wait_ready("Unknown", "WaitingForWindow")
        assert not w.condition("FreezeOverridden") and len(w.deployment_writes()) == 1


@scenario
def a_window_that_makes_no_sense_is_told(name):
    """InvalidSpec, with the field and what it may be."""
    with World(name) as w:
        w.app("api")
        window = {"schedule": "61 0 * * *", "durationSeconds": 60}
        w.release(GOOD, ["api"], freezeWindows=[window])
        w.wait_ready("False", "InvalidSpec")
        assert w.condition("Stalled")["message"] == "spec.freezeWindows[0].schedule: minute '61' is not 0..59"
        change(w, freezeWindows=[dict(window, schedule="0 0 * * *", timeZone="Europe/Berln")])
        w.wait(lambda: "'Europe/Berln' is not in the time zone database" in w.condition("Stalled").get("message", ""),
               "what is wrong with the zone")
        change(w, freezeWindows=[])
        w.wait_ready("True")
