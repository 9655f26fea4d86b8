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


class Run:
    """One run of shopflow under way. Without a terminal: plain lines."""

    def __init__(self, w, *words, env=None):
        self.words = words
        home = os.path.join(w.settings.name, "home")
        os.makedirs(home, exist_ok=True)
        given = {"PATH": os.environ["PATH"], "KUBECONFIG": os.environ["KUBECONFIG"], "HOME": home,
                 "PRIVATE_REGISTRY": w.registry.host, "K8S_NAMESPACE": w.name, "USER": "alice", **(env or {})}
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
