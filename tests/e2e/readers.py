"""What people and tools read of a release, against a real API server with simulated nodes: kubectl wait,
get and describe, Helm's --wait, every event of a watch, and how big a status becomes.

tests/readers shows every state to kstatus and Argo CD; here the states come and go in time."""

import json
import os
import re
import subprocess
import threading
import time

from scenario import scenario
from world import CRASH, GOOD, GOOD2, GOOD3, PREFIX, UNREADY, World, commit

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def run(*command, timeout=120):
    """The exit code, and all that was printed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout)
    return done.returncode, done.stdout


def kubectl(w, *arguments, fails=False):
    code, text = run("kubectl", "-n", w.name, *arguments)
    assert (code != 0) == fails, f"kubectl {' '.join(arguments)}: {code}: {text}"
    return text


class Watch:
    """Every AppRelease of a world as a watch shows it, in order; what breaks a promise is kept."""

    def __init__(self, world):
        self.objects, self.problems = [], []
        self.connection = world.cluster.connect(timeout=300)
        path = world.ns.path("appreleases", query="watch=1&timeoutSeconds=280")
        self.connection.request("GET", path, headers=world.cluster.headers())
        self.answer = self.connection.getresponse()
        self.socket = self.answer.fp.raw._sock
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            for line in self.answer:
                release = json.loads(line)["object"]
                self.objects.append(release)
                self.problems += [f"{p}: {json.dumps(release['status'])[:600]}" for p in problems_of(release)]
        except (OSError, ValueError, AttributeError):
            pass  # closed by us

    def close(self):
        self.socket.shutdown(2)
        self.thread.join()
        assert not self.problems, "\n".join(self.problems[:5])


def problems_of(release):
    """What no reader may ever see, whatever it reads when."""
    status, generation = release["status"], release["metadata"]["generation"]
    c = {c["type"]: c for c in status.get("conditions", [])}
    ready = c.get("Ready", {})
    if status["observedGeneration"] > generation:
        yield "a generation that is not there yet"
    if ready and ready["observedGeneration"] != status["observedGeneration"]:
        yield "Ready and status are of two generations"
    if "Reconciling" in c and "Stalled" in c:
        yield "Reconciling and Stalled"
    if status["observedGeneration"] == generation and ready.get("status") == "True":
        if status["commit"] != release["spec"]["commit"] or status["lastSucceededCommit"] != status["commit"]:
            yield "Ready=True of another commit"
        if "Reconciling" in c or "Stalled" in c:
            yield "Ready=True beside another condition"
    if ready.get("status") == "Unknown" and "Reconciling" not in c and not release["spec"].get("suspend"):
        yield "Ready=Unknown, and nobody is at work"


# --- kubectl wait ---


@scenario
def kubectl_wait_is_never_early(name):
    """An old Ready=True is never readable for a new generation: kubectl wait, begun right after each of
    many changes of the commit, returns when that commit runs; and a watch sees nothing else."""
    with World(name) as w:
        w.app("api")
        w.release(GOOD, ["api"])
        w.wait_ready("True")
        watch = Watch(w)
        for n in range(2, 12):
            to = commit(n=n)
            w.push("api", to)
            kubectl(w, "patch", "arel", "shop", "--type=merge", "-p", json.dumps({"spec": {"commit": to}}))
            kubectl(w, "wait", "--for=condition=Ready=True", "arel/shop", "--timeout=60s")
            assert w.running_image("api") == w.image("api", to, pinned=True), "back too early"
            assert w.is_complete("api")
        w.push("api", CRASH)
        kubectl(w, "patch", "arel", "shop", "--type=merge", "-p", json.dumps({"spec": {"commit": CRASH}}))
        kubectl(w, "wait", "--for=condition=Stalled", "arel/shop", "--timeout=60s")
        assert w.app_status("api")["state"] == "RolledBack"
        kubectl(w, "wait", "--for=condition=Ready=True", "arel/shop", "--timeout=2s", fails=True)
        watch.close()
        generations = {r["metadata"]["generation"] for r in watch.objects}
        assert len(generations) >= 11 and len(watch.objects) >= 60, (generations, len(watch.objects))


@scenario
def kubectl_wait_for_a_field(name):
    """Progress, the commit, a deleted object; and what the CRD says before a controller has come."""
    with World(name, start=False) as w:
        w.app("api"), w.app("web")
        w.push("api", GOOD2), w.push("web", GOOD2)
        made = w.release(GOOD2, ["api", "web"])
        assert made["status"] == {"observedGeneration": -1}, "without a status kstatus would call it done"
        kubectl(w, "wait", "--for=condition=Ready=True", "arel/shop", "--timeout=1s", fails=True)
        w.start()
        kubectl(w, "wait", "--for=jsonpath={.status.progress}=2/2", "arel/shop", "--timeout=60s")
        kubectl(w, "wait", f"--for=jsonpath={{.status.lastSucceededCommit}}={GOOD2}", "arel/shop", "--timeout=60s")
        w.release(GOOD2, ["api", "web"], ttlSecondsAfterFinished=1)
        kubectl(w, "wait", "--for=delete", "arel/shop", "--timeout=60s")


# --- Helm ---


def chart(w, folder, commit_, ttl=None):
    """The smallest chart that has an AppRelease."""
    release = {"apiVersion": "deploy.btc-shopflow.io/v1alpha1", "kind": "AppRelease", "metadata": {"name": "shop"},
               "spec": {"commit": commit_, "registry": w.registry.host, "apps": [{"name": "api"}],
                        "health": {"soakSeconds": 1, "deadlineSeconds": 60}}}
    os.makedirs(os.path.join(folder, "templates"), exist_ok=True)
    with open(os.path.join(folder, "Chart.yaml"), "w") as f:
        json.dump({"apiVersion": "v2", "name": "shop", "version": "1.0.0"}, f)
    with open(os.path.join(folder, "templates", "release.yaml"), "w") as f:
        json.dump(release, f)
    return folder


def helm(w, program, command, commit_):
    folder = chart(w, os.path.join(w.settings.name, "chart"), commit_)
    start = time.monotonic()
    code, text = run(program, command, "shop", folder, "-n", w.name, "--wait", "--timeout", "50s")
    return code, text, time.monotonic() - start


@scenario
def helm_4_waits(name):
    """helm --wait returns when every app is good, and fails at once for a release that was rolled back."""
    with World(name) as w:
        program = os.environ["HELM"]
        assert run(program, "version", "--short")[1].startswith("v4."), "Helm 4"
        w.app("api")
        w.push("api", GOOD2, GOOD3, CRASH)
        code, text, _ = helm(w, program, "install", GOOD2)
        assert code == 0 and w.condition("Ready")["status"] == "True", text
        assert w.running_image("api") == w.image("api", GOOD2, pinned=True)
        code, text, took_s = helm(w, program, "upgrade", CRASH)
        assert code != 0 and w.app_status("api")["state"] == "RolledBack", text
        assert "AppRelease" in text and "status: Failed" in text and 'exited 1' in text, text
        assert took_s < 40, f"{took_s} s: it waited for its timeout"
        code, text, _ = helm(w, program, "upgrade", GOOD3)
        assert code == 0 and w.condition("Ready")["status"] == "True", text
        assert w.running_image("api") == w.image("api", GOOD3, pinned=True)


@scenario
def helm_3_does_not_look(name):
    """Helm 3's --wait knows the built-in kinds only: it is back while the app has not become ready."""
    with World(name) as w:
        program = run(os.path.join(ROOT, "hack/testcluster/build.sh"), "helm3", timeout=600)[1].split("\n")[-2]
        assert run(program, "version", "--short")[1].startswith("v3."), "Helm 3"
        w.app("api")
        w.push("api", UNREADY)
        code, text, _ = helm(w, program, "install", UNREADY)
        assert code == 0, text
        assert w.condition("Ready").get("status") != "True"


# --- what kubectl shows ---


def table(text):
    """kubectl's table as a list of dictionaries."""
    head, *rows = text.rstrip("\n").split("\n")
    starts = [m.start() for m in re.finditer(r"\S+", head)]
    ends = starts[1:] + [None]
    return [{head[a:b].strip(): row[a:b].strip() for a, b in zip(starts, ends)} for row in rows]


@scenario
def columns_of_kubectl_get(name):
    with World(name) as w:
        w.app("api")
        w.push("api", GOOD2, CRASH)
        w.release(GOOD2, ["api"])
        w.wait_ready("True")
        row = table(kubectl(w, "get", "arel"))[0]
        age = row.pop("AGE")
        assert re.fullmatch(r"\d+m?\d*s?", age), age
        assert row == {"NAME": "shop", "COMMIT": GOOD2[:7], "READY": "True", "STATUS": "ReleaseSucceeded",
                       "PROGRESS": "1/1"}, row
        w.release(CRASH, ["api"])
        w.wait_ready("False", "RolledBack")
        row = table(kubectl(w, "get", "appreleases", "-o", "wide"))[0]
        assert (row["COMMIT"], row["READY"], row["STATUS"]) == (CRASH[:7], "False", "RolledBack"), row
        assert row["LAST-GOOD"] == GOOD2[:7], row
        assert row["MESSAGE"].startswith("api: ") and "exited 1" in row["MESSAGE"], row
        assert w.status()["lastSucceededCommit"] == GOOD2, "the whole of it is in status"


@scenario
def events_of_kubectl_describe(name):
    """R20: one for each change, on the AppRelease, with the app's name; the same again is counted."""
    with World(name) as w:
        w.app("api"), w.app("web")
        w.push("api", GOOD2, CRASH), w.push("web", GOOD2, content="web:" + GOOD[:7])
        w.push("web", CRASH, content="web:" + GOOD[:7])
        w.release(GOOD2, ["api", "web"])
        w.wait_ready("True")
        w.release(CRASH, ["api", "web"])
        w.wait_ready("False", "RolledBack")
        w.ns.patch("appreleases", "shop", {"metadata": {"annotations": {PREFIX + "retry-at": "1"}}})
        w.wait(lambda: w.status().get("lastHandledRetryAt") == "1", "the retry")
        w.wait_ready("False", "RolledBack")
        told = {}

        def all_are_there():
            told.clear()
            for e in w.ns.list("events"):
                if e["regarding"]["kind"] == "AppRelease":
                    told.setdefault((e["type"], e["reason"], e.get("related", {}).get("name")), []).append(e["note"])
            return sum(len(notes) for notes in told.values()) >= 6
        w.wait(all_are_there, lambda: f"the events; they are {told}")
        want = {("Normal", "Updating", "btc-api"): {f"api: rolling to {GOOD2[:7]}", f"api: rolling to {CRASH[:7]}"},
                ("Normal", "Updated", "btc-api"): {f"api: healthy at {GOOD2[:7]}"},
                ("Warning", "RollingBack", "btc-api"): {f"api: rolling back from {CRASH[:7]}"},
                ("Warning", "RolledBack", "btc-api"): {f"api: gave up {CRASH[:7]}"},
                ("Normal", "ReleaseSucceeded", None): {f"2 apps at {GOOD2[:7]}"}}
        for key, heads in want.items():
            notes = told.pop(key)
            assert len(set(notes)) == len(notes), f"the same again is counted, not told anew: {key} {notes}"
            assert {head for head in heads for note in notes if note.startswith(head)} == heads, (key, notes)
            assert all(note.startswith(tuple(heads)) for note in notes), (key, notes)
        assert not told, f"and no others: {told}"
        text = kubectl(w, "describe", "arel", "shop")
        events = text[text.index("Events:"):]
        for reason in ("Updating", "Updated", "RollingBack", "RolledBack"):
            lines = [line for line in events.split("\n") if line.split()[1:2] == [reason]]
            assert lines and all("btc-shopflow-deployer" in l and "api: " in l for l in lines), (reason, events)
        assert "web" not in events.replace("webhook", ""), "nothing happened to it"


# --- history and size ---


@scenario
def history_says_what_changed_and_what_was_held(name):
    with World(name) as w:
        w.app("api"), w.app("web")
        w.push("api", GOOD2, GOOD3), w.push("web", GOOD2)
        w.release(GOOD2, ["api", {"name": "web", "commit": GOOD}], source={"actor": "alice"})
        w.wait_ready("True")
        entry = w.status()["history"][0]
        assert (entry["commit"], entry["result"], entry["actor"]) == (GOOD2, "Succeeded", "alice"), entry
        assert (entry["changedApps"], entry["changedCount"]) == (["api"], 1), entry
        assert entry["held"] == [{"name": "web", "commit": GOOD}], entry
        assert entry["startTime"] <= entry["finishTime"]
        w.release(GOOD3, ["api", {"name": "web", "commit": GOOD2}])
        w.wait_ready("True")
        newest, older = w.status()["history"]
        assert sorted(newest["changedApps"]) == ["api", "web"], newest
        assert newest["held"] == [{"name": "web", "commit": GOOD2}] and older == entry


@scenario
def history_of_fifty_keeps_the_last_success(name):
    """historyLimit 50: the oldest go first, but never the last commit that was good."""
    with World(name) as w:
        w.app("api")
        w.release(GOOD, ["api"], historyLimit=50, missingImagePolicy="Fail")
        w.wait_ready("True")
        commits = [commit("c%02x" % n) for n in range(52)]
        for to in commits:
            w.release(to, ["api"], historyLimit=50, missingImagePolicy="Fail")
            w.wait_ready("False", "ImageNotFound")
        history = w.status()["history"]
        assert [h["commit"] for h in history[:49]] == commits[:2:-1], [h["commit"][:7] for h in history]
        assert len(history) == 50 and history[49]["commit"] == GOOD and history[49]["result"] == "Succeeded"
        assert w.status()["lastSucceededCommit"] == GOOD


STATUS_BYTES = 224 * 1024
LONG = 64  # digits that a commit may have


def big_apps(w, letters):
    """64 apps with names as long as they may be, in repositories of so many letters."""
    names = [f"a{n:02d}".ljust(63, "x") for n in range(64)]
    return [{"name": n, "deployment": f"{n}.{'y' * 63}.{'y' * 63}.{'y' * 40}", "containers": ["c" * 63],
             "repository": f"{w.registry.host}/{n[:3].ljust(letters, 'z')}"} for n in names]


def make_deployment(w, app, to):
    repository = app["repository"].split("/", 1)[1]
    w.push(repository, to)
    labels = {"app": app["name"]}
    w.ns.create("deployments", {"metadata": {"name": app["deployment"]}, "spec": {
        "replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "terminationGracePeriodSeconds": 1, "containers": [
                {"name": app["containers"][0], "image": w.image(repository, to, pinned=True)}]}}}})


def longest_that_is_taken(w, commit_):
    """So many letters a repository may have; one more is InvalidSpec with the sum."""
    def sum_of(letters):
        w.release(commit_, big_apps(w, letters), maxConcurrent=64)
        w.wait(lambda: w.condition("Ready"), "the spec to be seen")
        ready = w.condition("Ready")
        said = re.search(r"spec.apps: the status of 64 apps could take (\d+) bytes, of (\d+)", ready["message"])
        return (int(said[1]), int(said[2])) if ready["reason"] == "InvalidSpec" else None
    top, limit = sum_of(230)
    letters = 230 - -(-(top - limit) // ((top - sum_of(210)[0]) // 20))
    assert sum_of(letters + 1), "one letter more is not taken"
    assert sum_of(letters) is None, "the longest that is taken"
    return letters


@scenario
def the_status_of_64_apps_fits(name):
    """The biggest spec that is taken, first good, then all of it rolled back: under 224 KiB."""
    with World(name) as w:
        good, crash = GOOD.ljust(LONG, "0"), CRASH.ljust(LONG, "0")
        letters = longest_that_is_taken(w, good)
        for app in big_apps(w, letters):
            make_deployment(w, app, good)
            w.push(app["repository"].split("/", 1)[1], crash)
        w.wait_ready("True", timeout=120)
        w.release(crash, big_apps(w, letters), maxConcurrent=64, source={"actor": "a" * 200})
        status = w.wait_ready("False", "RolledBack", timeout=180)
        size = len(json.dumps(status, separators=(",", ":"), ensure_ascii=False).encode())
        print(f"{letters} letters, {size} bytes", flush=True)
        assert all(a["state"] == "RolledBack" and a["failure"]["exitCode"] == 1 for a in status["apps"])
        assert STATUS_BYTES // 2 < size <= STATUS_BYTES, f"{size} bytes"
        w.assert_quiet()
