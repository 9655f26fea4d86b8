"""Plays the kubelet for pods that simulated nodes leave alone: those whose tag is one of HAND.

    with Kubelet(w, {"api": waiting("ErrImagePull", "401 Unauthorized")}):

An app's fate is a function of a pod and the seconds since it was first seen, which gives its status;
None leaves it as it is."""

import threading
import time

from kube import ApiError

HAND = "bad4"  # a commit's first digits


def stamp(seconds=0):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def status(pod, states, phase="Pending", ready=False, init=None, conditions=()):
    """Of a pod whose containers (and init containers) are in these states, one for each: merged into
    {name, ready, restartCount 0}."""
    def runs(containers, each):
        return [{"name": c["name"], "image": c["image"], "imageID": "", "ready": ready, "restartCount": 0, **state}
                for c, state in zip(containers, each)]
    spec = pod["spec"]
    return {"phase": phase, "startTime": pod["metadata"]["creationTimestamp"],
            "conditions": [{"type": "Ready", "status": "True" if ready else "False",
                            "lastTransitionTime": stamp()}, *conditions],
            "containerStatuses": runs(spec["containers"], states),
            "initContainerStatuses": runs(spec.get("initContainers", []), init or [])}


RUNNING = {"state": {"running": {}}}


def wait_state(reason, message=""):
    return {"state": {"waiting": {"reason": reason, "message": message}}}


def end_state(runs, code=1, reason="Error", message="", waits="CrashLoopBackOff"):
    """Has failed so many times, and waits for the next run."""
    return {"restartCount": runs - 1, "state": {"waiting": {"reason": waits, "message": "back-off"}},
            "lastState": {"terminated": {"exitCode": code, "reason": reason, "message": message}}}


# --- fates ---


def waiting(reason, message=""):
    return lambda pod, _: status(pod, [wait_state(reason, message)])


def ended(runs=3, code=1, reason="Error", message=""):
    return lambda pod, _: status(pod, [end_state(runs, code, reason, message)], phase="Running")


def ready(pod, _):
    return status(pod, [RUNNING] * 4, phase="Running", ready=True)


def unready(pod, _):
    return status(pod, [RUNNING] * 4, phase="Running")


def then(seconds, first, second):
    """One fate, and after so many seconds another."""
    return lambda pod, age: (first if age < seconds else second)(pod, age)


class Kubelet:
    def __init__(self, world, fates):
        self.ns, self.fates = world.ns, fates
        self.over = threading.Event()
        self.seen = {}  # uid → when
        self.said = {}  # uid → what, without times
        self.problem = None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        self.thread.join()
        if self.problem and not kind:
            raise self.problem

    def run(self):
        while not self.over.wait(0.2):
            try:
                for pod in self.ns.list("pods"):
                    self.look_after(pod)
            except Exception as error:  # told by the scenario's thread
                self.problem = error
                return

    def look_after(self, pod):
        meta = pod["metadata"]
        fate = self.fates.get(meta["labels"]["app"])
        if not fate or ":" + HAND not in pod["spec"]["containers"][0]["image"] or "deletionTimestamp" in meta:
            return
        age = time.monotonic() - self.seen.setdefault(meta["uid"], time.monotonic())
        wanted = fate(pod, age)
        said = wanted and repr([(c["type"], c["status"]) for c in wanted["conditions"]] +
                               [{**wanted, "conditions": None}])
        if not wanted or self.said.get(meta["uid"]) == said:
            return
        try:
            self.ns.patch("pods", meta["name"], {"status": wanted}, sub="status")
            self.said[meta["uid"]] = said
        except ApiError as error:
            if error.code not in (404, 409):
                raise
