#!/usr/bin/env python3
"""cli/images.h against docker-registry (open, with a password, with tokens and TLS) and a registry that misbehaves.

usage: images.py IMAGES_TOOL [CASE…]"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

from registries import (LABEL, OCI_MANIFEST, PASSWORD, USER, Fake, Registry, Tokens, basic, certificates, digest_of,
                        free_port, htpasswd, image, index, write)

TOOL = os.path.abspath(sys.argv[1])
HASH, OTHER = "a" * 40, "b" * 40


class World:
    """A home without anything of the user's, and what a case starts."""

    def __init__(self, folder):
        self.folder, self.things = folder, []
        self.env = {"PATH": os.environ["PATH"], "HOME": os.path.join(folder, "home")}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def keep(self, thing):
        self.things.append(thing)
        return thing

    def registry(self, name="registry", **how):
        return self.keep(Registry(os.path.join(self.folder, name), **how))

    def fake(self):
        return self.keep(Fake())

    def home(self, name, content, mode=0o600):
        return write(os.path.join(self.env["HOME"], name), content if isinstance(content, str) else json.dumps(content), mode)

    def helper(self, name, script):
        path = write(os.path.join(self.folder, "bin", f"docker-credential-{name}"), "#!/bin/sh\n" + script, 0o755)
        self.env["PATH"] = os.path.dirname(path) + ":" + os.environ["PATH"]

    def login(self, user=USER, password=PASSWORD):
        self.env.update(PRIVATE_REGISTRY_USERNAME=user, PRIVATE_REGISTRY_PASSWORD=password)

    def run(self, base, *words, code=0):
        began = time.monotonic()
        done = subprocess.run([TOOL, base, *words], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=100, check=False)
        self.took, self.said = time.monotonic() - began, done.stderr
        assert done.returncode == code, f"exit {done.returncode}: {done.stdout}{done.stderr}"
        assert PASSWORD not in done.stdout + done.stderr, "a secret is in the output"
        return done.stdout.splitlines()

    def one(self, base, *words, code=0):
        lines = self.run(base, *words, code=code)
        assert len(lines) == 1, lines
        return lines[0]

    def close(self):
        for thing in self.things:
            thing.close()


def same(got, want):
    assert got == want, f"\n got {got}\nwant {want}"


def starts(got, want):
    assert got.startswith(want), f"\n got {got}\nwant {want}…"


def holds(got, *words):
    for word in words:
        assert word in got, f"'{word}' is not in: {got}"


# --- an open registry in plain HTTP ---

def case_found_with_its_label(w):
    r = w.registry()
    one, two = image(HASH), image(OTHER, platform="arm64")
    digest = r.push("shop/web", "v1", one)
    r.push("shop/web", "two", two)
    many = r.push("shop/web", "many", index(one, two))
    repo = f"{r.host}/shop/web"
    same(w.one(r.host, "plain"), "http")
    lines = w.run(r.host, "find", repo, "v1", "many", "none", digest, "two")
    starts(lines[0], f"there digest={digest} type={OCI_MANIFEST} label={HASH} lacks=-")
    starts(lines[1], f"there digest={many} ")
    holds(lines[1], f"label={HASH} lacks=-")
    same(lines[2], "absent digest=- type=- label=- lacks=-")
    starts(lines[3], f"there digest={digest} ")
    holds(lines[4], f"label={OTHER} ")
    same(w.one(r.host, "find", f"{r.host}/no/such", "v1"), "absent digest=- type=- label=- lacks=-")


def case_an_index_that_lacks_a_part(w):
    r = w.registry()
    one, two = image(HASH), image(HASH, platform="arm64")
    r.push("shop/web", "one", one)
    gone = r.push("shop/web", "two", two)
    many = r.push("shop/web", "many", index(one, two))
    r.push("shop/web", "1234567", index(one, two))
    same(r.ask("DELETE", f"shop/web/manifests/{gone}", "shop/web")[0], 202)
    repo = f"{r.host}/shop/web"
    line = w.one(r.host, "find", repo, "many")
    starts(line, f"absent digest={many} ")
    holds(line, f"lacks={gone}")
    # it is to be built again, and its tag moved
    same(w.one(r.host, "look", HASH, "1234567", repo), "none digest=- move")
    starts(w.one(r.host, "tag", "new", "-", "many", "x", repo), "error not-found 404 ")


def case_looked_up_by_both_tags(w):
    r = w.registry()
    ours, theirs = image(HASH), image(OTHER)
    labelled, bare = image(HASH, salt="2"), image(None)
    for name in ("both", "inputs"):
        r.push(name, f"in-{HASH}", ours)
    digest = r.push("both", "1234567", ours)
    again = r.push("labelled", "1234567", labelled)
    r.push("labelled", f"in-{HASH}", ours)
    r.push("theirs", "1234567", theirs)
    r.push("bare", "1234567", bare)
    repos = [f"{r.host}/{name}" for name in ("both", "inputs", "labelled", "theirs", "bare", "nothing")]
    lines = w.run(r.host, "look", HASH, "1234567", *repos)
    same(lines[:3], [f"commit digest={digest} new", f"inputs digest={digest} new", f"commit digest={again} new"])
    starts(lines[3], f"error conflict 0 {repos[3]}:1234567 is an image of something else")
    holds(lines[3], OTHER, "--rebuild", "FullSHA")
    starts(lines[4], "error conflict 0 ")
    holds(lines[4], "none")
    same(lines[5], "none digest=- new")
    same([line for line in r.requests() if "/both/" in line and line.startswith("GET")], [])  # two HEADs tell


def case_tagged_byte_for_byte(w):
    r = w.registry()
    one, other = image(HASH), image(OTHER)
    digest = r.push("shop/web", f"in-{HASH}", one)
    repo = f"{r.host}/shop/web"
    same(w.one(r.host, "tag", "new", "-", f"in-{HASH}", "1234567", repo), f"put digest={digest}")
    same(r.digest("shop/web", "1234567"), digest)
    same(w.one(r.host, "tag", "new", "-", digest, "1234567", repo), f"kept digest={digest}")
    same(sum(line.startswith("PUT /v2/shop/web/manifests/1234567") for line in r.requests()), 1)
    # another image
    there = r.push("shop/web", "7654321", other)
    starts(w.one(r.host, "tag", "new", HASH, digest, "7654321", repo), f"error conflict 0 {repo}:7654321 is another image")
    same(r.digest("shop/web", "7654321"), there)
    good = r.push("shop/web", "7777777", image(HASH, salt="2"))
    same(w.one(r.host, "tag", "new", HASH, digest, "7777777", repo), f"kept digest={good}")
    starts(w.one(r.host, "tag", "new", "-", digest, "7777777", repo), "error conflict 0 ")
    # latest
    same(w.one(r.host, "tag", "absent", "-", digest, "latest", repo), f"put digest={digest}")
    same(w.one(r.host, "tag", "absent", "-", there, "latest", repo), f"kept digest={digest}")
    same(w.one(r.host, "tag", "move", "-", there, "latest", repo), f"put digest={there}")
    same(r.digest("shop/web", "latest"), there)
    starts(w.one(r.host, "tag", "new", "-", "sha256:" + "0" * 64, "x", repo), "error not-found 404 ")
    # an index
    many = r.push("shop/web", "many", index(one, other))
    same(w.one(r.host, "tag", "new", "-", "many", "both", repo), f"put digest={many}")
    same(r.digest("shop/web", "both"), many)


def case_twenty_apps_at_once(w):
    r = w.registry(auth=htpasswd(w.folder))
    r.authorization = lambda name: basic()
    w.login()
    for n in range(20):
        digest = r.push(f"app{n}", f"in-{HASH}", image(HASH))
    repos = [f"{r.host}/app{n}" for n in range(20)]
    same(w.run(r.host, "look", HASH, "1234567", *repos), [f"inputs digest={digest} new"] * 20)
    first = w.took
    same(w.run(r.host, "tag", "new", "-", digest, "1234567", *repos), [f"put digest={digest}"] * 20)
    print(f"    20 apps: looked up in {first:.2f} s, tagged in {w.took:.2f} s")
    same(w.run(r.host, "look", HASH, "1234567", *repos), [f"commit digest={digest} new"] * 20)


def case_four_connections_side_by_side(w):
    f = w.fake()
    now, most, lock = [0], [0], threading.Lock()

    def slow(method, path, n):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.1)
        with lock:
            now[0] -= 1
        return None
    f.fault = slow
    lines = w.run(f.host, "look", HASH, "1234567", *(f"{f.host}/app{n}" for n in range(20)))
    same(lines, ["none digest=- new"] * 20)
    same((len(f.requests), most[0]), (41, 4))
    assert w.took < 3, f"{w.took:.2f} s: one after another it is 4.1 s, four at once 1.1 s"


# --- who we are ---

def case_a_password_of_the_setting(w):
    r = w.registry(auth=htpasswd(w.folder))
    r.authorization = lambda name: basic()
    digest = r.push("web", "v1", image(HASH))
    repo = f"{r.host}/web"
    line = w.one(r.host, "find", repo, "v1")
    starts(line, f"error denied 401 registry {r.host} wants a login to read web (HTTP 401): ")
    holds(line, "PRIVATE_REGISTRY_USERNAME", f"docker login {r.host}")
    w.login(password="wrong")
    line = w.one(r.host, "find", repo, "v1")
    starts(line, f"error denied 401 registry {r.host} does not let this login read web (HTTP 401): ")
    holds(line, "check PRIVATE_REGISTRY_USERNAME and PRIVATE_REGISTRY_PASSWORD")
    w.login()
    starts(w.one(r.host, "find", repo, "v1"), f"there digest={digest} ")
    same(w.one(r.host, "tag", "new", "-", digest, "1234567", repo), f"put digest={digest}")
    # the password is for that registry alone
    other = w.fake()
    other.fault = lambda method, path, n: (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"") if path != "/v2/" else None
    starts(w.one(r.host, "find", f"{other.host}/web", "v1"), f"error denied 401 registry {other.host} wants a login")
    same([asked[2] for asked in other.requests], [None] * len(other.requests))


def case_logins_of_docker_and_podman(w):
    r = w.registry(auth=htpasswd(w.folder))
    r.authorization = lambda name: basic()
    digest = r.push("web", "v1", image(HASH))
    entry = {"auths": {r.host: {"auth": basic().split()[1]}}}
    stale = {"auths": {r.host: {"auth": basic(password="old").split()[1]}}}
    find = (r.host, "find", f"{r.host}/web", "v1")
    found = f"there digest={digest} "
    docker = w.home(".docker/config.json", entry)
    starts(w.one(*find), found)
    write(docker, "{")
    line = w.one(*find)
    starts(line, "error denied 401 ")
    holds(line, f"{docker} is not JSON")
    write(docker, json.dumps(stale))
    podman = w.home(".config/containers/auth.json", entry)  # the next that fits is tried
    starts(w.one(*find), found)
    os.remove(podman)
    starts(w.one(*find), "error denied 401 ")
    w.env["REGISTRY_AUTH_FILE"] = w.home("elsewhere.json", entry)
    starts(w.one(*find), found)
    del w.env["REGISTRY_AUTH_FILE"]
    w.env["DOCKER_CONFIG"] = os.path.dirname(w.home("mine/config.json", entry))
    starts(w.one(*find), found)


def case_credential_helpers(w):
    r = w.registry(auth=htpasswd(w.folder))
    r.authorization = lambda name: basic()
    digest = r.push("web", "v1", image(HASH))
    find = (r.host, "find", f"{r.host}/web", "v1")
    answer = json.dumps({"ServerURL": r.host, "Username": USER, "Secret": PASSWORD})
    asked = os.path.join(w.folder, "asked")
    w.helper("good", f"echo \"$@\" >>{asked}; cat >>{asked}; echo >>{asked}\necho '{answer}'\n")
    w.helper("empty", "echo 'credentials not found in native keychain'; exit 1\n")
    w.helper("broken", "echo canary-in-no-log >&2; exit 3\n")
    w.helper("odd", "echo '[]'\n")
    w.helper("token", "echo '" + json.dumps({"Username": "<token>", "Secret": "t"}) + "'\n")
    w.home(".docker/config.json", {"credsStore": "good"})
    starts(w.one(*find), f"there digest={digest} ")
    same(open(asked, encoding="ascii").read(), f"get\n{r.host}\n")
    w.home(".docker/config.json", {"credsStore": "broken", "credHelpers": {r.host: "good", "other.test": "broken"}})
    starts(w.one(*find), f"there digest={digest} ")
    for config, words in (({"credsStore": "empty"}, "docker login"),
                          ({"credsStore": "broken"}, "docker-credential-broken failed (exit 3)"),
                          ({"credsStore": "odd"}, "docker-credential-odd: its output holds no credentials"),
                          ({"credsStore": "absent"}, "docker-credential-absent: No such file"),
                          ({"credsStore": "../bin/x"}, "names a helper that is none"),
                          ({"credsStore": "good", "credHelpers": {r.host: ""}}, "docker login"),
                          ({"credsStore": "token"}, "docker login")):
        w.home(".docker/config.json", config)
        line = w.one(*find)
        starts(line, "error denied 401 ")
        holds(line, words)
    # the setting's user is all there is: no helper runs
    os.remove(asked)
    w.home(".docker/config.json", {"credsStore": "good"})
    w.login(password="wrong")
    starts(w.one(*find), "error denied 401 ")
    assert not os.path.exists(asked), "the helper was asked"


def case_tokens_and_tls(w):
    ca, cert, key = certificates(os.path.join(w.folder, "certs"))
    tokens = w.keep(Tokens((ca, cert, key)))
    r = w.registry(auth=tokens.auth, tls=(cert, key), ca=ca)
    r.authorization = lambda name: f"Bearer {tokens.token(f'repository:{name}:pull,push')}" if name else None
    digest = r.push("shop/web", "v1", image(HASH))
    r.push("public/web", "v1", image(HASH))
    repo = f"{r.host}/shop/web"
    # nobody knows the certificate: no plain HTTP instead
    line = w.one(r.host, "plain", code=1)
    starts(line, f"failed net 0 registry {r.host} cannot be reached")
    holds(line, "certificate")
    w.env["SSL_CERT_FILE"] = ca
    same(w.one(r.host, "plain"), "https")
    starts(w.one(r.host, "find", f"{r.host}/public/web", "v1"), f"there digest={digest} ")
    starts(w.one(r.host, "find", repo, "v1"), "error denied 401 ")
    w.login()
    tokens.asked.clear()
    lines = w.run(r.host, "twice", "find", repo, "v1", "v1")
    for line in lines:
        holds(line, f"there digest={digest} ", f"label={HASH}")
    pulls = [query["scope"] for query, _ in tokens.asked]
    assert set(pulls) == {"repository%3Ashop%2Fweb%3Apull"} and len(pulls) <= 2, pulls
    tokens.asked.clear()
    same(w.one(r.host, "tag", "new", "-", digest, "1234567", repo), f"put digest={digest}")
    same([query["scope"] for query, _ in tokens.asked][-1], "repository%3Ashop%2Fweb%3Apull%2Cpush")
    same({authorization for _, authorization in tokens.asked}, {basic()})
    same(r.digest("shop/web", "1234567"), digest)
    # docker's place for a registry's certificate
    w.env["SSL_CERT_FILE"] = "/etc/ssl/certs/ca-certificates.crt"
    w.home(f".config/docker/certs.d/{r.host}/ca.crt", open(ca, encoding="ascii").read())
    same(w.one(r.host, "plain"), "https")
    w.env["SSL_CERT_FILE"] = "/no/such/file"
    starts(w.one(r.host, "plain", code=1), "failed ")


# --- http or https ---

def case_plain_http_is_a_decision(w):
    f = w.fake()
    f.push("web", "v1", image(HASH))
    port = f.host.split(":")[1]
    name = f"registry.localhost:{port}"  # a name: curl takes it for this machine
    line = w.one(name, "find", f"{name}/web", "v1")
    starts(line, f"error net 0 registry {name} cannot be reached")
    holds(line, "does it have TLS (else write http://)")
    assert not f.requests, f.requests
    starts(w.one(f"http://{name}", "find", f"{name}/web", "v1"), "there ")
    same(w.one(f"localhost:{port}", "plain"), "http")
    f.requests.clear()
    line = w.one(f"https://{f.host}", "find", f"{f.host}/web", "v1")
    starts(line, "error net 0 ")
    assert not f.requests, f.requests
    w.home(".config/docker/daemon.json", {"insecure-registries": [name]})
    starts(w.one(name, "find", f"{name}/web", "v1"), "there ")
    w.login()
    w.run(name, "plain")
    holds(w.said, f"registry {name} has no TLS: the password crosses the network as it is")
    w.run(f.host, "plain")
    same(w.said, "")


def case_what_is_no_registry(w):
    line = w.one(f"127.0.0.1:{free_port()}", "plain", code=1)
    starts(line, "failed net 0 registry 127.0.0.1:")
    holds(line, "cannot be reached: is the address right, is it up?")
    f = w.fake()
    for status in (400, 301, 404, 500):  # a TLS server says 400; others are no registry
        f.fault = lambda method, path, n, status=status: (status, {}, b"")
        starts(w.one(f.host, "plain", code=1), "failed net 0 ")


# --- refusals ---

def case_tags_that_may_not_be_moved(w):
    f = w.fake()
    old, new = image(OTHER), image(HASH)
    digest = f.push("web", f"in-{HASH}", new)
    repo = f"{f.host}/web"
    body = b'{"errors":[{"code":"TAG_INVALID","message":"canary-in-no-log"}]}'
    for status in (400, 403, 405, 409, 412):
        there = f.push("web", "latest", old)
        f.fault = lambda method, path, n, status=status: (status, {}, body) if method == "PUT" else None
        line = w.one(f.host, "tag", "move", "-", digest, "latest", repo)
        starts(line, f"error conflict {status} {repo}:latest is another image, and the registry does not let it be moved")
        same(f.digest("web", "latest"), there)
    # refused, but there: somebody was faster
    del f.manifests["web:latest"]

    def faster(method, path, n):
        if method == "PUT":
            f.push("web", "latest", new)
            return 409, {}, b""
        return None
    f.fault = faster
    same(w.one(f.host, "tag", "move", "-", digest, "latest", repo), f"kept digest={digest}")
    # refused for another reason
    del f.manifests["web:latest"]
    for status, kind in ((400, "refused"), (404, "refused"), (413, "refused"), (405, "conflict"), (403, "denied")):
        f.fault = lambda method, path, n, status=status: (status, {}, body) if method == "PUT" else None
        starts(w.one(f.host, "tag", "move", "-", digest, "latest", repo), f"error {kind} {status} registry {f.host} ")


def case_a_registry_in_trouble(w):
    f = w.fake()
    digest = f.push("web", "v1", image(HASH))
    repo = f"{f.host}/web"
    for fault in ((503, {}, b""), (429, {"Retry-After": "1"}, b""), "cut"):
        f.seen.clear()
        f.fault = lambda method, path, n, fault=fault: fault if path.endswith("/v1") and n < 2 else None
        starts(w.one(f.host, "find", repo, "v1"), f"there digest={digest} ")
    assert w.took < 10
    f.fault = lambda method, path, n: (503, {}, b"canary-in-no-log") if path != "/v2/" else None
    starts(w.one(f.host, "find", repo, "v1"), f"error server 503 registry {f.host} answers HTTP 503")
    f.fault = lambda method, path, n: (429, {}, b"") if path != "/v2/" else None
    starts(w.one(f.host, "find", repo, "v1"), f"error throttled 429 registry {f.host} limits our requests")
    # a write whose answer is lost is written again
    f.seen.clear()
    f.fault = lambda method, path, n: "cut" if method == "PUT" and n < 3 else None
    same(w.one(f.host, "tag", "new", "-", digest, "1234567", repo), f"put digest={digest}")
    same(f.digest("web", "1234567"), digest)


def case_answers_that_lie(w):
    f = w.fake()
    good, other = image(HASH), image(OTHER)
    digest = f.push("web", "v1", good)
    repo = f"{f.host}/web"
    config = digest_of(good[2][0])
    f.manifests[f"web@{digest}"] = (other[0], OCI_MANIFEST)
    f.fault = lambda method, path, n: ((200, {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": digest}, other[0])
                                       if method == "GET" and "manifests" in path else None)
    starts(w.one(f.host, "find", repo, "v1"), f"error invalid 200 registry {f.host} answered for another digest")
    f.manifests[f"web@{digest}"] = (good[0], OCI_MANIFEST)
    f.fault = lambda method, path, n: None
    f.blobs[config] = other[2][0]
    starts(w.one(f.host, "find", repo, "v1"), f"error invalid 200 registry {f.host} sent a blob that does not match")
    f.blobs[config] = b"x" * (5 << 20)
    starts(w.one(f.host, "find", repo, "v1"), "error invalid 0 ")
    del f.blobs[config]
    holds(w.one(f.host, "find", repo, "v1"), "absent ", f"lacks={config}")
    f.blobs[config] = good[2][0]
    f.fault = lambda method, path, n: (201, {"Docker-Content-Digest": digest_of(b"x")}, b"") if method == "PUT" else None
    starts(w.one(f.host, "tag", "new", "-", digest, "1234567", repo),
           f"error invalid 201 registry {f.host} stored something else than was sent")
    bad = json.dumps({"schemaVersion": 2, "manifests": [{"digest": "../x"}]}).encode()
    f.fault = lambda method, path, n: None
    f.push("web", "bad", (bad, "application/vnd.oci.image.index.v1+json", []))
    starts(w.one(f.host, "find", repo, "bad"), f"error invalid 0 {repo}:bad: the registry's manifest makes no sense")


def case_blobs_that_lie_elsewhere(w):
    f, store = w.fake(), w.fake()
    digest = f.push("web", "v1", image(HASH))
    config = image(HASH)[2][0]
    store.fault = lambda method, path, n: (200, {}, config)

    def fault(method, path, n):
        if "Basic" not in (f.requests[-1][2] or ""):
            return (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"") if path != "/v2/" else None
        return (307, {"Location": f"http://{store.host}/signed?x=1"}, b"") if "/blobs/" in path else None
    f.fault = fault
    w.login()
    line = w.one(f.host, "find", f"{f.host}/web", "v1")
    holds(line, f"there digest={digest} ", f"label={HASH}")
    same([(path, authorization) for _, path, authorization, _ in store.requests], [("/signed?x=1", None)])
    # a write is not taken elsewhere
    f.fault = lambda method, path, n: (307, {"Location": f"http://{store.host}/v2/x"}, b"") if method == "PUT" else None
    starts(w.one(f.host, "tag", "new", "-", digest, "1234567", f"{f.host}/web"), "error invalid 0 ")
    same(len(store.requests), 1)


# --- base images ---

def case_bases_are_resolved(w):
    r, f = w.registry(), w.fake()
    digest = r.push("base/node", "24", image(None))
    other = f.push("x", "latest", image(OTHER))
    pinned = "sha256:" + "1" * 64
    lines = w.run(r.host, "twice", "bases", f"{r.host}/base/node:24", f"{r.host}/base/node:99", f"{f.host}/x",
                  f"node@{pinned}", "Bad Name", f"{f.host}/x")
    same(lines[:6], lines[6:])
    same(lines[0], f"{digest} pinned={r.host}/base/node@{digest}")
    starts(lines[1], f"error not-found 404 {r.host}/base/node:99: there is no such image")
    same(lines[2], f"{other} pinned={f.host}/x@{other}")
    same(lines[3], f"{pinned} pinned=docker.io/library/node@{pinned}")
    starts(lines[4], "error invalid 0 ")
    same(lines[5], lines[2])
    same([path for _, path, _, _ in f.requests].count("/v2/x/manifests/latest"), 1)


def case_bases_take_three_seconds(w):
    r, f = w.registry(), w.fake()
    digest = r.push("node", "24", image(None))
    f.fault = lambda method, path, n: "hang" if path != "/v2/" else None
    lines = w.run(r.host, "bases", f"{r.host}/node:24", f"{f.host}/x:1", f"{f.host}/y:1")
    starts(lines[0], digest)
    starts(lines[1], f"error timeout 0 registry {f.host} does not answer in time")
    assert 2.5 < w.took < 6, w.took
    f.fault = lambda method, path, n: "hang"  # already when it is asked what it speaks
    starts(w.run(r.host, "bases", f"{f.host}/x:1")[0], "error timeout 0 ")
    assert 2.5 < w.took < 6, w.took


def case_mirrors_of_docker_hub(w):
    f = w.fake()
    digest = f.push("library/node", "24", image(None))
    w.home(".config/docker/daemon.json", {"registry-mirrors": [f"http://127.0.0.1:{free_port()}/", f"http://{f.host}"]})
    same(w.one(f.host, "bases", "node:24"), f"{digest} pinned=docker.io/library/node@{digest}")
    assert w.took < 3, w.took


# --- the end ---

def stopped(w, f, *words):
    """Its exit code, output and time after SIGINT, sent once the registry hangs."""
    child = subprocess.Popen([TOOL, f.host, *words], env=w.env, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 20
    while not any(f.fault(method, path, 1) == "hang" for method, path, _, _ in f.requests):
        assert time.monotonic() < end, "it asked nothing"
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    began = time.monotonic()
    out = child.communicate(timeout=60)[0]
    return child.returncode, out, time.monotonic() - began


def case_ctrl_c(w):
    f = w.fake()
    digest = f.push("web", "v1", image(HASH))
    for where in ("/v2/", "/v2/web/manifests/v1"):
        f.requests.clear()
        f.fault = lambda method, path, n, where=where: "hang" if path == where else None
        code, out, took = stopped(w, f, "find", f"{f.host}/web", "v1")
        same(code, 1)
        starts(out, "failed timeout 0 interrupted")
        assert took < 3, took
    # a write is told to its end
    f.requests.clear()
    written = []

    def slow(method, path, n):
        if method != "PUT":
            return None
        if written:
            return "hang"  # what stopped() looks for
        written.append(path)
        time.sleep(1)
        return None
    f.fault = slow
    code, out, took = stopped(w, f, "tag", "new", "-", digest, "1234567", f"{f.host}/web")
    same((code, f.digest("web", "1234567")), (1, digest))


def main():
    cases = {name.removeprefix("case_"): case for name, case in globals().items() if name.startswith("case_")}
    failed = []
    for name in sys.argv[2:] or cases:
        print(name, flush=True)
        with tempfile.TemporaryDirectory(prefix="shopflow-images-") as folder:
            w = World(folder)
            try:
                cases[name](w)
            except (AssertionError, subprocess.TimeoutExpired) as e:
                print(f"    FAILED: {e}", flush=True)
                failed.append(name)
            finally:
                w.close()
    print(f"{len(failed)} failed: {' '.join(failed)}" if failed else "all held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
