"""Whose rights a Deployment is patched with (R5), on an API server that authorizes by RBAC.

The controller is a ServiceAccount with the rights that the chart gives it, and no others: that a
rollout goes on at all shows who was asked for it. Each function is a scenario."""

import os
import subprocess

from kube import STRATEGIC, ApiError, Namespace
from scenario import scenario
from world import CRASH, GOOD2, GOOD3, World

CHART = os.path.join(os.path.dirname(__file__), "../../charts/btc-shopflow-deployer")
PATCH_DEPLOYMENTS = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]}]


class Rights(World):
    """A world whose controller has the chart's rights with these values, and is started with flags."""

    def __init__(self, name, *values, flags=()):
        super().__init__(name, start=False)
        chart = subprocess.run(
            [os.environ["HELM"], "template", "op", CHART, "--namespace", self.name, "--show-only",
             "templates/rbac.yaml", "--set", "image.repository=x,fullnameOverride=op",
             "--set", f"watchNamespaces={{{self.name}}}",
             *(part for value in values for part in ("--set", value))],
            check=True, capture_output=True).stdout
        subprocess.run(["kubectl", "apply", "-f", "-"], input=chart, check=True, stdout=subprocess.DEVNULL)
        self.account("op", rules=[])
        path = self.ns.path("serviceaccounts", "op", "token")
        token = self.cluster.request("POST", path, {"spec": {"expirationSeconds": 3600}})
        self.proxy.cluster = self.cluster.with_token(token["status"]["token"])
        self.start(*flags)

    def account(self, name, rules=tuple(PATCH_DEPLOYMENTS)):
        """A ServiceAccount that may do this, and nothing else."""
        self.ns.create("serviceaccounts", {"metadata": {"name": name}})
        if not rules:
            return
        self.ns.create("roles", {"metadata": {"name": name}, "rules": list(rules)})
        self.ns.create("rolebindings", {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": self.name}]})

    def release(self, *args, **spec):
        stored = super().release(*args, **spec)
        assert stored["spec"].get("serviceAccountName") == spec.get("serviceAccountName"), \
            "the cluster's CRD is another one: it drops the field"
        return stored

    def users(self):
        """Who patched Deployments, each once, in order. Nothing else is done in another's name, and no
        groups are named."""
        users = []
        for r in list(self.proxy.log):
            is_patch = r.method == "PATCH" and r.kind == "deployments"
            assert is_patch or not r.impersonates, (r, r.impersonates)
            assert not set(r.impersonates) - {"Impersonate-User"}, (r, r.impersonates)
            user = r.impersonates.get("Impersonate-User", "")
            if is_patch and user not in users:
                users.append(user)
        return users

    def user(self, account):
        return f"system:serviceaccount:{self.name}:{account}"

    def assert_untouched(self, app, image):
        assert self.running_image(app) == image
        assert not self.deployment_writes(app), self.deployment_writes(app)

    def assert_forbidden(self, app, *words):
        self.wait(lambda: self.condition("Stalled").get("reason") == "Forbidden", "Stalled Forbidden")
        status = self.app_status(app)
        assert (status["state"], status["reason"]) == ("Failed", "Forbidden"), status
        for message in (status["message"], self.condition("Ready")["message"]):
            for word in words:
                assert word in message, (word, message)


IMPERSONATES = ("rbac.impersonate={deployer,other,nobody}",)
ONLY_IMPERSONATES = (*IMPERSONATES, "rbac.patchDeployments=false")


@scenario
def an_account_rolls_and_rolls_back(name):
    """The controller has no right to patch a Deployment at all; the account has no other right."""
    with Rights(name, *ONLY_IMPERSONATES) as w:
        w.account("deployer")
        w.app("api")
        try:
            Namespace(w.proxy.cluster, w.name).patch("deployments", "btc-api", {}, STRATEGIC)
            raise AssertionError("the controller could patch with its own rights")
        except ApiError as error:
            assert error.code == 403, error
        w.push("api", GOOD2, CRASH)
        w.release(GOOD2, ["api"], serviceAccountName="deployer")
        w.wait_ready("True", "ReleaseSucceeded")
        w.release(CRASH, ["api"], serviceAccountName="deployer")
        w.wait_ready("False", "RolledBack")
        assert w.running_image("api") == w.image("api", GOOD2, pinned=True)
        assert len(w.deployment_writes("api")) == 3
        assert w.users() == [w.user("deployer")], w.users()


@scenario
def an_account_without_rights_is_forbidden(name):
    """The controller could do it; it does not. An account that does not exist has no rights either."""
    with Rights(name, *IMPERSONATES) as w:
        w.account("other", rules=[])
        w.account("deployer")
        w.app("api")
        before = w.running_image("api")
        w.push("api", GOOD2)
        for account in ("other", "nobody"):
            w.release(GOOD2, ["api"], serviceAccountName=account, imageWaitSeconds=5)
            w.assert_forbidden("api", f"ServiceAccount {account} ", 'cannot patch resource "deployments"',
                               w.user(account))
            w.assert_untouched("api", before)
        w.release(GOOD2, ["api"], serviceAccountName="deployer")
        w.wait_ready("True", "ReleaseSucceeded")
        assert w.users() == [w.user(account) for account in ("other", "nobody", "deployer")], w.users()


@scenario
def a_refused_account_is_told_while_it_is_tried(name):
    """And tried at once when another one is named."""
    with Rights(name, *IMPERSONATES) as w:
        w.account("deployer")
        w.app("api")
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"], serviceAccountName="nobody")
        w.wait_state("api", "Updating", "Forbidden")
        w.wait_ready("False", "Forbidden")
        assert w.condition("Reconciling")["reason"] == "ProgressingWithRetry"
        w.assert_quiet()
        w.release(GOOD2, ["api"], serviceAccountName="deployer")
        w.wait_ready("True", "ReleaseSucceeded", timeout=30)
        assert w.users() == [w.user("nobody"), w.user("deployer")], w.users()


@scenario
def a_missing_right_to_impersonate_is_told(name):
    """The controller may patch Deployments, and the account may; but not one for the other."""
    with Rights(name, "rbac.impersonate={other}") as w:
        w.account("deployer")
        w.app("api")
        before = w.running_image("api")
        w.push("api", GOOD2)
        w.release(GOOD2, ["api"], serviceAccountName="deployer", imageWaitSeconds=5)
        w.assert_forbidden("api", "the controller may not impersonate ServiceAccount deployer",
                           "rbac.impersonate", "cannot impersonate")
        w.assert_untouched("api", before)


@scenario
def the_default_account_stands_in(name):
    """--default-service-account where the spec names none; the spec's wins."""
    with Rights(name, "defaultServiceAccount=deployer", "rbac.impersonate={other}",
                "rbac.patchDeployments=false", flags=("--default-service-account", "deployer")) as w:
        w.account("deployer"), w.account("other")
        w.app("api")
        w.push("api", GOOD2, GOOD3)
        w.release(GOOD2, ["api"])
        w.wait_ready("True", "ReleaseSucceeded")
        w.release(GOOD3, ["api"], serviceAccountName="other")
        w.wait_ready("True", "ReleaseSucceeded")
        assert w.users() == [w.user("deployer"), w.user("other")], w.users()


@scenario
def a_rollback_is_the_newest_account_s(name):
    """The account loses its rights in mid-rollout: the rollback waits, and says so, for one that has them."""
    with Rights(name, *ONLY_IMPERSONATES) as w:
        w.account("deployer"), w.account("other")
        w.app("api")
        before = w.running_image("api")
        w.push("api", CRASH)
        w.release(CRASH, ["api"], serviceAccountName="deployer", health={"deadlineSeconds": 120})
        w.wait(lambda: w.deployment_writes("api"), "the patch")
        w.ns.delete("rolebindings", "deployer")
        w.wait_ready("False", "Forbidden")
        assert w.app_status("api")["state"] == "RollingBack", w.app_status("api")
        w.release(CRASH, ["api"], serviceAccountName="other", health={"deadlineSeconds": 120})
        w.wait_ready("False", "RolledBack", timeout=30)
        assert w.running_image("api") == before
        assert w.users() == [w.user("deployer"), w.user("other")], w.users()
