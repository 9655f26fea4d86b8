"""An API server with one AppRelease, that does what a test says."""

import copy
import http.server
import json
import re
import threading
import time

ROOT = "/apis/deploy.btc-shopflow.io/v1alpha1"
LIST = ROOT + "/namespaces/shop/appreleases"
ONE = LIST + "/shopflow"
MARK = "deploy.btc-shopflow.io/"


def condition(kind, status, reason, generation, message=""):
    return {"type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": generation}


class Api:
    """One AppRelease and its watch. fault(request) → None, "hang", "cut", or (status, body)."""

    def __init__(self, obj=None):
        self.object, self.requests, self.lock = obj, [], threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.fault = lambda method, path, n: None
        self.events = []           # lines of the watch besides the object's own
        self.after_write = None    # what the controller makes of it
        self.tokens = None         # those that are taken
        self.others = {}           # path → what is there beside the AppRelease; text = a log
        self.closing = False
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_any(self):
                api.handle(self)
            do_GET = do_POST = do_PATCH = do_DELETE = do_any

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        with self.lock:
            self.closing = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()

    def touch(self, change):
        """Somebody changes the object."""
        with self.lock:
            change(self.object)
            meta = self.object["metadata"]
            meta["resourceVersion"] = str(int(meta["resourceVersion"]) + 1)
            self.changed.notify_all()

    def settle(self, *states, ready=("True", "ReleaseSucceeded"), message=""):
        """The controller has come to an end with the object as it is."""
        def change(obj):
            generation = obj["metadata"]["generation"]
            commit = obj["spec"]["commit"]
            obj["status"] = {"observedGeneration": generation, "apps": [
                {"name": app["name"], "deployment": app["name"], "state": state, "reason": reason, "message": message,
                 "targetCommit": app.get("commit", commit), "commit": app.get("commit", commit)}
                for app, (state, reason) in zip(obj["spec"]["apps"], states)],
                "conditions": [condition("Ready", *ready, generation, message),
                               condition("ImagesResolved", "True", "AllResolved", generation)]}
        self.touch(change)

    # --- the wire ---

    def handle(self, h):
        body = h.rfile.read(int(h.headers.get("Content-Length") or 0))
        path = h.path.split("?")[0]
        with self.lock:
            n = sum(1 for m, p, _ in self.requests if (m, p.split("?")[0]) == (h.command, path))
            self.requests.append((h.command, h.path, json.loads(body) if body else None))
        fault = self.fault(h.command, h.path, n)
        if self.tokens is not None and h.headers.get("Authorization") not in self.tokens:
            fault = (401, "Unauthorized")
        if fault == "hang":
            while not self.closing:
                time.sleep(0.05)
            return
        if isinstance(fault, tuple):
            return self.answer(h, fault[0], {"kind": "Status", "code": fault[0], "message": fault[1],
                                             "reason": fault[1].split(":")[0]} if fault[1] else None)
        if "watch=1" in h.path:
            return self.watch(h, fault)
        self.answer(h, *self.carry_out(h.command, path, json.loads(body) if body else None))

    @staticmethod
    def answer(h, status, tree):
        tree = "404 page not found\n" if tree is None else tree
        text = tree.encode() if isinstance(tree, str) else json.dumps(tree).encode()
        h.send_response(status)
        h.send_header("Content-Type", "text/plain" if isinstance(tree, str) else "application/json")
        h.send_header("Content-Length", str(len(text)))
        h.end_headers()
        h.wfile.write(text)

    def carry_out(self, method, path, body):
        with self.lock:
            if path in self.others:
                return 200, self.others[path]
            if path == ROOT:
                return 200, {"kind": "APIResourceList"}
            gone = {"kind": "Status", "code": 404, "reason": "NotFound", "message": "not found"}
            if method == "POST":
                if self.object:
                    return 409, {"kind": "Status", "code": 409, "reason": "AlreadyExists", "message": "exists"}
                self.object = body
                body["metadata"].update(resourceVersion="1", generation=1, uid="u")
            elif not self.object:
                return 404, gone
            elif method == "PATCH":
                meta = self.object["metadata"]
                if body.get("metadata", {}).get("resourceVersion", meta["resourceVersion"]) != meta["resourceVersion"]:
                    return 409, {"kind": "Status", "code": 409, "reason": "Conflict", "message": "changed"}
                before = copy.deepcopy(self.object["spec"])
                merge(self.object, {k: v for k, v in body.items() if k in ("spec", "metadata")})
                meta["generation"] += before != self.object["spec"]
                meta["resourceVersion"] = str(int(meta["resourceVersion"]) + 1)
            if method in ("PATCH", "POST"):
                self.changed.notify_all()
                if self.after_write:
                    threading.Timer(0.2, self.after_write).start()
            return 200, copy.deepcopy(self.object)

    def watch(self, h, fault):
        h.send_response(200)
        h.send_header("Content-Type", "application/json")
        h.send_header("Connection", "close")
        h.end_headers()
        sent = re.search(r"resourceVersion=(\d+)", h.path).group(1)
        if fault == "cut":
            h.wfile.write(b'{"type":"MODIFIED","object":{"meta')
            return
        if fault == "gone":
            h.wfile.write(b'{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}\n')
            h.wfile.flush()
            while not self.closing:
                time.sleep(0.05)
            return
        while not self.closing:
            with self.lock:
                if not self.object:
                    return
                if self.object["metadata"]["resourceVersion"] == sent:
                    self.changed.wait(0.2)
                    continue
                sent = self.object["metadata"]["resourceVersion"]
                line = json.dumps({"type": "MODIFIED", "object": self.object}).encode() + b"\n"
            try:
                h.wfile.write(line)
            except OSError:
                return

    def writes(self):
        return [r for r in self.requests if r[0] in ("POST", "PATCH", "DELETE")]


def merge(into, patch):
    for key, value in patch.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
