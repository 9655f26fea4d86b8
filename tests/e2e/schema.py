"""The schema campaign: what may be written into an AppRelease, and what becomes of it.

the-crd-and-the-controller-agree  each sample of each field, alone: the API server and spec.c say the
                                  same of it, about the same field, and what is allowed
what-was-stored-before-a-rule     each spec that the API server refuses, as if it were stored: InvalidSpec
specs-come-and-go                 hundreds of transitions between specs, each to its stated end"""

import collections
import concurrent.futures
import copy
import datetime
import itertools
import json
import os
import random
import re
import subprocess
import time

from kube import GROUP, ApiError
from samples import ABSENT, EVERYTHING, LEAST, NOT_ALONE, RULES, Sample, all_samples, get, leaves, put, schema
from scenario import scenario
from world import GOOD, GOOD2, GOOD3, World, commit


def verdicts(specs):
    """What the controller's own check says of each."""
    lines = "\n".join(json.dumps(spec) for spec in specs) + "\n"
    out = subprocess.run([os.environ["SPEC_VERDICT"]], input=lines, check=True, capture_output=True,
                         text=True).stdout.split("\n")
    assert len(out) == len(specs) + 1, "one line a spec"
    return out[:-1]


def body(spec, name="shop"):
    return {"apiVersion": f"{GROUP}/v1alpha1", "kind": "AppRelease", "metadata": {"name": name}, "spec": spec}


def refusal(w, spec):
    """The API server's words against it, or None."""
    try:
        w.cluster.request("POST", w.ns.path("appreleases", query="dryRun=All"), body(spec))
        return None
    except ApiError as error:
        assert error.code in (400, 422), error
        return str(error)


def is_about(message, path):
    """Does it name the field, or a part of it, or what it is a part of?"""
    wanted = "spec." + path
    named = re.findall(r"\bspec(?:\.[A-Za-z]+|\[\])*(?=:| in body)", re.sub(r"\[\d+\]", "[]", message))
    return any(p.startswith(wanted) or wanted.startswith((p + ".", p + "[")) for p in named)


def the_cluster(w):
    """Is its CRD ours? Another checkout's may have been put there."""
    crd = w.cluster.request("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/appreleases.{GROUP}")
    served = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    ours = schema()["properties"]
    assert served.keys() == ours.keys(), f"the cluster's CRD is another one: {served.keys() ^ ours.keys()}"


def told(sample):
    return f"{sample.path} = {'(absent)' if sample.value is ABSENT else repr(sample.value)[:80]}"


def check_sample(sample, spec, server, own, where):
    what = f"{where} {told(sample)}"
    problems = []
    if sample.good != (server is None):
        problems.append(f"{what}: the API server says {server}")
    if sample.good != (own == "ok"):
        problems.append(f"{what}: the controller says {own}")
    for message in (server, own if own != "ok" else None):
        if message and not is_about(message, sample.path):
            problems.append(f"{what}: is not named in: {message}")
        if message and not sample.good and sample.words and not any(word in message for word in sample.words):
            problems.append(f"{what}: none of {sample.words} is in: {message}")
    return problems


def check_rule(rule, server, own):
    problems = []
    if (own == "ok", server is None) != (rule.good, rule.server):
        problems.append(f"{rule.path}: the API server says {server}, the controller {own}")
    for message in (server, own if own != "ok" else None):
        if message and not is_about(message, rule.path):
            problems.append(f"{rule.path} is not named in: {message}")
    return problems


@scenario
def the_crd_and_the_controller_agree(name):
    with World(name, start=False) as w:
        the_cluster(w)
        cases = [(s, put(EVERYTHING, s.path, s.value), "everything,") for s in all_samples()]
        cases += [(s, put(LEAST, s.path, s.value), "least,") for s in all_samples()
                  if (s.path, s.value) not in NOT_ALONE]
        problems = []
        for (sample, spec, where), own in zip(cases, verdicts([spec for _, spec, _ in cases])):
            problems += check_sample(sample, spec, refusal(w, spec), own, where)
        for rule, own in zip(RULES, verdicts([rule.spec for rule in RULES])):
            problems += check_rule(rule, refusal(w, rule.spec), own)
        print(f"{len(cases)} samples of {len(leaves())} fields")
        assert not problems, "\n" + "\n".join(problems)


def end_of(release):
    """(Ready, its reason, its message, is Stalled there) for the newest generation, or None."""
    status, generation = release.get("status", {}), release["metadata"]["generation"]
    conditions = {c["type"]: c for c in status.get("conditions", [])}
    ready = conditions.get("Ready")
    if not ready or not status.get("observedGeneration") == ready["observedGeneration"] == generation:
        return None
    return ready["status"], ready["reason"], ready["message"], "Stalled" in conditions


class Canary:
    """A release beside those that are tried: it still goes from commit to commit, in seconds."""

    def __init__(self, w):
        self.w, self.n = w, 0
        w.app("canary", replicas=0)
        w.push("canary", GOOD2)

    def sings(self):
        self.n += 1
        begin = time.monotonic()
        self.w.release((GOOD2, GOOD)[self.n % 2], ["canary"], name="canary")
        self.w.wait_ready("True", "ReleaseSucceeded", name="canary", timeout=20)
        assert self.w.controller.poll() is None, "the controller ended"
        return time.monotonic() - begin


@scenario
def what_was_stored_before_a_rule(name):
    """Two bad samples of each field and every rule: each is InvalidSpec with the controller's words,
    nothing is written to a Deployment, and nothing again and again."""
    with World(name) as w:
        the_cluster(w)
        canary = Canary(w)
        some = collections.defaultdict(list)
        for sample in all_samples():
            if not sample.good:
                some[sample.path].append(put(EVERYTHING, sample.path, sample.value))
        specs = [spec for of_path in some.values() for spec in (of_path[0], of_path[-1])]
        specs += [rule.spec for rule in RULES if not rule.good]
        stored = {f"old-{i}": spec for i, spec in enumerate(specs)}
        wanted = dict(zip(stored, verdicts(specs)))

        def spoil(release):
            release["spec"] = stored.get(release["metadata"]["name"], release["spec"])
        w.proxy.rewrite = spoil
        for old in stored:
            w.ns.create("appreleases", body(LEAST, old))

        def wrong():
            ends = {r["metadata"]["name"]: end_of(r) for r in w.ns.list("appreleases")}
            return {old: (ends[old], wanted[old]) for old in stored
                    if ends[old] != ("False", "InvalidSpec", wanted[old], True)}
        w.wait(lambda: not wrong(), lambda: f"InvalidSpec: {wrong()}", timeout=60)
        w.assert_quiet()
        canary.sings()
        assert all("btc-canary" in r.path for r in w.proxy.writes("deployments"))
        print(f"{len(stored)} specs as if stored before a rule")


# --- transitions ---

MISSING = commit(n=9)  # never pushed
ALWAYS = {"schedule": "* * * * *", "durationSeconds": 3600}
# Something to roll, with what may hold it.
HELD = [{"commit": GOOD2, **hold} for hold in (
    {"paused": True}, {"approval": {"required": True}}, {"approval": {"required": True, "approvedCommit": GOOD}},
    {"approval": {"required": True, "approvedCommit": GOOD2}}, {"freezeWindows": [ALWAYS]}, {"suspend": True},
    {"mode": "Plan"}, {"paused": True, "mode": "Plan"}, {"onFailure": "Halt"})]


class Walker:
    """One AppRelease that is changed again and again, one field at a time. Its Deployments have no
    replicas, so that a release needs no pods to end."""

    def __init__(self, w, n):
        self.w, self.name = w, f"walk{n}"
        a, b = f"walk{n}a", f"walk{n}b"
        host = w.registry.host
        self.refused = self.accepted = 0
        self.deployments = {f"btc-{a}", f"btc-{b}", f"p-{b}"}
        self.base = {**copy.deepcopy(EVERYTHING), "commit": GOOD, "registry": host, "deploymentPrefix": "btc-",
                     "serviceAccountName": "deployer",
                     "apps": [{"name": a, "deployment": f"btc-{a}", "repository": f"{host}/{a}",
                               "containers": [a], "commit": GOOD, "dependsOn": [b]},
                              {"name": b, "repository": f"{host}/{b}"}]}
        self.live = {  # where a good sample of the tables would mean nothing here
            "commit": [GOOD2, GOOD3, MISSING], "apps[].commit": [GOOD2, MISSING[:7], GOOD3[:7]],
            "registry": [f"{host}/team", "127.0.0.1:1"], "apps[].repository": [f"{host}/team/{a}", "127.0.0.1:1/x"],
            "apps[].deployment": [f"nobody-{n}"], "apps[].name": [f"{a}x"], "deploymentPrefix": ["p-", ""],
            "apps[].containers[]": ["nobody"], "apps[].containers": [[a], []], "apps[].dependsOn[]": [],
            "apps": [self.base["apps"][1:], self.base["apps"][::-1]], "serviceAccountName": ["de.ployer"],
            "ttlSecondsAfterFinished": [600, 31536000, None],
            "freezeWindows": [[ALWAYS], [{**ALWAYS, "timeZone": "Mars/Olympus"}]],
            "approval": [{"required": True}, {"required": True, "approvedCommit": GOOD2}]}
        self.last = None
        for app in (a, b):
            w.app(app, replicas=0)
            for image in (app, "team/" + app, app + "x"):
                w.push(image, GOOD, GOOD2, GOOD3)
        self.copy_deployment(b, f"p-{b}")

    def copy_deployment(self, app, name):
        d = self.w.deployment(app)
        self.w.ns.create("deployments", {"metadata": {"name": name}, "spec": d["spec"]})

    def samples(self):
        for sample in all_samples():
            if not sample.good or sample.value is ABSENT or sample.path not in self.live:
                yield sample
        for path, values in self.live.items():
            yield from (Sample(path, value, True, []) for value in values)

    def walk(self, first, step):
        """Its share of the samples, each instead of one field of the base, where every field is set.
        Yields (what, what was wrong)."""
        self.w.ns.create("appreleases", body(self.base, self.name))
        yield "begin", self.ends_as(self.base)
        for sample in list(self.samples())[first::step]:
            yield self.try_one(sample, put(self.base, sample.path, sample.value))
        for fields in HELD[first::step]:
            yield "back", self.change(self.base) or self.ends_as(self.base)
            spec = {**self.base, **fields}
            yield f"{fields}", self.change(spec) or self.ends_as(spec)
        yield "back", self.change(self.base) or self.ends_as(self.base)

    def mix(self, seed, rounds):
        """Several good samples at once, from one such spec straight to the next."""
        chance = random.Random(seed)
        good = [s for s in self.samples() if s.good]
        for _ in range(rounds):
            some, spec = chance.sample(good, 3), self.base
            for sample in some:
                if get(spec, sample.path.rpartition("[]")[0]) is not ABSENT:  # not below what was removed
                    spec = put(spec, sample.path, sample.value)
            problem = verdicts([spec])[0]
            what = " and ".join(told(sample) for sample in some)
            refusal = self.change(spec)
            if refusal:
                yield what, None if problem != "ok" else refusal
            else:
                yield what, self.ends_as(spec, problem)

    def change(self, spec):
        try:
            self.w.ns.patch("appreleases", self.name, [{"op": "replace", "path": "/spec", "value": spec}],
                            "application/json-patch+json")
            self.accepted += 1
            return None
        except ApiError as error:
            assert error.code in (400, 422), error
            self.refused += 1
            return str(error)

    def try_one(self, sample, spec):
        what = told(sample)
        before = self.w.ns.get("appreleases", self.name)
        refusal = self.change(spec)
        if sample.good:
            return what, refusal or self.ends_as(spec)
        if not refusal:
            return what, "is accepted"
        after = self.w.ns.get("appreleases", self.name)
        if after["spec"] != before["spec"] or after["metadata"]["generation"] != before["metadata"]["generation"]:
            return what, "was refused, and the stored object is another one"
        return what, None if is_about(refusal, sample.path) else f"is not named in: {refusal}"

    def ends_as(self, spec, problem="ok"):
        """What is wrong with how it ends."""
        wanted = self.model(spec) if problem == "ok" else {("False", "InvalidSpec", True)}
        end, got = time.monotonic() + 20, None
        while time.monotonic() < end:
            got = end_of(self.w.ns.get("appreleases", self.name))
            if got and (got[0], got[1], got[3]) in wanted:
                self.last = got[0], got[1], got[3]
                return None
            time.sleep(0.05)
        return f"ends as {got}, not as {wanted}"

    def model(self, spec):
        """What may become of a good spec here: (Ready, its reason, is Stalled there)."""
        if any(window.get("timeZone") == "Mars/Olympus" for window in spec.get("freezeWindows", [])):
            return {("False", "InvalidSpec", True)}
        if spec.get("suspend"):  # kept where the spec asks for nothing else
            return {("Unknown", "Suspended", False), self.last}
        return {self.end_of_work(spec)}

    def end_of_work(self, spec):
        apps = spec["apps"]
        images = [(app.get("repository") or f"{spec['registry']}/{app['name']}") + ":" +
                  app.get("commit", spec["commit"])[:40 if spec.get("tag") == "FullSHA" else 7] for app in apps]
        hosts, known = self.w.registry.host + "/", self.w.registry.images
        if not all(image.startswith(hosts) for image in images):
            return "False", "RegistryUnavailable", False
        absent = [image[len(hosts):] not in known for image in images]
        if any(absent) and spec.get("missingImagePolicy") != "Skip":
            waits = spec.get("missingImagePolicy", "Wait") == "Wait" and spec.get("imageWaitSeconds", 300) > 1
            return ("Unknown", "WaitingForImage", False) if waits else ("False", "ImageNotFound", True)
        if spec.get("mode") == "Plan":
            return "True", "Planned", False
        prefix = spec.get("deploymentPrefix", "btc-")
        there = [app.get("deployment", prefix + app["name"]) in self.deployments for app in apps]
        if any("nobody" in app.get("containers", []) and has and not gone
               for app, has, gone in zip(apps, there, absent)):
            return "False", "ContainerNotFound", True
        if not all(has or gone for has, gone in zip(there, absent)):
            return "Unknown", "WaitingForDeployment", False
        if hold_of(spec) and any(self.would_roll(prefix, *each) for each in zip(apps, images, absent)):
            return "Unknown", hold_of(spec), False
        return "True", "ReleaseSucceeded", False


    def would_roll(self, prefix, app, image, is_absent):
        """By what the Deployment runs: held, nothing changes there."""
        if is_absent:
            return False
        d = self.w.ns.get("deployments", app.get("deployment", prefix + app["name"]))
        running = d["spec"]["template"]["spec"]["containers"][0]["image"]
        digest = self.w.registry.images[image[len(self.w.registry.host) + 1:]]
        return not running.endswith("@" + digest)


def hold_of(spec):
    """What keeps an app from starting."""
    approval = spec.get("approval", {})
    if spec.get("paused"):
        return "Paused"
    if approval.get("required") and approval.get("approvedCommit") != spec["commit"]:
        return "WaitingForApproval"
    leap = datetime.datetime(datetime.date.today().year // 4 * 4, 2, 29)
    since_leap = (datetime.datetime.now() - leap).total_seconds()
    if any(w["schedule"] == ALWAYS["schedule"] or 0 < since_leap < w["durationSeconds"]
           for w in spec.get("freezeWindows", [])):
        return "WaitingForWindow"
    return None


WALKERS, MIXED = 16, 10


def account(w, name):
    w.ns.create("serviceaccounts", {"metadata": {"name": name}})
    w.ns.create("roles", {"metadata": {"name": name}, "rules": [
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]}]})
    w.ns.create("rolebindings", {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": w.name}]})


@scenario
def specs_come_and_go(name):
    with World(name) as w:
        the_cluster(w)
        for each in ("deployer", "de.ployer"):
            account(w, each)
        canary, walkers, problems = Canary(w), [Walker(w, n) for n in range(WALKERS)], []

        def go(n):
            for what, wrong in itertools.chain(walkers[n].walk(n, WALKERS), walkers[n].mix(n, MIXED)):
                if wrong:
                    problems.append(f"{what}: {wrong}")
        with concurrent.futures.ThreadPoolExecutor(WALKERS) as pool:
            walks = [pool.submit(go, n) for n in range(WALKERS)]
            while not all(walk.done() for walk in walks):
                canary.sings()
                time.sleep(1)
            for walk in walks:
                walk.result()
        refused, accepted = (sum(getattr(x, kind) for x in walkers) for kind in ("refused", "accepted"))
        print(f"{refused + accepted} transitions: {refused} refused, {accepted} accepted; canary {canary.n} times")
        assert not problems, "\n" + "\n".join(problems)
        assert refused + accepted >= 500, (refused, accepted)
