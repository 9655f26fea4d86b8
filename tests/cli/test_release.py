#!/usr/bin/env python3
"""shopflow against an API server that does what a test says: races, cut watches, refusals, signals.

usage: test_release.py SHOPFLOW [CASE…]"""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time

from api import LIST, MARK, ONE, ROOT, Api, condition, merge

SHOPFLOW = os.path.abspath(sys.argv[1])
OLD, NEW, OTHER = "1" * 40, "2" * 40, "3" * 40


def shop(**spec):
    """api and web at OLD, good."""
    return {"apiVersion": "deploy.btc-shopflow.io/v1alpha1", "kind": "AppRelease",
            "metadata": {"name": "shopflow", "namespace": "shop", "uid": "u", "resourceVersion": "10", "generation": 3},
            "spec": {"commit": OLD, "registry": "reg:5000", "apps": [{"name": "api"}, {"name": "web"}], **spec},
            "status": {"observedGeneration": 3, "apps": [
                {"name": n, "deployment": n, "state": "Updated", "reason": "Healthy", "commit": OLD, "targetCommit": OLD}
                for n in ("api", "web")], "conditions": [condition("Ready", "True", "ReleaseSucceeded", 3)]}}


class Case:
    """A folder, a kubeconfig for the server, and runs."""

    def __init__(self, obj="shop", user=None):
        self.api = Api(shop() if obj == "shop" else obj)
        self.folder = tempfile.TemporaryDirectory(prefix="shopflow-release-")
        self.home = self.folder.name
        self.kubeconfig(self.api.url, user)
        self.env = {"PATH": os.environ["PATH"], "HOME": self.home, "KUBECONFIG": self.home + "/kubeconfig",
                    "K8S_NAMESPACE": "shop", "PRIVATE_REGISTRY": "reg:5000", "USER": "ann",
                    "ASAN_OPTIONS": "exitcode=99"}  # a leak is none of our exit codes

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.api.close()
        self.folder.cleanup()

    def kubeconfig(self, server, user):
        with open(self.home + "/kubeconfig", "w", encoding="utf-8") as f:
            json.dump({"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
                       "clusters": [{"name": "x", "cluster": {"server": server}}],
                       "users": [{"name": "x", "user": user or {}}]}, f)

    def start(self, *words):
        return subprocess.Popen([SHOPFLOW, *words], cwd=self.home, env=self.env, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def run(self, *words, code=0, has=()):
        return self.finish(self.start(*words), code, has)

    @staticmethod
    def finish(process, code, has):
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, (process.returncode, out, err)
        for pattern in [has] if isinstance(has, str) else has:
            assert re.search(pattern, out + err), (pattern, out, err)
        return out + err

    def deploy(self, *words, **options):
        return self.run("deploy", "--apps", "api", "--commit", NEW, *words, **options)

    def good_after_write(self):
        self.api.after_write = lambda: self.api.settle(("Updated", "Healthy"), ("Unchanged", "SameDigest"))


def only_first(status, text, method="PATCH", times=1):
    return lambda m, path, n: (status, text) if m == method and n < times else None


# --- writing ---

def a_lost_race_is_computed_again():
    with Case() as c:
        c.good_after_write()

        def somebody_was_faster(method, path, n):
            if method == "PATCH" and n < 3:
                c.api.touch(lambda o: o["spec"]["apps"][1].update(commit=str(4 + n) * 40))
        c.api.fault = somebody_was_faster
        c.deploy(has="done: api")
        assert c.api.object["spec"]["apps"] == [{"name": "api"}, {"name": "web", "commit": "6" * 40}]
        assert len(c.api.writes()) == 4


def ten_lost_races_are_an_error():
    with Case() as c:
        c.api.fault = only_first(409, "Conflict: changed", times=99)
        c.deploy(code=1, has="somebody else changed AppRelease shopflow each of 10 times: run it again")
        assert len(c.api.writes()) == 10 and c.api.object == shop()


def created_by_two_at_once():
    with Case(None) as c:
        c.good_after_write()

        def first(method, path, n):
            if method == "POST" and n == 0:
                c.api.object = shop()
            return None
        c.api.fault = first
        c.deploy(has="done: api")
        assert c.api.object["spec"]["apps"] == [{"name": "api"}, {"name": "web", "commit": OLD}]


def what_a_webhook_changes_is_said():
    with Case() as c:
        carry_out = c.api.carry_out

        def webhook(method, path, body):
            if method == "PATCH":
                body["spec"]["apps"] = [{"name": "api", "commit": OTHER}, {"name": "web"}]
            return carry_out(method, path, body)
        c.api.carry_out = webhook
        c.deploy(code=1, has="keeps app 'api' at 3+ instead of 2+: an admission webhook")


def who_owns_it_is_told():
    obj = shop()
    obj["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "shop:x/AppRelease:shop/shopflow"}
    with Case(obj) as c:
        for words in (["deploy", "--apps", "api", "--commit", NEW], ["rollback", "--to", NEW], ["pause"], ["suspend"],
                      ["resume"], ["approve"]):
            c.run(*words, code=1, has="belongs to Argo CD's application shop.*shopflow deploy -o yaml")
        assert not c.api.writes()
        c.deploy("-o", "json", has='"kind":\\s*"AppRelease"')


# --- refusals, each with what to do ---

def refusals_say_what_to_do():
    rows = [("GET", 403, "Forbidden: no", 1, "no right to get appreleases in namespace shop: let a Role give it"),
            ("PATCH", 403, "Forbidden: no", 1, "no right to patch appreleases in namespace shop"),
            ("PATCH", 422, "Invalid: spec.commit", 2, "the cluster refuses it: .*spec.commit"),
            ("GET", 401, "Unauthorized", 1, "does not accept the credentials.*renew K8S_TOKEN"),
            ("PATCH", 500, "InternalError: x", 1, "HTTP 500")]
    for method, status, text, code, has in rows:
        with Case() as c:
            c.api.fault = only_first(status, text, method, times=99)
            c.deploy(code=code, has=has)
            assert c.api.object == shop()
    with Case(None) as c:
        c.api.fault = only_first(404, 'NotFound: namespaces "shop" not found', "POST")
        c.deploy(code=2, has="there is no namespace shop: kubectl create namespace shop")
        c.api.fault = lambda method, path, n: (404, "")
        c.run("status", code=2, has="the cluster has no AppRelease: .*helm install")
        c.api.fault = lambda method, path, n: None
        c.run("status", code=1, has="there is no AppRelease shopflow in namespace shop")
        c.kubeconfig("http://127.0.0.1:1", None)
        c.run("status", code=1, has="the cluster at http://127.0.0.1:1 cannot be reached")
        os.unlink(c.home + "/kubeconfig")
        c.run("status", code=2, has="kubeconfig")
        del c.env["KUBECONFIG"]
        c.run("status", code=2, has="no cluster is configured: set K8S_SERVER, K8S_CA_CERT and K8S_TOKEN")
        c.env["K8S_SERVER"] = "https://127.0.0.1:1"
        c.run("status", code=2, has="set all of K8S_SERVER, K8S_CA_CERT and K8S_TOKEN")


def reads_are_tried_again():
    with Case() as c:
        c.good_after_write()
        c.api.fault = only_first(503, "ServiceUnavailable: x", "GET", times=2)
        c.deploy(has="done: api")


# --- exec plugins ---

def plugin(c, body):
    path = c.home + "/plugin"
    with open(path, "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\n" + body)
    os.chmod(path, 0o755)
    c.kubeconfig(c.api.url, {"exec": {"command": "./plugin", "args": ["a b"], "env": [{"name": "WHO", "value": "ann"}],
                                      "apiVersion": "client.authentication.k8s.io/v1"}})


PRINT = """printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' """


def a_plugin_gives_the_token_and_again_when_it_is_no_longer_taken():
    with Case() as c:
        plugin(c, 'echo "$1 $WHO $KUBERNETES_EXEC_INFO" >> said\n' + PRINT + '"t$(wc -l < said)"\n')
        c.api.tokens = ["Bearer t2"]
        c.run("status", has="ReleaseSucceeded")
        with open(c.home + "/said", encoding="utf-8") as f:
            said = f.read().splitlines()
        assert len(said) == 2 and said[0].startswith('a b ann {"apiVersion"'), said
        c.api.tokens = []
        c.run("status", code=1, has="does not accept the credentials")


def a_plugin_that_fails_is_quoted():
    with Case() as c:
        plugin(c, "echo 'please run: cloud login' >&2\nexit 3\n")
        c.run("status", code=1, has=r"plugin' failed \(exit 3\): please run: cloud login")
        plugin(c, "echo nonsense\n")
        c.run("status", code=1, has="its output is no ExecCredential")
        os.unlink(c.home + "/plugin")
        c.run("status", code=1, has="plugin: No such file")


# --- waiting ---

def an_old_ready_is_not_ours():
    with Case() as c:
        c.api.after_write = lambda: threading.Timer(1, c.good_after_write_now).start()
        c.good_after_write_now = lambda: c.api.settle(("RolledBack", "CrashLoop"), ("Updated", "Healthy"),
                                                     ready=("False", "RolledBack"))
        c.deploy(code=3, has="api: CrashLoop")


def watches_may_break():
    for fault in ("cut", "gone", (403, "Forbidden: watch"), (500, "InternalError: x")):
        with Case() as c:
            c.good_after_write()
            c.api.fault = lambda method, path, n, f=fault: f if "watch=1" in path and watched(c) <= 2 else None
            c.deploy(has="done: api")


def watched(c):
    return sum("watch=1" in path for _, path, _ in c.api.requests)


def a_server_that_is_gone_for_a_while_is_waited_for():
    with Case() as c:
        down = []
        c.good_after_write()
        c.api.fault = lambda method, path, n: (
            "cut" if "watch=1" in path and not down and not down.append(1) else
            (500, "InternalError: down") if method == "GET" and down and len(down) < 6 and not down.append(1) else None)
        c.deploy(has=["HTTP 500.*trying again", "done: api"])


def deleted_meanwhile():
    with Case() as c:
        def gone():
            with c.api.lock:
                c.api.object = None
        c.api.after_write = gone
        c.deploy(code=6, has="the AppRelease was deleted")


def superseded_by_the_mainline_is_fine_in_ci():
    def newer(o):
        o["metadata"]["generation"] += 1
        o["metadata"]["annotations"] = {MARK + "mainline": OTHER}
        o["spec"].update(commit=OTHER, apps=[{"name": "api"}, {"name": "web"}])
    for env, words, code in (({}, [], 6), ({"CI": "true"}, [], 0), ({"CI": "true"}, ["--fail-if-superseded"], 6)):
        with Case() as c:
            c.env.update(env)
            c.api.after_write = lambda: c.api.touch(newer)
            c.deploy(*words, code=code, has="superseded: a newer release asks for api at 3333333")


def what_others_say_is_cleaned():
    with Case() as c:
        c.api.after_write = lambda: c.api.settle(("RolledBack", "CrashLoop"), ("Updated", "Healthy"),
                                                 ready=("False", "RolledBack"),
                                                 message="\x1b[2Jred\r\n::error::x token=hunter2")
        said = c.deploy(code=3)
        assert "\x1b" not in said and "hunter2" not in said and not re.search("^::", said, re.M), said


# --- logs ---

def owned(kind, name, owner, **fields):
    return {"kind": kind, "metadata": {"name": name, "uid": name, "ownerReferences": [{"uid": owner}],
                                       **fields.pop("meta", {})}, **fields}


def replicaset(name, revision, image):
    return owned("ReplicaSet", name, "api", meta={"annotations": {"deployment.kubernetes.io/revision": revision}},
                 spec={"template": {"spec": {"containers": [{"name": "c", "image": image}]}}})


def pod(name, owner, state, restarts=0):
    return owned("Pod", name, owner, spec={"containers": [{"name": "c"}]},
                 status={"containerStatuses": [{"name": "c", "restartCount": restarts, "state": state}]})


def put_pods(c):
    """Of api: an old ReplicaSet, a newer one whose second pod crashes; and a stranger's pod."""
    c.api.others = {
        "/apis/apps/v1/namespaces/shop/deployments/api": {
            "metadata": {"uid": "api"}, "spec": {"selector": {"matchLabels": {"app": "api", "a/b": "c"}}}},
        "/apis/apps/v1/namespaces/shop/replicasets": {"items": [
            replicaset("new", "10", "r/api:2"), replicaset("old", "9", "r/api:1")]},
        "/api/v1/namespaces/shop/pods": {"items": [
            pod("p-old", "old", {"running": {}}), pod("p-new", "new", {"running": {}}, 1),
            pod("p-crash", "new", {"waiting": {}}, 4), pod("p-other", "else", {"running": {}})]},
        **{f"/api/v1/namespaces/shop/pods/{name}/log": f"{name} says\n\x1b[2Jred\n"
           for name in ("p-old", "p-new", "p-crash", "p-other")}}


def logs_are_those_of_the_newest_pods():
    with Case() as c:
        put_pods(c)
        said = c.run("logs", "api", has=["p-new/c: p-new says", "p-crash/c: p-crash says"])
        assert "p-old" not in said and "p-other" not in said and "\x1b" not in said, said
        asked = {p.split("?")[0].split("/")[-2]: p for _, p, _ in c.api.requests if "/log?" in p}
        assert "previous=true" in asked["p-crash"] and "previous" not in asked["p-new"], asked
        assert any("labelSelector=app%3Dapi%2Ca%2Fb%3Dc" in p for _, p, _ in c.api.requests)
        c.run("logs", "nobody", code=2, has="app 'nobody' is not in the AppRelease")


def logs_of_an_app_that_failed_are_its_failed_pods():
    with Case() as c:
        put_pods(c)
        c.api.object["status"]["apps"][0].update(state="RolledBack", failedImage="r/api:1", failure={
            "pod": "gone", "container": "c", "logTail": "last words\n"})
        said = c.run("logs", "api", has="p-old/c: p-old says")
        assert "p-new" not in said, said
        c.api.object["status"]["apps"][0].update(failedImage="r/api:0")
        said = c.run("logs", "api", has=["pods that failed are gone", "gone/c: last words"])
        assert "p-new" not in said, said


# --- signals ---

def wait_for(true):
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def interrupted_before_it_is_written():
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        with Case() as c:
            c.api.fault = lambda method, path, n: "hang"
            run = c.start("deploy", "--apps", "api", "--commit", NEW)
            wait_for(lambda: c.api.requests)
            run.send_signal(number)
            c.finish(run, code, "nothing was released")
            assert not c.api.writes()


def interrupted_while_it_is_written():
    with Case() as c:
        def slow(method, path, n):
            if method == "PATCH":
                time.sleep(1)
        c.api.fault = slow
        run = c.start("deploy", "--apps", "api", "--commit", NEW)
        wait_for(c.api.writes)
        run.send_signal(signal.SIGINT)
        c.finish(run, 130, ["the release goes on without us", f"next: shopflow wait --commit {NEW}"])
        assert c.api.object["spec"]["commit"] == NEW


# --- a terminal ---

def on_terminal(c, env):
    """What `deploy` draws."""
    pid, fd = pty.fork()
    if pid == 0:
        try:
            os.chdir(c.home)
            os.execve(SHOPFLOW, [SHOPFLOW, "deploy", "--apps", "api", "--commit", NEW], {**c.env, **env})
        finally:
            os._exit(127)
    drawn = b""
    while select.select([fd], [], [], 30)[0]:
        try:
            piece = os.read(fd, 4096)
        except OSError:
            break
        if not piece:
            break
        drawn += piece
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    assert os.waitstatus_to_exitcode(status) == 0, drawn
    return drawn.decode()


def a_terminal_gets_a_table_and_colours():
    for env, colours in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False)):
        with Case() as c:
            c.good_after_write()
            drawn = on_terminal(c, env)
            assert "\x1b[K" in drawn and ("\x1b[32m" in drawn) == colours, repr(drawn)
            assert re.search(r"api +\S*Updated", drawn), repr(drawn)
    with Case() as c:
        c.good_after_write()
        assert "\x1b" not in on_terminal(c, {"TERM": "dumb"})


def main():
    failed = 0
    for name, case in list(globals().items()):
        if not callable(case) or name in HELPERS or isinstance(case, type) or case.__module__ != __name__:
            continue
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        start = time.monotonic()
        try:
            case()
            print(f"ok      {name} ({time.monotonic() - start:.1f} s)", flush=True)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            failed = 1
            print(f"FAILED  {name}: {error}", flush=True)
    return failed


HELPERS = ["owned", "replicaset", "pod", "put_pods", "condition", "merge", "shop", "only_first", "plugin", "watched", "wait_for", "on_terminal", "main"]

if __name__ == "__main__":
    sys.exit(main())
