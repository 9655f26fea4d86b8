"""What every field of AppRelease.spec may be and may not be: from the CRD's own schema, and for
strings from the tables below. A string field that the tables do not know is an error, so that a new
one gets its samples.

A sample is a path, a value (ABSENT: the field removed), whether it is good, and words that the
refusal must have: what is allowed."""

import collections
import copy
import os

import yaml

CRD = os.path.join(os.path.dirname(__file__), "../../crd/appreleases.yaml")
Sample = collections.namedtuple("Sample", "path value good words")
ABSENT = object()

FULL = "0123456789abcdef0123456789abcdef01234567"
LONG_LABEL, LONG_SUBDOMAIN = "a" * 63, ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
LABELS = (["a", "a-b", "0", LONG_LABEL], ["", "A", "-a", "a-", "a.b", "a_b", "a b", "../x", "é", "a" * 64])
SUBDOMAINS = (["a", "a.b-c", LONG_SUBDOMAIN], ["", "A", "a..b", ".a", "a.", "-a", "a/b", "a:b", "a" * 64,
                                               LONG_SUBDOMAIN + "a"])
SHOWN = (["", "x", "日本語 ünïcode", "a" * 1024, "é" * 1024], ["a" * 1025, "a\nb", "\x7f", "\t"])
STRINGS = {
    "commit": (["1234567", FULL, "f" * 64], ["", "123456", "f" * 65, "ABCDEF0", "develop", "12345 7", "a" + "日" * 63]),
    "registry": (["r.io", "10.0.0.1:5000", "[::1]:5000/a", "r.io/a_b/c--d/e__f/g.h", "a" * 255],
                 ["", "R.io", "https://r.io", "r.io/", "r.io:x", "r.io:123456", "u:p@r.io", "r.io/a__-b",
                  "r.io//a", "a b", "a" * 256]),
    "apps[].name": LABELS,
    "apps[].deployment": SUBDOMAINS,
    "apps[].repository": (["a", "a/b", "r.io/a", "r.io:5000/a/b", "[::1]:5000/a", "a" * 255],
                          ["", "A", "r.io:5000", "https://r.io/a", "a:tag", "a@sha256:0", "a/", "/a", "a//b",
                           "a" * 256]),
    "apps[].containers[]": LABELS,
    "apps[].commit": (["1234567", FULL, "f" * 64], ["", "123456", "f" * 65, "ABCDEF0"]),
    "apps[].dependsOn[]": (["b"], ["", "A", "a" * 64, "a.b"]),
    "deploymentPrefix": (["", "btc-", "a.b.", "0", "a" * 40 + "."], ["-", ".a", "A", "a_", "a" * 64, "a/"]),
    "pullSecrets[].name": SUBDOMAINS,
    "approval.approvedCommit": (["", "1234567", FULL], ["123456", "f" * 65, "ABCDEF0"]),
    "freezeWindows[].schedule": (["0 0 29 2 *", "*/5 0-6 28,29 FEB-FEB *", "@yearly"],
                                 ["", "0 18 * 5", "@weekley", "0 18 * * 5;", "0 18 * * 5" + " " * 128]),
    "freezeWindows[].timeZone": (["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+1"],
                                 ["", "../etc/passwd", "/UTC", "Europe/", "1", "a/b/c/d", "a" * 65]),
    "serviceAccountName": SUBDOMAINS,
    "source.url": SHOWN, "source.ref": SHOWN, "source.actor": SHOWN, "source.runURL": SHOWN,
    "source.commitTime": (["2026-11-24T12:00:00Z", "2026-11-24T12:00:00.123456789+01:00"],
                          ["", "yesterday", "2026-11-24", "2026-11-24 12:00:00Z", "2026-11-24T12:00:00"]),
}
LISTS = {  # an item number i, different from the others
    "apps": lambda i: {"name": f"x{i}"},
    "apps[].containers": lambda i: f"c{i}",
    "apps[].dependsOn": lambda i: f"d{i}",
    "pullSecrets": lambda i: {"name": f"s{i}"},
    "freezeWindows": lambda i: {"schedule": f"{i} 0 29 2 *", "durationSeconds": 60},
}
# Every field is set, so that each can be changed and removed.
EVERYTHING = {
    "commit": FULL, "registry": "r.io", "deploymentPrefix": "p-", "tag": "ShortSHA", "pinDigest": True,
    "apps": [{"name": "a", "deployment": "da", "repository": "r.io/a", "containers": ["c"], "commit": FULL,
              "dependsOn": ["b"]}, {"name": "b", "repository": "r.io/b"}],
    "missingImagePolicy": "Wait", "imageWaitSeconds": 30, "pullSecrets": [{"name": "s"}], "maxConcurrent": 2,
    "enforceRollingUpdate": True, "rollback": "Auto", "onFailure": "RollbackFailed", "mode": "Apply",
    "health": {"deadlineSeconds": 20, "soakSeconds": 1, "restartThreshold": 3, "failFast": True},
    "suspend": False, "paused": False, "approval": {"required": False, "approvedCommit": ""},
    "freezeWindows": [{"schedule": "0 0 29 2 *", "durationSeconds": 60, "timeZone": "UTC"}],
    "serviceAccountName": "sa", "historyLimit": 5, "ttlSecondsAfterFinished": 600,
    "source": {"url": "u", "ref": "r", "actor": "a", "runURL": "u", "commitTime": "2026-11-24T12:00:00Z"},
}
LEAST = {"commit": FULL, "registry": "r.io", "apps": [{"name": "a"}, {"name": "b"}]}


def rule(path, base=LEAST, good=False, server=False, **fields):
    """A rule about several fields at once: which one is named; good to the controller, to the server."""
    return Rule(path, {k: v for k, v in {**base, **fields}.items() if v is not ABSENT}, good, server)


Rule = collections.namedtuple("Rule", "path spec good server")
RULES = [
    rule("registry", registry=ABSENT),
    rule("registry", registry=ABSENT, good=True, server=True,
         apps=[{"name": "a", "repository": "r.io/a"}, {"name": "b", "repository": "b"}]),
    rule("commit", tag="FullSHA", commit="1234567"),
    rule("apps[].commit", tag="FullSHA", apps=[{"name": "a", "commit": "1234567"}]),
    rule("tag", tag="FullSHA", good=True, server=True),
    rule("apps[].deployment", apps=[{"name": "a"}, {"name": "b", "deployment": "btc-a"}]),
    rule("apps[].deployment", apps=[{"name": LONG_LABEL}]),
    rule("apps[].deployment", deploymentPrefix="a..b"),
    rule("onFailure", onFailure="RollbackAll", rollback="Never"),
    rule("apps[].dependsOn", apps=[{"name": "a", "dependsOn": ["a"]}]),
    # Only the controller knows: too dear for CEL, or nothing that it could say.
    rule("apps[].dependsOn", apps=[{"name": "a", "dependsOn": ["nobody"]}], server=True),
    rule("apps[].repository", registry="a" * 255, server=True),
    rule("apps", apps=[{"name": f"a{i}", "repository": "r.io/" + "a" * 249, "containers": ["a", "b", "c", "d"]}
                       for i in range(64)], server=True),
    # The API server takes an empty list for a string with a format.
    rule("source.commitTime", source={"commitTime": []}, server=True),
]
# What these samples mean depends on other fields: see RULES.
NOT_ALONE = [("registry", ABSENT), ("registry", "a" * 255), ("apps[].name", LONG_LABEL)]


def schema():
    with open(CRD, encoding="utf-8") as f:
        version = yaml.safe_load(f)["spec"]["versions"][0]
    return version["schema"]["openAPIV3Schema"]["properties"]["spec"]


def steps_of(path):
    """ "apps[].name" → "apps", 0, "name". """
    return [0 if step == "[]" else step
            for step in path.replace("[]", ".[]").lstrip(".").split(".")]


def get(spec, path):
    """The value there, or ABSENT."""
    for step in steps_of(path):
        if isinstance(step, int):
            if not isinstance(spec, list) or len(spec) <= step:
                return ABSENT
        elif not isinstance(spec, dict) or step not in spec:
            return ABSENT
        spec = spec[step]
    return spec


def put(spec, path, value):
    """A copy of the spec with the value there, in EVERYTHING's surroundings where it has none."""
    *above, last = steps_of(path)
    spec = at = copy.deepcopy(spec)
    model = EVERYTHING
    for step in above:
        model = model[step]
        if isinstance(step, str) and step not in at:
            at[step] = copy.deepcopy(model)
        at = at[step]
    if value is not ABSENT:
        if isinstance(last, int) and not at:
            at.append(value)
        else:
            at[last] = value
    elif isinstance(at, dict):
        at.pop(last, None)
    else:
        del at[last]
    return spec


def of_leaf(path, node):
    """(good, bad with the words that name what is allowed)"""
    kind = node["type"]
    if kind == "boolean":
        return [True, False], [(v, ["true", "boolean"]) for v in ("true", 1, [], {})]
    if kind == "integer":
        low, high = node["minimum"], node["maximum"]
        good = sorted({low, low + 1, (low + high) // 2, high, node.get("default", low)})
        return good, [(low - 1, [str(low)]), (high + 1, [str(high)]), (-2 ** 31, [str(low)]),
                      *((v, ["number", "integer", "int32"]) for v in (low + 0.5, str(low), True, [], 2 ** 40))]
    if "enum" in node:
        return node["enum"], [*((v, node["enum"]) for v in ("", "nope", node["enum"][0].lower())),
                              *((v, ["string"]) for v in (1, True, []))]
    good, bad = STRINGS[path]
    others = (1, True, {}) if node.get("format") else (1, True, [], {})  # see RULES
    return good, [*((v, []) for v in bad), *((v, ["must be"]) for v in others)]


def of_node(path, node, required):
    if not required and path:
        yield Sample(path, ABSENT, True, [])
    elif path:
        yield Sample(path, ABSENT, False, ["equired"])
    if node["type"] == "object":
        if path:
            for value in ("x", 1, []):
                yield Sample(path, value, False, ["object", "is required"])
        for name, child in node["properties"].items():
            yield from of_node(f"{path}.{name}".lstrip("."), child, name in node.get("required", []))
    elif node["type"] == "array":
        most, least = node["maxItems"], node.get("minItems", 0)
        item = LISTS[path]
        if path != "apps[].dependsOn":  # those have to be listed: see of_rules
            yield Sample(path, [item(i) for i in range(most)], True, [])
        yield Sample(path, [item(i) for i in range(most + 1)], False, [str(most)])
        if least:
            yield Sample(path, [], False, [str(least)])
        else:
            yield Sample(path, [], True, [])
        if node["x-kubernetes-list-type"] != "atomic":
            yield Sample(path, [item(0), item(0)], False, ["twice", "Duplicate"])
        for value in ("x", 1, {}):
            yield Sample(path, value, False, ["list", "array"])
        if node["items"]["type"] == "object":
            yield Sample(path, ["x"], False, ["object", "is required"])
        yield from of_node(path + "[]", node["items"], required=True)
    else:
        good, bad = of_leaf(path, node)
        for value in good:
            yield Sample(path, value, True, [])
        for value, words in bad:
            yield Sample(path, value, False, words)


def all_samples():
    return [s for s in of_node("", schema(), required=True)
            if not (s.path.endswith("[]") and s.value is ABSENT)]


def leaves():
    def walk(path, node):
        if node["type"] == "object":
            for name, child in node["properties"].items():
                yield from walk(f"{path}.{name}".lstrip("."), child)
        elif node["type"] == "array":
            yield from walk(path + "[]", node["items"])
        else:
            yield path
    return list(walk("", schema()))
