#!/usr/bin/env python3
"""The figures of the README, measured on the real node beside the same work by kubectl.

    hack/bench.sh [--quick]     brings the node up, installs the controller (the demo does), runs this

Times are from the API server's audit log and from a watch of the pods, on one clock. --quick: fewer
releases, and no waiting for kubectl's progress deadlines. Exits 1 when a figure misses its goal."""

import json
import os
import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import node  # noqa: E402
from kube import STRATEGIC, wait  # noqa: E402
from shop import Shop, commit, moment, push, writes  # noqa: E402

QUICK = "--quick" in sys.argv
RELEASES = 60 if QUICK else 300
GOOD_RUNS = 2 if QUICK else 5
KUBECTL_DEADLINE_S = 60
THRESHOLD, GRACE_S = 3, 30
rows, missed = [], []


def row(what, ours, theirs="", goal="", ok=True):
    rows.append((what, ours, theirs, goal))
    if not ok:
        missed.append(what)
    print(f"  {what}: {ours} {('kubectl ' + theirs) if theirs else ''}", file=sys.stderr, flush=True)


class PodWatch:
    """When was what first seen of the pods of a namespace?"""

    def __init__(self, shop):
        self.seen = []  # (time, pod)
        self.connection = shop.cluster.connect(timeout=600)
        self.connection.request("GET", f"/api/v1/namespaces/{shop.name}/pods?watch=1", headers=shop.cluster.headers())
        self.answer = self.connection.getresponse()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for line in self.answer:
                self.seen.append((time.time(), json.loads(line)["object"]))
        except (OSError, ValueError, AttributeError):
            pass

    def first(self, is_so, since):
        """When a pod made after since was first seen to be so, and that pod."""
        return next((at, pod) for at, pod in self.seen
                    if moment(pod["metadata"]["creationTimestamp"]) >= int(since) and is_so(pod))


def containers(pod):
    return pod.get("status", {}).get("containerStatuses", [])


def has_crashed_enough(pod):
    def runs(c):
        ended = "terminated" in c["state"] or ("waiting" in c["state"] and c.get("lastState"))
        return c["restartCount"] + bool(ended)
    return any(runs(c) >= THRESHOLD for c in containers(pod))


def waits_for(*reasons):
    return lambda pod: any(c["state"].get("waiting", {}).get("reason") in reasons for c in containers(pod))


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def event_to_patch():
    with Shop("bench-latency", traffic=False) as shop:
        commits = [commit("2"), commit("3")]
        for c in commits:
            push("api", c)
        Shop.kubectl("-n", shop.name, "scale", "deployment/btc-api", "--replicas=0", stdout=subprocess.DEVNULL)
        for n in range(RELEASES):
            shop.release(commits[n % 2])
            wait(lambda: shop.ready().get("reason") == "ReleaseSucceeded", f"release {n}")
        releases = [w for w in writes(shop.name, user=None, kind="appreleases", since=shop.began) if w.code < 300]
        patches = shop.patches("api")
        assert len(releases) == len(patches) == RELEASES, (len(releases), len(patches))
        took = [p.received - r.received for r, p in zip(releases, patches)]
        p99 = percentile(took, 99)
        row(f"AppRelease written → Deployment PATCH sent ({RELEASES} releases, registry warm)",
            f"p50 {percentile(took, 50) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms", goal="p99 ≤ 50 ms", ok=p99 <= 0.05)


def until_rollback(name, fate, is_so, prepare=None, spoil=None, grace_s=0):
    """Seconds from the pod's state that decides to the rollback PATCH, and from the release to its end."""
    with Shop(name, traffic=False) as shop:
        good, bad = commit("2"), commit("3")
        push("api", good)
        push("api", bad, fate)
        if prepare:
            prepare(shop)
        shop.release(good)
        shop.wait_ready("ReleaseSucceeded")
        if spoil:
            spoil(shop)
        pods, since = PodWatch(shop), time.time()
        shop.release(bad)
        shop.wait_ready("RolledBack")
        whole = time.time() - since
        seen, pod = pods.first(is_so, since)
        decided = max(seen, moment(pod["metadata"]["creationTimestamp"]) + grace_s)
        return shop.patches("api")[-1].received - decided, whole


def kubectl_until_undone(name, fate):
    """The same by hand: set image, rollout status until it gives up, undo."""
    with Shop(name, traffic=False) as shop:
        bad = commit("3")
        push("api", bad, fate)
        shop.ns.patch("deployments", "btc-api", {"spec": {"progressDeadlineSeconds": KUBECTL_DEADLINE_S}})
        began = time.time()
        image = f"api={os.environ['REGISTRY']}/api:{bad[:7]}"
        Shop.kubectl("-n", name, "set", "image", "deployment/btc-api", image, stdout=subprocess.DEVNULL)
        status = ["kubectl", "-n", name, "rollout", "status", "deployment/btc-api"]
        noticed = subprocess.run(status, check=False, capture_output=True)
        assert noticed.returncode, "rollout status should have given up"
        Shop.kubectl("-n", name, "rollout", "undo", "deployment/btc-api", stdout=subprocess.DEVNULL)
        subprocess.run(status, check=True, capture_output=True)
        return time.time() - began


def needs_secret(shop):
    shop.ns.create("secrets", {"metadata": {"name": "catalogue"}, "stringData": {"URL": "x"}})
    env = [{"name": "URL", "valueFrom": {"secretKeyRef": {"name": "catalogue", "key": "URL"}}}]
    shop.ns.patch("deployments", "btc-api", {"spec": {"template": {"spec": {"containers": [
        {"name": "api", "env": env}]}}}}, STRATEGIC)
    Shop.kubectl("-n", shop.name, "rollout", "status", "deployment/btc-api", stdout=subprocess.DEVNULL)


def failures():
    third = "third failed run seen → rollback PATCH"
    cases = (
        ("Crash loop: " + third, "crash", dict(is_so=has_crashed_enough)),
        ("Out of memory: " + third, "oom", dict(is_so=has_crashed_enough)),
        ("Image for another platform: pull error seen → rollback PATCH", "foreign",
         dict(is_so=waits_for("ErrImagePull", "ImagePullBackOff"))),
        (f"Secret gone: {GRACE_S} s of grace over → rollback PATCH", "good",
         dict(is_so=waits_for("CreateContainerConfigError"), grace_s=GRACE_S, prepare=needs_secret,
              spoil=lambda shop: shop.ns.delete("secrets", "catalogue"))))
    for what, fate, how in cases:
        took, whole = until_rollback("bench-" + fate, fate, **how)
        theirs = ""
        if not QUICK and fate in ("crash", "foreign"):
            theirs = f"{kubectl_until_undone('bench-by-hand-' + fate, fate):.1f} s in all"
        row(what, f"{took * 1000:.0f} ms; {whole:.1f} s in all", theirs, "≤ 2 s", took <= 2)


def good_release():
    with Shop("bench-good", traffic=False) as shop:
        ours, theirs = [], []
        for n in range(GOOD_RUNS):
            by_us, by_kubectl = commit("2", n), commit("3", n)
            push("api", by_us)
            push("api", by_kubectl)
            began = time.time()
            shop.release(by_us, health={"soakSeconds": 0})
            while shop.ready().get("reason") != "ReleaseSucceeded":
                time.sleep(0.02)
            ours.append(time.time() - began)
            time.sleep(4)  # the old pods are gone
            began = time.time()
            image = f"api={os.environ['REGISTRY']}/api:{by_kubectl[:7]}"
            Shop.kubectl("-n", shop.name, "set", "image", "deployment/btc-api", image, stdout=subprocess.DEVNULL)
            Shop.kubectl("-n", shop.name, "rollout", "status", "deployment/btc-api", stdout=subprocess.DEVNULL)
            theirs.append(time.time() - began)
            time.sleep(4)
        a, b = percentile(ours, 50), percentile(theirs, 50)
        row(f"Good release of two replicas, no soak (median of {GOOD_RUNS})", f"{a:.2f} s", f"{b:.2f} s",
            "≤ 1.1 × kubectl", a <= 1.1 * b)


def memory():
    pid = subprocess.run(["pgrep", "-f", "^/usr/bin/btc-shopflow-deployer --config /etc/"],
                         check=True, capture_output=True).stdout.split()[0].decode()
    time.sleep(5)
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        kib = {key: int(value.split()[0]) for key, _, value in (line.partition(":") for line in status)
               if key in ("RssAnon", "VmRSS", "VmHWM")}
    row("Memory after all that, idle", f"RssAnon {kib['RssAnon'] / 1024:.1f} MiB, VmRSS {kib['VmRSS'] / 1024:.1f} MiB",
        goal="RssAnon ≤ 5 MiB, VmRSS ≤ 16 MiB", ok=kib["RssAnon"] <= 5120 and kib["VmRSS"] <= 16384)


def main():
    event_to_patch()
    failures()
    good_release()
    memory()
    size, packed = node.image_over_base()
    row("Image over its base", f"{size / node.MB:.1f} MB unpacked, {packed / node.MB:.1f} MB packed",
        goal="≤ 40 MB", ok=size <= 40 * node.MB)
    print("| What | shopflow-deployer | kubectl by hand | Goal |\n|---|---|---|---|")
    for cells in rows:
        print("| " + " | ".join(cells) + " |")
    for what in missed:
        print(f"MISSED: {what}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
