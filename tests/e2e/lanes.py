"""Lanes: worlds whose one app rolls again and again, one fault plan after the other; several lanes
share the plans of a scenario. After each plan the end must be the fault-free one."""

import itertools
import json
import os
import queue
import threading

from world import PREFIX, World, commit

LANES = int(os.environ.get("E2E_LANES", "6"))
HEALTH = {"soakSeconds": 1, "deadlineSeconds": 90}  # no fault here is worth a deadline


class Lane:
    def __init__(self, world):
        self.w = world
        self.n = 0
        world.app("api")
        self.run("fault-free", False)
        self.run("fault-free", True)

    def run(self, plan, bad, break_with=None, after=None, meanwhile=None, timeout=60):
        """One rollout (bad: whose app crashes) under a fault plan, and what must hold after it.
        Returns whether any fault took effect; meanwhile runs beside it."""
        w = self.w
        before, generation, mark = self.mark()
        self.n += 1
        to = commit("bad0", self.n) if bad else ("a%06x" % self.n).ljust(40, "0")
        w.push("api", to)
        w.proxy.broken.clear()
        w.proxy.break_with = break_with or (lambda request: None)
        w.proxy.after = after or (lambda request: None)
        try:
            w.release(to, ["api"], health=HEALTH)
            if meanwhile:
                meanwhile()
            w.wait_ready("False" if bad else "True", "RolledBack" if bad else "ReleaseSucceeded",
                         timeout=timeout)
            w.wait(lambda: not w.proxy.is_busy(), "the last request to end")
            self.check(to, bad, before, generation, mark)
        except AssertionError as error:
            raise AssertionError(f"{plan}: {error}") from error
        finally:
            w.proxy.break_with = w.proxy.after = lambda request: None
        return bool(w.proxy.broken)

    def mark(self):
        deployment = self.w.deployment("api")
        return (self.w.running_image("api"), deployment["metadata"]["generation"],
                len(self.w.proxy.log))

    def check(self, to, bad, before, generation, mark):
        w = self.w
        target = w.image("api", to, pinned=True)
        writes = [r for r in w.proxy.log[mark:] if r.is_write]
        for request in writes:
            assert request.method == "PATCH" and (
                "/appreleases/shop/status?" in request.path or
                "/deployments/btc-api?" in request.path), f"no other write: {request}"
            assert_guarded(request)
        bodies = [json.loads(r.body) for r in writes if r.status == 200 and
                  r.kind == "deployments"]
        kinds = [json.loads(b["metadata"]["annotations"][PREFIX + "attempt"])["kind"]
                 for b in bodies]
        assert kinds == (["Roll", "Rollback"] if bad else ["Roll"]), f"accepted patches: {kinds}"
        assert all("replicas" not in b["spec"] for b in bodies), "replicas is never written"
        after = w.deployment("api")
        rolled = after["metadata"]["generation"] - generation
        assert rolled == len(kinds), f"the Deployment's spec changed {rolled} times"
        assert w.running_image("api") == (before if bad else target), "the exact image string"
        app = w.app_status("api")
        if bad:
            assert (app["state"], app["reason"]) == ("RolledBack", "CrashLoop"), app
            assert app["failedImage"] == target and app["failure"]["exitCode"] == 1, app
        else:
            assert app["state"] == "Updated" and app["goodImage"] == target, app
        results = [h["result"] for h in w.status()["history"] if h["commit"] == to]
        assert results == ["RolledBack" if bad else "Succeeded"], results
        assert len(writes) <= 40, f"{len(writes)} writes"


def assert_guarded(request):
    """Ours by name (R5), and for no other object nor version than the one that was seen (R4, R5)."""
    assert "fieldManager=btc-shopflow-deployer" in request.path, request
    body = json.loads(request.body)
    if request.kind == "deployments":
        guards = body["metadata"]
    else:
        guards = {op["path"].removeprefix("/metadata/"): op["value"] for op in body}
        assert set(guards) == {"resourceVersion", "uid", "/status"}, guards.keys()
    assert guards["uid"] and guards["resourceVersion"], guards


def together(functions):
    """All at once, each in a thread of its own; then the first failure is raised."""
    failures = []

    def run(function):
        try:
            function()
        except BaseException as error:
            failures.append(error)
    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def lanes(name, run_lane, count=None):
    """run_lane(lane, number) in each of several lanes at once."""
    def one(number):
        with World(f"{name[:32]}-{number}") as w:
            run_lane(Lane(w), number)
            w.assert_quiet(1.5)
    together([lambda n=n: one(n) for n in range(count or LANES)])


def run_all(name, plans, count=None):
    """plans: (title, function of a lane that says whether its fault took effect). All must; where
    what was to be broken did not happen just then, the plan is run again."""
    todo = queue.SimpleQueue()
    idle = []
    for plan in plans:
        todo.put(plan)

    def run_lane(lane, _):
        while True:
            try:
                title, plan = todo.get_nowait()
            except queue.Empty:
                return
            if not any(plan(lane, title) for _ in range(3)):
                idle.append(title)
    lanes(name, run_lane, min(count or LANES, len(plans)))
    assert not idle, f"faults that broke nothing: {idle}"
    print(f"ran {len(plans)} plans", flush=True)


def sweep(name, make, at_least, count=None):
    """make(lane, k) runs plan k = 0, 1, 2… and says whether there was a write k; until there is
    none. A rollout has at_least so many writes."""
    numbers = itertools.count()
    over = threading.Event()
    ran = []

    def run_lane(lane, _):
        while not over.is_set():
            k = next(numbers)
            if make(lane, k):
                ran.append(k)
            else:
                over.set()
    lanes(name, run_lane, count)
    assert len(ran) >= at_least, f"only {len(ran)} writes: {sorted(ran)}"
    print(f"ran {len(ran)} plans", flush=True)


# --- which request ---


def writes_from(k, fault, times=1):
    """Breaks write k, counted from 0, and those after it, `times` in all."""
    count = itertools.count()

    def break_with(request):
        if not request.is_write:
            return None
        request.index = next(count)
        if not k <= request.index < k + times:
            return None
        return fault(request) if callable(fault) else fault
    return break_with


def first(is_it, fault, times=1):
    """Breaks the first requests that is_it names."""
    count = itertools.count()

    def break_with(request):
        return fault if is_it(request) and next(count) < times else None
    return break_with


def after_write(k, act):
    """Calls act once write k was carried out, before its reply is passed on."""
    def after(request):
        if request.is_write and getattr(request, "index", -1) == k:
            act()
    return after
