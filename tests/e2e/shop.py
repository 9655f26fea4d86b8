"""A shop on the real node: a namespace with the demo's Deployments, Services and traffic, under the
controller that the demo installed with helm; and what the API server's audit log says was written.

Environment: KUBECONFIG; REGISTRY, the node's; AUDIT_LOG, the API server's."""

import contextlib
import datetime
import json
import os
import pathlib
import subprocess
import time

from kube import GROUP, ApiError, Cluster, Namespace, wait

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTROLLER = "shopflow-demo-system"
ACCOUNT = f"system:serviceaccount:{CONTROLLER}:btc-shopflow-deployer"


def commit(digit, n=0):
    return f"{digit}{n:06x}".ljust(40, "0")


def push(app, commit_, fate="good"):
    subprocess.run([ROOT / "hack/testcluster/image.sh", "--registry", os.environ["REGISTRY"],
                    "shop", app, commit_[:7], fate], check=True, stdout=subprocess.DEVNULL)


def moment(text):
    """Seconds since the epoch of an API server's time."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Write:
    """One request that changes something, from the audit log."""

    def __init__(self, entry):
        ref = entry.get("objectRef", {})
        self.user, self.verb, self.code = entry["user"]["username"], entry["verb"], entry["responseStatus"]["code"]
        self.impersonated = entry.get("impersonatedUser", {}).get("username")
        self.namespace, self.name = ref.get("namespace"), ref.get("name")
        self.kind = "/".join(filter(None, (ref.get("resource"), ref.get("subresource"))))
        self.body = entry.get("requestObject")
        self.received, self.done = moment(entry["requestReceivedTimestamp"]), moment(entry["stageTimestamp"])

    def __repr__(self):
        return f"{self.verb} {self.namespace}/{self.kind}/{self.name} -> {self.code}"


def writes(namespace, user=ACCOUNT, kind=None, since=0):
    """What user wrote in the namespace, in order; since: seconds since the epoch."""
    with open(os.environ["AUDIT_LOG"], encoding="utf-8") as log:
        all_ = [Write(json.loads(line)) for line in log if f'"{namespace}"' in line]
    return [w for w in all_ if w.namespace == namespace and w.received >= since and
            kind in (None, w.kind) and user in (None, w.user)]


class Shop:
    def __init__(self, name, first=commit("1"), traffic=True):
        self.name = name
        self.cluster = Cluster(os.environ["KUBECONFIG"])
        self.ns = Namespace(self.cluster, name)
        push("api", first)
        push("web", first)
        self.kubectl("delete", "namespace", name, "--ignore-not-found", stdout=subprocess.DEVNULL)
        self.kubectl("create", "namespace", name, stdout=subprocess.DEVNULL)
        self.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted",
                     stdout=subprocess.DEVNULL)
        text = (ROOT / "hack/demo/shop.yaml").read_text()
        text = text.replace("REGISTRY", os.environ["REGISTRY"]).replace("FIRST", first[:7])
        if not traffic:
            text = text[:text.index("# Asks both")]
        self.kubectl("-n", name, "apply", "-f", "-", input=text.encode(), stdout=subprocess.DEVNULL)
        self.kubectl("-n", name, "wait", "--for=condition=Available", "deployment", "--all", "--timeout=120s",
                     stdout=subprocess.DEVNULL)
        self.began = time.time()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.explain()
        else:
            self.cluster.request("DELETE", "/api/v1/namespaces/" + self.name)

    def explain(self):
        for command in (["get", "arel,deployments,pods"], ["get", "arel", "-o", "yaml"], ["get", "events"],
                        ["logs", "deployment/traffic", "--timestamps"]):
            subprocess.run(["kubectl", "-n", self.name, *command], check=False)
        subprocess.run(["kubectl", "-n", CONTROLLER, "logs", "deployment/btc-shopflow-deployer", "--tail=30"],
                       check=False)

    @staticmethod
    def kubectl(*arguments, **options):
        return subprocess.run(["kubectl", *arguments], check=True, **options)

    def release(self, commit_, apps=("api",), name="shop", **spec):
        body = {"commit": commit_, "registry": os.environ["REGISTRY"], "missingImagePolicy": "Fail",
                "apps": [{"name": app} if isinstance(app, str) else app for app in apps],
                "health": {"soakSeconds": 2, "deadlineSeconds": 60, **spec.pop("health", {})}, **spec}
        try:
            return self.ns.patch("appreleases", name, {"spec": body})
        except ApiError as error:
            if error.code != 404:
                raise
            return self.ns.create("appreleases", {"apiVersion": f"{GROUP}/v1alpha1", "kind": "AppRelease",
                                                  "metadata": {"name": name}, "spec": body})

    def ready(self, name="shop"):
        """The Ready condition of the newest generation; {} before it is written."""
        release = self.ns.get("appreleases", name)
        for c in release.get("status", {}).get("conditions", []):
            if c["type"] == "Ready" and c["observedGeneration"] == release["metadata"]["generation"]:
                return c
        return {}

    def wait_ready(self, reason, timeout=90, name="shop"):
        wait(lambda: self.ready(name).get("reason") == reason,
             lambda: f"Ready of {name} to say {reason}; is {self.ready(name)}", timeout)
        return self.ns.get("appreleases", name)["status"]

    def app_status(self, app, name="shop"):
        status = self.ns.get("appreleases", name).get("status", {})
        return next((a for a in status.get("apps", []) if a["name"] == app), {})

    def image(self, app):
        return self.ns.get("deployments", "btc-" + app)["spec"]["template"]["spec"]["containers"][0]["image"]

    def counts(self):
        """Requests sent and failed so far."""
        out = self.kubectl("-n", self.name, "exec", "deployment/traffic", "--", "/shop", "count",
                           capture_output=True).stdout.decode().split()
        return int(out[0]), int(out[2])

    def patches(self, app):
        """What the controller sent to the Deployment, accepted."""
        return [w for w in writes(self.name, kind="deployments", since=self.began)
                if w.name == "btc-" + app and w.code == 200]

    def kinds(self, app):
        return [attempt_of(w)["kind"] for w in self.patches(app)]

    def order(self):
        """(app, kind) of each patch that the API server accepted, in order."""
        return [(w.name.removeprefix("btc-"), attempt_of(w)["kind"])
                for w in writes(self.name, kind="deployments", since=self.began) if w.code == 200]


@contextlib.contextmanager
def controller_away():
    """No controller runs meanwhile."""
    scale = ["-n", CONTROLLER, "scale", "deployment/btc-shopflow-deployer"]
    pods = ["-n", CONTROLLER, "wait", "pod", "-l", "app.kubernetes.io/name=btc-shopflow-deployer", "--timeout=60s"]
    Shop.kubectl(*scale, "--replicas=0", stdout=subprocess.DEVNULL)
    try:
        Shop.kubectl(*pods, "--for=delete", stdout=subprocess.DEVNULL)
        yield
    finally:
        Shop.kubectl(*scale, "--replicas=1", stdout=subprocess.DEVNULL)


def attempt_of(write):
    return json.loads(write.body["metadata"]["annotations"][GROUP + "/attempt"])
