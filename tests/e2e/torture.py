"""Torture: a rollout, and a rollout that goes back, with everything broken in turn. Whatever
breaks, the end is the fault-free one (R21): one Roll patch accepted (and one Rollback), no other
write to the Deployment, the exact image strings."""

import itertools
import json
import os
import random
import threading
import time

from lanes import HEALTH, after_write, first, lanes, run_all, sweep, together, writes_from
from scenario import scenario
from world import PREFIX, World, commit


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


# --- two objects ---


class Takeover:
    """A rollout that never gets ready is taken over by a newer object's, which crashes and goes back:
    lanes.sweep's lane with two objects."""

    def __init__(self, world):
        self.w = world
        self.n = 0
        world.app("api")

    def run(self, plan, break_with, after=lambda request: None):
        w, n = self.w, self.n
        self.n += 1
        old, new = f"push-{n}-old", f"push-{n}-new"
        before, mark = w.running_image("api"), len(w.proxy.log)
        w.push("api", commit("bad1", n), commit("bad0", n))
        w.proxy.broken.clear()
        w.proxy.break_with, w.proxy.after = break_with, after
        try:
            uids = [w.release(commit("bad1", n), ["api"], name=old, health=HEALTH)["metadata"]["uid"]]
            w.wait(lambda: self.owner() == uids[0], "the older object's patch")
            time.sleep(1.1)  # creation times are whole seconds
            uids.append(w.release(commit("bad0", n), ["api"], name=new, health=HEALTH)["metadata"]["uid"])
            w.wait_ready("False", "RolledBack", name=new)
            w.wait_ready("False", "Superseded", name=old)
            w.wait(lambda: not w.proxy.is_busy(), "the last request to end")
            self.check(before, uids, mark)
        except AssertionError as error:
            raise AssertionError(f"{plan}: {error}") from error
        finally:
            w.proxy.break_with = w.proxy.after = lambda request: None
        for release in (old, new):
            w.ns.delete("appreleases", release)
        return bool(w.proxy.broken)

    def owner(self):
        notes = self.w.deployment("api")["metadata"]["annotations"]
        return notes.get(PREFIX + "owner", "").split("/")[0]

    def check(self, before, uids, mark):
        notes = [json.loads(r.body)["metadata"]["annotations"] for r in self.w.proxy.log[mark:]
                 if r.is_write and r.kind == "deployments" and r.status == 200]
        patches = [(uids.index(n[PREFIX + "owner"].split("/")[0]),
                    json.loads(n[PREFIX + "attempt"])["kind"]) for n in notes]
        assert patches == [(0, "Roll"), (1, "Roll"), (1, "Rollback")], patches
        assert self.w.running_image("api") == before, "what ran before both"
        self.w.wait(lambda: self.w.is_complete("api"), "the way back to be complete")


def takeovers(name, run):
    """run(lane, k) for k = 0, 1, 2… in several lanes, until there is no write k."""
    numbers, over, ran = itertools.count(), threading.Event(), []

    def one(number):
        with World(f"{name[:32]}-{number}") as w:
            lane = Takeover(w)
            while not over.is_set():
                k = next(numbers)
                if run(lane, k):
                    ran.append(k)
                else:
                    over.set()
            w.assert_quiet(1.5)
    together([lambda n=n: one(n) for n in range(4)])
    assert len(ran) >= 10, f"only {len(ran)} writes: {sorted(ran)}"
    print(f"ran {len(ran)} plans", flush=True)


@scenario
def killed_before_every_write_of_a_takeover(name):
    """R15, R21: two objects never write in turns."""
    def kill(lane):
        restart(lane.w)
        return "reset"
    takeovers(name, lambda lane, k: lane.run(f"killed before write {k}", writes_from(k, lambda _: kill(lane))))


@scenario
def killed_after_every_write_of_a_takeover(name):
    """R15, R21: carried out, but nobody was left to hear the reply."""
    def run(lane, k):
        killed = []

        def kill():
            killed.append(k)
            restart(lane.w)
        lane.run(f"killed after write {k}", writes_from(k, None), after_write(k, kill))
        return killed
    takeovers(name, run)


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
