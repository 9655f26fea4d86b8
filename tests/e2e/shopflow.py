"""shopflow, the command-line tool, against a real API server and the controller: what it asks for, how
it waits, how it ends.

Environment: SHOPFLOW, the binary; and what world.py needs."""

import json
import os
import re
import signal
import subprocess
import time

from scenario import scenario
from world import CRASH, GOOD, GOOD2, GOOD3, PREFIX, World, commit

NAME = "shop"


def home_of(w):
    """The home and working folder of the runs."""
    home = os.path.join(w.settings.name, "home")
    os.makedirs(home, exist_ok=True)
    return home


class Run:
    """One run of shopflow under way. Without a terminal: plain lines."""

    def __init__(self, w, *words, env=None):
        self.words = words
        home = home_of(w)
        given = {"PATH": os.environ["PATH"], "KUBECONFIG": os.environ["KUBECONFIG"], "HOME": home,
                 "PRIVATE_REGISTRY": w.registry.host, "K8S_NAMESPACE": w.name, "USER": "alice", "ASAN_OPTIONS": "exitcode=99",
                 **(env or {})}
        self.process = subprocess.Popen([os.environ["SHOPFLOW"], *words, "--name", NAME], cwd=home,
                                        env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self, code, timeout=90):
        """Its exit code must be this; returns what it said."""
        self.out, self.err = self.process.communicate(timeout=timeout)
        assert self.process.returncode == code, (self.words, self.process.returncode, self.out, self.err)
        return self

    def has(self, *patterns):
        for pattern in patterns:
            assert re.search(pattern, self.out + self.err), (pattern, self.out, self.err)
        return self


def shopflow(w, *words, code=0, env=None, timeout=90):
    return Run(w, *words, env=env).end(code, timeout)


HEALTH = {"soakSeconds": 1, "deadlineSeconds": 20}


def made(w, *apps, **spec):
    """The environment's object, with all apps good at GOOD."""
    for app in apps:
        w.app(app)
    w.release(GOOD, apps, health=HEALTH, **spec)
    w.wait_ready("True")


@scenario
def shopflow_deploys_one_app(name):
    """Exit 0 and what is asked for; the app that is not meant stays at its commit."""
    with World(name) as w:
        made(w, "api", "web")
        w.push("api", GOOD2)
        run = shopflow(w, "deploy", "--apps", "api", "--commit", GOOD2)
        run.has(r"api +a100000 -> a200000", r"web +a100000 +kept", r"api: Updating \d->\d/2",
                r"done: api at a200000", r"next: shopflow status")
        assert w.app_status("api")["commit"] == GOOD2
        spec = w.ns.get("appreleases", NAME)["spec"]
        assert spec["commit"] == GOOD2 and spec["apps"] == [{"name": "api"}, {"name": "web", "commit": GOOD}], spec
        assert spec["source"]["actor"] == "alice"
        assert not w.deployment_writes("web")
        again = shopflow(w, "deploy", "--apps", "api", "--commit", GOOD2)
        again.has(r"api +a200000 +as it is", "done: api")
        assert len(w.deployment_writes("api")) == 1, "nothing is rolled a second time"
        shopflow(w, "wait", "--commit", GOOD2[:7]).has("done")
        shown = json.loads(shopflow(w, "status", "-o", "json").out)
        assert shown["spec"]["commit"] == GOOD2


@scenario
def shopflow_tells_the_cause(name):
    """A crash: exit 3, pod, exit code; what ran before runs."""
    with World(name) as w:
        made(w, "api")
        w.push("api", CRASH)
        run = shopflow(w, "deploy", "--apps", "api", "--commit", CRASH, code=3)
        run.has(r"api: RollingBack", r"failed; what ran before runs: api: CrashLoop", r"exit code 1",
                r"next: .*shopflow logs api")
        assert w.running_image("api") == w.image("api", GOOD, pinned=True)
        shopflow(w, "wait", "--commit", CRASH, code=3).has("CrashLoop")


@scenario
def shopflow_goes_back(name):
    """History, rollback with its table and its mark; a second app is left alone."""
    with World(name) as w:
        made(w, "api", "web")
        w.push("api", GOOD2)
        shopflow(w, "deploy", "--apps", "api", "--commit", GOOD2)
        shopflow(w, "history").has(r"a200000 +Succeeded .* alice .*api .*others: web at a100000", r"a100000 +Succeeded")
        before = w.ns.get("appreleases", NAME)["metadata"]["resourceVersion"]
        shopflow(w, "rollback", "--dry-run").has(r"api +a200000 -> a100000", "nothing was written")
        assert w.ns.get("appreleases", NAME)["metadata"]["resourceVersion"] == before
        shopflow(w, "rollback").has(r"api +a200000 -> a100000", "done")
        assert w.running_image("api") == w.image("api", GOOD, pinned=True) and not w.deployment_writes("web")
        marks = json.loads(w.ns.get("appreleases", NAME)["metadata"]["annotations"][PREFIX + "rolled-back"])
        assert marks == {"api": {"commit": GOOD2, "by": "alice"}}, marks
        shopflow(w, "rollback", "--to", GOOD2[:7], "--apps", "api").has("done: api at a200000")
        assert w.running_image("api") == w.image("api", GOOD2, pinned=True)
        shopflow(w, "rollback", "--apps", "web", code=1).has("no good release with other images")
        shopflow(w, "rollback", "--apps", "no-such", code=2, env={}).has("no-such")


@scenario
def shopflow_waits_for_people(name):
    """Pause, approve, suspend: exit 7 and the next command, which is then enough."""
    with World(name) as w:
        made(w, "api")
        w.push("api", GOOD2), w.push("api", GOOD3)
        shopflow(w, "pause").has("paused", "next: shopflow resume")
        shopflow(w, "deploy", "--apps", "api", "--commit", GOOD2, code=7).has("waiting for a person: Paused", "shopflow resume")
        shopflow(w, "resume")
        shopflow(w, "wait").has("done")
        w.ns.patch("appreleases", NAME, {"spec": {"approval": {"required": True}}})
        shopflow(w, "deploy", "--apps", "api", "--commit", GOOD3, code=7).has("next: shopflow approve")
        shopflow(w, "approve", "--commit", GOOD2, code=1).has("the release is a3")
        shopflow(w, "approve").has("approved: a3")
        shopflow(w, "wait", "--commit", GOOD3).has("done")
        shopflow(w, "suspend").has("not even back")
        shopflow(w, "rollback", "--to", GOOD2, code=7).has("Suspended", "shopflow resume")
        shopflow(w, "resume").has("goes on")
        shopflow(w, "wait", code=7).has("WaitingForApproval")  # to go back is a release too
        shopflow(w, "approve")
        shopflow(w, "wait").has("done")
        assert w.running_image("api") == w.image("api", GOOD2, pinned=True)


@scenario
def shopflow_tells_what_a_release_would_do(name):
    """diff is a Plan: nothing is touched, nothing is left behind."""
    with World(name) as w:
        made(w, "api", "web")
        w.push("api", GOOD2)
        before = w.ns.get("appreleases", NAME)["metadata"]["resourceVersion"]
        run = shopflow(w, "diff", "--apps", "api", "--commit", GOOD2, "--exit-code", code=5)
        run.has(r"api +would roll", r"api:a100000@sha256:\w+ -> \S+api:a200000@", r"web +Unchanged")
        shopflow(w, "diff", "--apps", "api", "--commit", GOOD, "--exit-code").has(r"api +Unchanged")
        assert [r["metadata"]["name"] for r in w.ns.list("appreleases")] == [NAME]
        assert w.ns.get("appreleases", NAME)["metadata"]["resourceVersion"] == before
        assert not w.deployment_writes()
        shown = shopflow(w, "deploy", "--apps", "api", "--commit", GOOD2, "-o", "yaml").out
        assert f"commit: {GOOD2}" in shown.replace('"', "") and "resourceVersion" not in shown
        shopflow(w, "deploy", "--apps", "api", "--commit", GOOD2, "--dry-run").has("api +a100000 -> a200000")
        assert w.ns.get("appreleases", NAME)["metadata"]["resourceVersion"] == before


@scenario
def shopflow_stops_waiting(name):
    """Timeout 4, superseded 6, no way back 7, Ctrl-C 130: each says how it goes on."""
    with World(name) as w:
        made(w, "api")
        shopflow(w, "deploy", "--apps", "api", "--commit", GOOD2, "--timeout", "1s", code=4).has(
            "timed out after 1 s; the release goes on", "next: shopflow wait --commit a2")  # its image is not pushed yet
        waiting = Run(w, "wait", "--commit", GOOD2)
        stopped = Run(w, "wait", "--commit", GOOD2)
        time.sleep(1)
        stopped.process.send_signal(signal.SIGINT)
        stopped.end(130).has("interrupted: the release goes on without us", "next: shopflow wait --commit a2")
        w.push("api", GOOD3)
        shopflow(w, "deploy", "--apps", "api", "--commit", GOOD3)
        waiting.end(6).has("superseded: a newer release asks for .*a3")
        w.app("lone", CRASH, wait=False)
        w.push("lone", commit("bad0", 5))
        run = shopflow(w, "deploy", "--apps", "lone", "--commit", commit("bad0", 5), code=7)
        run.has("NoRollbackTarget", "a person must look", "next: .*shopflow rollback")


@scenario
def shopflow_shops_side_by_side(name):
    """Two developers release different apps at once: neither undoes the other's."""
    with World(name) as w:
        made(w, "api", "web")
        w.push("api", GOOD2), w.push("web", GOOD3)
        runs = [Run(w, "deploy", "--apps", "api", "--commit", GOOD2), Run(w, "deploy", "--apps", "web", "--commit", GOOD3)]
        for run in runs:
            run.end(0).has("done")
        assert w.running_image("api") == w.image("api", GOOD2, pinned=True)
        assert w.running_image("web") == w.image("web", GOOD3, pinned=True)
        assert len(w.deployment_writes("api")) == len(w.deployment_writes("web")) == 1


@scenario
def shopflow_creates_and_tries_again(name):
    """The first release makes the object; retry tries a failed image once more, and is waited for."""
    with World(name) as w:
        w.app("api")
        with open(os.path.join(home_of(w), "shopflow.yaml"), "w", encoding="utf-8") as f:
            json.dump({"release": {"health": HEALTH}}, f)
        shopflow(w, "status", code=1).has("there is no AppRelease shop")
        w.push("api", CRASH)
        shopflow(w, "deploy", "--apps", "api", "--commit", CRASH, code=3).has(r"api +new -> bad0001")
        shopflow(w, "deploy", "--apps", "api", "--commit", CRASH, code=3)
        writes = len(w.deployment_writes())
        shopflow(w, "retry", code=3).has("tried once more")
        assert len(w.deployment_writes()) == writes + 2, "one more attempt and its rollback"
