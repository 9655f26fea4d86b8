"""One scenario's world: a namespace, a registry, a proxy, the real controller; and how to wait.

    with World("crash-rolls-back") as w:
        w.app("api", good)                      # a Deployment that runs api at a commit
        w.release(commit, ["api"])              # an AppRelease, created or changed
        w.wait_ready("False", "RolledBack")

Environment: KUBECONFIG; CONTROLLER (the binary); E2E_LOGS (a folder for logs; default a temporary
one). Simulated nodes take an image's fate from its tag: see hack/testcluster."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from kube import GROUP, STRATEGIC, ApiError, Cluster, Namespace, wait
from proxy import Proxy
from registry import Registry

PREFIX = GROUP + "/"


def commit(fate="a", n=1):
    """40 digits whose first seven tell simulated nodes what becomes of the image: "a…" healthy,
    "bad0…" crashes, "bad1…" never ready, "bad2…" cannot be pulled, "bad3…" configuration error;
    "bad4…" is left to the test (kubelet.py)."""
    head = (fate + "%x" % n).ljust(7, "0") if fate == "a" else fate + "%03x" % n
    return head.ljust(40, "0")


GOOD, GOOD2, GOOD3 = commit(n=1), commit(n=2), commit(n=3)
CRASH, UNREADY, NOPULL, BADCONFIG = (commit("bad%d" % i) for i in range(4))


class World:
    def __init__(self, name, start=True):
        stamp = "%x" % (int(time.time() * 1000) & 0xFFFFFF)
        self.name = "e2e-%s-%s" % (re.sub(r"[^a-z0-9]+", "-", name)[:40], stamp)
        self.cluster = Cluster(os.environ["KUBECONFIG"])
        self.ns = Namespace(self.cluster, self.name)
        self.cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": self.name}})
        self.registry = Registry()
        self.proxy = Proxy(self.cluster)
        self.folder = os.environ.get("E2E_LOGS") or tempfile.mkdtemp(prefix="shopflow-e2e-")
        os.makedirs(self.folder, exist_ok=True)
        self.log_path = os.path.join(self.folder, self.name + ".log")
        self.log = open(self.log_path, "a")
        self.controller = None
        self.exits = []
        self.kube_token = None  # what the kubeconfig says, if anything; the proxy drops it
        self.settings = tempfile.TemporaryDirectory(prefix="shopflow-e2e-")
        self.wait(lambda: self.ns.get("serviceaccounts", "default"), "the default ServiceAccount")
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.explain()
        self.stop()
        self.proxy.close()
        self.registry.close()
        self.log.close()
        self.settings.cleanup()
        try:
            self.cluster.request("DELETE", "/api/v1/namespaces/" + self.name)
        except ApiError:
            pass
        bad = [code for code in self.exits if code not in (0, -signal.SIGKILL)]
        assert not bad, f"the controller ended with {bad}: see {self.log_path}"

    def explain(self):
        """What a person would look at first when a scenario fails."""
        for release in self.ns.list("appreleases"):
            print(json.dumps(release.get("status"), indent=1), file=sys.stderr)
        for request in self.proxy.writes():
            print(request, file=sys.stderr)
        if os.path.exists(self.log_path):
            print(open(self.log_path).read()[-6000:], file=sys.stderr)

    # --- the controller ---

    def start(self, *flags):
        kubeconfig = os.path.join(self.settings.name, "kubeconfig")
        config = os.path.join(self.settings.name, "config.yaml")
        user = {"token": self.kube_token} if self.kube_token else {}
        with open(kubeconfig, "w") as f:
            json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "x",
                       "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
                       "clusters": [{"name": "x", "cluster": {"server": self.proxy.url}}],
                       "users": [{"name": "x", "user": user}]}, f)
        with open(config, "w") as f:
            json.dump({"registries": [{"host": self.registry.host, "plainHTTP": True}]}, f)
        self.controller = subprocess.Popen(
            [os.environ["CONTROLLER"], "--kubeconfig", kubeconfig, "--config", config,
             "--watch-namespaces", self.name, "--listen", "127.0.0.1:0", "--log-format", "text",
             *flags], stderr=self.log)

    def kill(self):
        self.controller.send_signal(signal.SIGKILL)
        self.exits.append(self.controller.wait())
        self.controller = None

    def stop(self):
        if not self.controller:
            return
        self.controller.send_signal(signal.SIGTERM)
        try:
            self.exits.append(self.controller.wait(10))
        except subprocess.TimeoutExpired:
            self.kill()
            self.exits.append("hung")
        self.controller = None

    # --- objects ---

    def image(self, app, commit_, pinned=False):
        reference = f"{self.registry.host}/{app}:{commit_[:7]}"
        return f"{reference}@{self.registry.images[f'{app}:{commit_[:7]}']}" if pinned else reference

    def push(self, app, *commits, content=None):
        for commit_ in commits:
            self.registry.push(app, commit_[:7], content)

    def app(self, app, commit_=GOOD, replicas=2, wait=True, pod=None, **spec):
        """A Deployment btc-<app> that runs the image of a commit, pinned as the controller does.
        pod, spec: more fields of its pods' spec, of its own."""
        self.push(app, commit_)
        labels = {"app": app}
        probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}
        self.ns.create("deployments", {
            "metadata": {"name": "btc-" + app}, "spec": {
                "replicas": replicas, "selector": {"matchLabels": labels},
                "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                "template": {"metadata": {"labels": labels}, "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{"name": app, "image": self.image(app, commit_, pinned=True),
                                    "readinessProbe": probe}], **(pod or {})}},
                **spec}})
        if wait and replicas:
            self.wait(lambda: self.is_complete(app), f"{app} to be complete")

    def release(self, commit_, apps, name="shop", health=None, **spec):
        body = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "AppRelease", "metadata": {"name": name},
                "spec": {"commit": commit_, "registry": self.registry.host,
                         "apps": [app if isinstance(app, dict) else {"name": app} for app in apps],
                         "health": {"soakSeconds": 1, "deadlineSeconds": 20, **(health or {})},
                         **spec}}
        if self.ns.get("appreleases", name):
            return self.ns.patch("appreleases", name, {"spec": body["spec"]})
        return self.ns.create("appreleases", body)

    def status(self, name="shop"):
        return (self.ns.get("appreleases", name) or {}).get("status") or {}

    def app_status(self, app, name="shop"):
        return next((a for a in self.status(name).get("apps", []) if a["name"] == app), {})

    def condition(self, kind, name="shop"):
        release = self.ns.get("appreleases", name) or {}
        for c in release.get("status", {}).get("conditions", []):
            if c["type"] == kind and c["observedGeneration"] == release["metadata"]["generation"]:
                return c
        return {}

    def deployment(self, app):
        return self.ns.get("deployments", "btc-" + app)

    def running_image(self, app):
        return self.deployment(app)["spec"]["template"]["spec"]["containers"][0]["image"]

    def set_image(self, app, image, manager="kubectl-set"):
        self.ns.patch("deployments", "btc-" + app, {"spec": {"template": {"spec": {
            "containers": [{"name": app, "image": image}]}}}}, STRATEGIC, manager=manager)

    def is_complete(self, app):
        d = self.deployment(app)
        n, s = d["spec"]["replicas"], d.get("status", {})
        return (s.get("observedGeneration", 0) >= d["metadata"]["generation"] and
                s.get("replicas", 0) == s.get("updatedReplicas", 0) ==
                s.get("availableReplicas", 0) == n)

    # --- waiting and counting ---

    @staticmethod
    def wait(true, what, timeout=60):
        return wait(true, what, timeout)

    def wait_ready(self, status, reason=None, name="shop", timeout=60):
        """Until Ready, for the newest generation, is so; returns the whole status."""
        def is_so():
            c = self.condition("Ready", name)
            return c.get("status") == status and reason in (None, c["reason"])
        self.wait(is_so, lambda: f"Ready={status} {reason}; is {self.condition('Ready', name)}",
                  timeout)
        return self.status(name)

    def wait_state(self, app, state, reason=None, name="shop", timeout=60):
        def is_so():
            a = self.app_status(app, name)
            return a.get("state") == state and reason in (None, a.get("reason")) and a
        return self.wait(is_so, lambda: f"{app} {state} {reason}; is {self.app_status(app, name)}",
                         timeout)

    def deployment_writes(self, app=None):
        """Bodies of the accepted writes to Deployments."""
        return [json.loads(r.body) for r in self.proxy.writes("deployments")
                if r.status == 200 and (not app or f"/btc-{app}?" in r.path)]

    def assert_quiet(self, seconds=3):
        before = len(self.proxy.writes())
        time.sleep(seconds)
        writes = self.proxy.writes()[before:]
        assert not writes, f"a settled release causes no write: {writes}"
