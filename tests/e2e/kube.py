"""A small Kubernetes client on the standard library: one request, one answer."""

import base64
import copy
import http.client
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse

GROUP = "deploy.btc-shopflow.io"
PATHS = {
    "appreleases": f"/apis/{GROUP}/v1alpha1",
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "pods": "/api/v1",
    "events": "/apis/events.k8s.io/v1",
    "secrets": "/api/v1",
    "services": "/api/v1",
    "namespaces": "/api/v1",
    "serviceaccounts": "/api/v1",
    "roles": "/apis/rbac.authorization.k8s.io/v1",
    "rolebindings": "/apis/rbac.authorization.k8s.io/v1",
    "resourcequotas": "/api/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
    "poddisruptionbudgets": "/apis/policy/v1",
}
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


def wait(true, what, timeout=60):
    """Until true() is, which is returned; what: a text, or a function that makes it."""
    end = time.monotonic() + timeout
    while True:
        result = true()
        if result:
            return result
        if time.monotonic() > end:
            what = what() if callable(what) else what
            raise AssertionError(f"waited {timeout} s in vain for {what}")
        time.sleep(0.1)


class ApiError(Exception):
    def __init__(self, code, message):
        super().__init__(f"HTTP {code}: {message}")
        self.code = code


IDLE_SECONDS = 30  # a connection idle for longer is not trusted any more


class Cluster:
    """Where the API server is and who we are, from a kubeconfig."""

    def __init__(self, kubeconfig):
        text = subprocess.run(
            ["kubectl", "config", "view", "--raw", "--minify", "--flatten", "-o", "json"],
            env={**os.environ, "KUBECONFIG": kubeconfig}, check=True, capture_output=True).stdout
        config = json.loads(text)
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        url = urllib.parse.urlsplit(cluster["server"])
        self.host, self.port = url.hostname, url.port or 443
        self.token = user.get("token")
        self.kept = threading.local()  # each thread's connection
        self.ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.tls = ssl.create_default_context(cadata=self.ca)
        if "client-certificate-data" in user:
            with tempfile.NamedTemporaryFile() as pem:
                for key in ("client-certificate-data", "client-key-data"):
                    pem.write(base64.b64decode(user[key]) + b"\n")
                pem.flush()
                self.tls.load_cert_chain(pem.name)

    def with_token(self, token):
        """The same API server for another user, who has no certificate."""
        other = copy.copy(self)
        other.token, other.kept = token, threading.local()
        other.tls = ssl.create_default_context(cadata=self.ca)
        return other

    def connect(self, timeout=30):
        return http.client.HTTPSConnection(self.host, self.port, context=self.tls, timeout=timeout)

    def headers(self):
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def exchange(self, method, path, body, headers):
        """One request on this thread's connection; returns the answer and its bytes."""
        connection, used = getattr(self.kept, "connection", (None, 0))
        if not connection or time.monotonic() - used > IDLE_SECONDS:
            connection = self.connect()
        self.kept.connection = (None, 0)
        connection.request(method, path, body, {**headers, **self.headers()})
        answer = connection.getresponse()
        text = answer.read()
        self.kept.connection = (connection, time.monotonic())
        return answer, text

    def request(self, method, path, body=None, content_type="application/json"):
        answer, text = self.exchange(method, path, None if body is None else json.dumps(body),
                                     {"Content-Type": content_type})
        text = text.decode()
        if answer.status >= 300:
            try:
                text = json.loads(text)["message"]
            except (ValueError, KeyError):
                pass
            raise ApiError(answer.status, text)
        return json.loads(text) if text.startswith("{") else text


class Namespace:
    """The objects of one namespace, by kind and name."""

    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name

    def path(self, kind, name=None, sub=None, query=None):
        path = f"{PATHS[kind]}/namespaces/{self.name}/{kind}"
        return path + "".join(f"/{part}" for part in (name, sub) if part) + (
            f"?{query}" if query else "")

    def create(self, kind, body):
        return self.cluster.request("POST", self.path(kind), body)

    def get(self, kind, name):
        try:
            return self.cluster.request("GET", self.path(kind, name))
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def list(self, kind):
        return self.cluster.request("GET", self.path(kind))["items"]

    def patch(self, kind, name, body, content_type=MERGE, sub=None, manager=None):
        query = f"fieldManager={manager}" if manager else None
        return self.cluster.request("PATCH", self.path(kind, name, sub, query), body, content_type)

    def delete(self, kind, name):
        return self.cluster.request("DELETE", self.path(kind, name))
