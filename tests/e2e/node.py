"""What only a real node can show, after hack/demo.sh has run on it: what the controller wrote, by the
API server's own audit log, and what real kubelets say of pods that fail."""

import gzip
import json
import os
import subprocess
import time
import urllib.request

from kube import Cluster, wait
from scenario import node_test
from shop import ACCOUNT, CONTROLLER, Shop, attempt_of, commit, moment, push, writes

DEMO = "shopflow-demo"
MB = 1000 * 1000


def assert_never_replicas(all_):
    for write in all_:
        assert "replicas" not in (write.body or {}).get("spec", {}), write.body


# --- what the demo did ---


def demo_writes():
    namespace = Cluster(os.environ["KUBECONFIG"]).request("GET", "/api/v1/namespaces/" + DEMO)
    return writes(DEMO, since=moment(namespace["metadata"]["creationTimestamp"]))


@node_test
def the_demo_wrote_what_it_must_and_no_more():
    """R5: five patches of Deployments for five commits; R1: else nothing but status; R4: status first."""
    all_ = demo_writes()
    patches = [w for w in all_ if w.kind == "deployments"]
    others = [w for w in all_ if w.kind not in ("deployments", "appreleases/status", "events")]
    assert not others, f"the controller wrote something else: {others}"
    told = [(w.name, attempt_of(w)["kind"], attempt_of(w)["commit"][:7]) for w in patches]
    assert told == [("btc-api", "Roll", "2222222"), ("btc-api", "Roll", "3333333"),
                    ("btc-api", "Rollback", "3333333"), *sorted(told[3:])], told
    assert sorted(told[3:]) == [("btc-api", "Roll", "5555555"), ("btc-web", "Roll", "5555555")], told
    assert_never_replicas(patches)
    for patch in patches:
        assert patch.verb == "patch" and patch.code == 200, patch
        ahead = [w for w in all_ if w.kind == "appreleases/status" and w.done <= patch.received and
                 attempt_of(patch)["id"] in json.dumps(w.body)]
        assert ahead, f"no write-ahead of {attempt_of(patch)['id']}"


@node_test
def the_demo_put_back_the_exact_image():
    """R10: the string from before, digest and all."""
    patches = [w for w in demo_writes() if (w.kind, w.name) == ("deployments", "btc-api")]
    images = [w.body["spec"]["template"]["spec"]["containers"][0]["image"] for w in patches]
    assert images[2] == images[0] and "/api:2222222@sha256:" in images[0], images


@node_test
def the_controller_runs_restricted():
    """The helm-installed pod: restricted Pod Security, not root, nothing writable."""
    labels = json.loads(Shop.kubectl("get", "namespace", CONTROLLER, "-o", "json", capture_output=True).stdout)
    assert labels["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pods = json.loads(Shop.kubectl("-n", CONTROLLER, "get", "pods", "-o", "json", capture_output=True).stdout)
    running = [p for p in pods["items"] if p["status"]["phase"] == "Running"]
    assert len(running) == 1, [p["metadata"]["name"] for p in pods["items"]]
    container = running[0]["spec"]["containers"][0]["securityContext"]
    assert container["readOnlyRootFilesystem"] and container["capabilities"]["drop"] == ["ALL"]
    assert running[0]["status"]["containerStatuses"][0]["restartCount"] == 0
    for verb, kind, may in (("patch", "deployments.apps", "yes"), ("update", "deployments.apps", "no"),
                            ("delete", "pods", "no"), ("list", "secrets", "no"), ("create", "pods/exec", "no")):
        answer = subprocess.run(["kubectl", "auth", "can-i", verb, kind, "-A", "--as", ACCOUNT],
                                capture_output=True, check=False).stdout.decode().strip()
        assert answer == may, f"may it {verb} {kind}? {answer}"


@node_test
def time_zones_are_those_of_the_image():
    """R17: tzdata is in it, without the old names of zones."""
    with Shop("node-zones", traffic=False) as shop:
        def zone(name, time_zone):
            shop.release(commit("1"), name=name, mode="Plan", freezeWindows=[
                {"schedule": "0 0 1 1 *", "durationSeconds": 60, "timeZone": time_zone}])
            wait(lambda: shop.ready(name).get("status") in ("True", "False"), "the plan", 60)
            return shop.ready(name)
        assert zone("new", "America/New_York")["reason"] == "Planned"
        old = zone("old", "US/Eastern")
        assert old["reason"] == "InvalidSpec" and "'US/Eastern' is not in the time zone database" in old["message"]


def get(path, accept="*/*"):
    request = urllib.request.Request(f"http://{os.environ['REGISTRY']}/v2/{path}", headers={"Accept": accept})
    return urllib.request.urlopen(request, timeout=30).read()


def image_over_base():
    """Bytes of the controller's image over its base: unpacked, packed."""
    image = Shop.kubectl("-n", CONTROLLER, "get", "deployment", "btc-shopflow-deployer", "-o",
                         "jsonpath={.spec.template.spec.containers[0].image}", capture_output=True).stdout.decode()
    name, tag = image.split("/", 1)[1].rsplit(":", 1)
    manifest = json.loads(get(f"{name}/manifests/{tag}", "application/vnd.oci.image.manifest.v1+json,"
                              "application/vnd.docker.distribution.manifest.v2+json"))
    blobs = [get(f"{name}/blobs/{layer['digest']}") for layer in manifest["layers"][1:]]  # the first is the base
    return sum(len(gzip.decompress(b)) for b in blobs), sum(map(len, blobs))


@node_test
def the_image_is_small():
    """At most 40 MB over its base, unpacked."""
    unpacked, packed = image_over_base()
    print(f"image over its base: {unpacked / MB:.1f} MB unpacked, {packed / MB:.1f} MB packed")
    assert MB < unpacked <= 40 * MB, unpacked


# --- what a real kubelet tells ---


@node_test
def a_tag_pushed_again_means_changed():
    """R3: the Deployment's tag is the release's digest now, but its pods pulled what it was before."""
    first = commit("1")
    with Shop("node-moved-tag", first, traffic=False) as shop:
        before = shop.image("api")
        push("api", first, "fresh")  # another image, good too
        shop.release(first, apps=("api", "web"))
        shop.wait_ready("ReleaseSucceeded")
        assert before.endswith("/api:1000000") and shop.image("api").startswith(before + "@sha256:")
        assert shop.kinds("api") == ["Roll"] and not shop.patches("web"), "web's tag has not moved"
        assert shop.app_status("web")["state"] == "Unchanged", shop.app_status("web")


def rolls_back(name, fate, reason, timeout=90, **spec):
    """Release a version with that fate with traffic running; the shop and the app's status after."""
    with Shop(name) as shop:
        good, bad = commit("2"), commit("3")
        push("api", good)
        push("api", bad, fate)
        shop.release(good)
        shop.wait_ready("ReleaseSucceeded")
        before, (sent, failed) = shop.image("api"), shop.counts()
        shop.release(bad, **spec)
        shop.wait_ready("RolledBack", timeout)
        status = shop.app_status("api")
        assert status["reason"] == reason, status
        assert shop.image("api") == before, "the exact previous image (R10)"
        assert shop.kinds("api") == ["Roll", "Roll", "Rollback"], shop.kinds("api")
        assert_never_replicas(shop.patches("api"))
        now, failed_now = shop.counts()
        assert now > sent + 100 and failed_now == failed == 0, f"{now - sent} requests, {failed_now} failed"
        return status


@node_test
def memory_taken_rolls_back():
    status = rolls_back("node-oom", "oom", "OOMKilled")
    assert status["failure"]["exitCode"] == 137, status["failure"]


@node_test
def unready_rolls_back_at_the_deadline():
    rolls_back("node-unready", "unready", "NotReady", health={"deadlineSeconds": 12})


@node_test
def an_image_for_another_platform_rolls_back_at_once():
    began = time.monotonic()
    status = rolls_back("node-foreign", "foreign", "InvalidImage")
    assert "no match for platform" in status["message"], status["message"]
    assert time.monotonic() - began < 60


@node_test
def the_controller_killed_in_mid_rollback():
    """R21: its pod killed while it rolls back: the same end, no write twice."""
    with Shop("node-killed") as shop:
        good, bad = commit("2"), commit("3")
        push("api", good)
        push("api", bad, "crash")
        shop.release(good)
        shop.wait_ready("ReleaseSucceeded")
        before = shop.image("api")
        shop.release(bad)
        wait(lambda: shop.app_status("api").get("state") == "RollingBack", "the rollback to begin", 90)
        shop.kubectl("-n", CONTROLLER, "delete", "pod", "-l", "app.kubernetes.io/name=btc-shopflow-deployer",
                     "--grace-period=0", "--force", capture_output=True)
        shop.wait_ready("RolledBack")
        assert shop.image("api") == before
        assert shop.kinds("api") == ["Roll", "Roll", "Rollback"], shop.kinds("api")
        assert shop.counts()[1] == 0
