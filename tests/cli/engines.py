#!/usr/bin/env python3
"""engines.py buildx|buildah|podman [SHOPFLOW]: examples/monorepo's apps built and pushed by a real engine.

First by the command lines of cli/ENGINES.md, then by the program SHOPFLOW when it is given. A registry in plain HTTP that asks for a password, the
engine's own storage and (for buildx) a buildkitd run under one temporary folder, as root.
"""
import contextlib, crypt, gzip, hashlib, io, json, os, shutil, signal, socket, subprocess, sys, tarfile, tempfile, time
import base64, urllib.error, urllib.request

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HACK = os.path.join(REPO, "hack", "testcluster")
EXAMPLE = os.path.join(REPO, "examples", "monorepo")
USER, PASSWORD = "alice", "hunter2-in-no-log"
SECRET = "npm-token-in-no-image"
MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


def say(text):
    print(text, flush=True)


def check(holds, what):
    if not holds:
        raise AssertionError(what)
    say(f"ok: {what}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


class Registry:
    """docker-registry with a password, in plain HTTP."""

    def __init__(self, folder):
        self.host = f"127.0.0.1:{free_port()}"
        self.folder = os.path.join(folder, "registry")
        os.makedirs(self.folder)
        entry = f"{USER}:{crypt.crypt(PASSWORD, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))}\n"
        write(os.path.join(folder, "htpasswd"), entry)
        write(os.path.join(folder, "registry.yaml"), json.dumps({
            "version": 0.1, "storage": {"filesystem": {"rootdirectory": self.folder}}, "http": {"addr": self.host},
            "auth": {"htpasswd": {"realm": "test", "path": os.path.join(folder, "htpasswd")}}}))
        self.auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        log = open(os.path.join(folder, "registry.log"), "wb")
        self.process = subprocess.Popen(["docker-registry", "serve", os.path.join(folder, "registry.yaml")],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: self.get("")[0] == 200, 20, "the registry answers")

    def get(self, path, method="GET"):
        request = urllib.request.Request(f"http://{self.host}/v2/{path}", method=method,
                                         headers={"Authorization": f"Basic {self.auth}", "Accept": MANIFESTS})
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status, reply.read(), reply.headers
        except urllib.error.HTTPError as refused:
            return refused.code, b"", refused.headers
        except OSError:
            return 0, b"", {}

    def digest(self, name, tag):
        status, _, headers = self.get(f"{name}/manifests/{tag}", "HEAD")
        return headers["Docker-Content-Digest"] if status == 200 else None

    def image(self, name, tag):
        """(layers' digests, config) of an image."""
        manifest = json.loads(self.get(f"{name}/manifests/{tag}")[1])
        config = json.loads(self.get(f"{name}/blobs/{manifest['config']['digest']}")[1])
        return [layer["digest"] for layer in manifest["layers"]], config

    def blob_bytes(self):
        blobs = os.path.join(self.folder, "docker", "registry", "v2", "blobs")
        return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(blobs) for name in names)

    def blob_with(self, *words):
        """A blob that holds one of the words: of an image or of a cache."""
        blobs = os.path.join(self.folder, "docker", "registry", "v2", "blobs")
        for path in (os.path.join(at, name) for at, _, names in os.walk(blobs) for name in names):
            with open(path, "rb") as file:
                data = file.read()
            if any(word.encode() in (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data) for word in words):
                return path
        return None

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


class Engine:
    """What is common: an environment of its own, a log of its own."""

    def __init__(self, folder, registry):
        self.folder, self.registry = folder, registry
        docker = os.path.join(folder, "docker")
        os.makedirs(docker, 0o700)
        write(os.path.join(docker, "config.json"), json.dumps({"auths": {registry.host: {"auth": registry.auth}}}), 0o600)
        write(os.path.join(folder, "npmrc"), f"//npm.example.com/:_authToken={SECRET}\n", 0o600)
        self.log = os.path.join(folder, "engine.log")
        self.environment = {**os.environ, "DOCKER_CONFIG": docker, "REGISTRY_AUTH_FILE": os.path.join(docker, "config.json")}

    def run(self, *argv):
        check_argv(argv)
        with open(self.log, "ab") as log:
            log.write((" ".join(argv) + "\n").encode())
            log.flush()
            return subprocess.run(argv, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log).returncode

    def must(self, *argv):
        if self.run(*argv) != 0:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                raise AssertionError("this failed: " + " ".join(argv) + "\n" + "".join(log.readlines()[-30:]))

    def args(self, **args):
        return [word for name, value in args.items() for word in ("--build-arg", f"{name}={value}")]

    def stop(self):
        pass


def check_argv(argv):
    for word in argv:
        if SECRET in word or PASSWORD in word:
            raise AssertionError("a secret is on a command line")


class Buildx(Engine):
    def __init__(self, folder, registry):
        super().__init__(folder, registry)
        self.state = os.path.join(folder, "buildkit")
        up = subprocess.run([os.path.join(HACK, "buildkit.sh"), "up", self.state, registry.host], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
        self.program = tool("buildx")
        self.environment.update(BUILDX_CONFIG=os.path.join(folder, "buildx"), BUILDX_METADATA_PROVENANCE="disabled",
                                BUILDX_BUILDER="shopflow", PATH=f"{os.path.dirname(self.program)}:{os.environ['PATH']}")
        self.must(self.program, "create", "--name", "shopflow", "--driver", "remote", up.strip().split("=", 1)[1])

    def build_and_push(self, context, name, tag, label, cached=True, host=None, **args):
        image = f"{host or self.registry.host}/{name}"
        metadata = os.path.join(self.folder, "metadata.json")
        cache = f"type=registry,ref={image}:buildcache,registry.insecure=true"
        caches = ["--cache-from", cache, "--cache-to", cache + ",mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true"]
        code = self.run(self.program, "build", "--builder", "shopflow", "--progress", "plain",
                        "--provenance=false", "--sbom=false", *self.args(**args), "--label", label,
                        "--secret", f"id=npmrc,src={self.folder}/npmrc", "--file", f"{context}/Dockerfile",
                        "--output", f"type=image,name={image}:{tag},push=true,registry.insecure=true",
                        *(caches if cached else []), "--metadata-file", metadata, context)
        if code != 0:
            return None
        with open(metadata, encoding="utf-8") as file:
            return json.load(file)["containerimage.digest"]

    def stop(self):
        subprocess.run([os.path.join(HACK, "buildkit.sh"), "down", self.state], check=True)


class Buildah(Engine):
    build_words = ("buildah", "build")

    def __init__(self, folder, registry):
        super().__init__(folder, registry)
        write(os.path.join(folder, "storage.conf"), f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/storage"\n'
              f'runroot = "{folder}/storage-run"\n')
        self.environment.update(CONTAINERS_STORAGE_CONF=os.path.join(folder, "storage.conf"))

    def build_and_push(self, context, name, tag, label, cached=True, host=None, **args):
        image, digest = f"{host or self.registry.host}/{name}:{tag}", os.path.join(self.folder, "digest")
        code = self.run(*self.build_words, "--isolation", "chroot", "--layers", "--tls-verify=false",
                        *self.args(**args), "--label", label, "--secret", f"id=npmrc,src={self.folder}/npmrc",
                        "--file", f"{context}/Dockerfile", "--tag", image, context)
        if code != 0 or self.run(self.build_words[0], "push", "--tls-verify=false", "--digestfile", digest,
                                 image, f"docker://{image}") != 0:
            return None
        with open(digest, encoding="utf-8") as file:
            return file.read().strip()


class Podman(Buildah):
    build_words = ("podman", "build")


def tool(name):
    return subprocess.run([os.path.join(HACK, "build.sh"), name], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def inputs(folder, app):
    """The tree that shopflow hands to the builder: the example without the other apps, and, as in a
    careless checkout, a file with a password that .dockerignore must keep out."""
    others = [name for name in os.listdir(os.path.join(EXAMPLE, "apps")) if name != app]
    target = os.path.join(folder, "inputs-" + app)
    shutil.copytree(EXAMPLE, target, symlinks=True, ignore=shutil.ignore_patterns("node_modules", "dist", ".turbo", *others))
    write(os.path.join(target, ".k8s-config"), f"PRIVATE_REGISTRY_PASSWORD={PASSWORD}\n")
    return target


def unpack(registry, name, layers, target):
    """The root file system of an image, or of some of its layers."""
    for digest in layers:
        blob = registry.get(f"{name}/blobs/{digest}")[1]
        check_blob(digest, blob)
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob))) as tar:
            tar.extractall(target, members=[m for m in tar if not os.path.basename(m.name).startswith(".wh.")])


def check_blob(digest, blob):
    if "sha256:" + hashlib.sha256(blob).hexdigest() != digest:
        raise AssertionError(f"{digest} is not what it says")


@contextlib.contextmanager
def running(root, config, port):
    """The app as a container would run it: user, folder, environment and entry point of the image."""
    environment = dict(pair.split("=", 1) for pair in config["Env"]) | {"PORT": str(port), "DRAIN_MS": "800"}
    uid, gid = map(int, config["User"].split(":"))

    def enter():
        os.chroot(root)
        os.chdir(config["WorkingDir"])
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)

    process = subprocess.Popen(config["Entrypoint"], env=environment, preexec_fn=enter, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ask(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError:
        return 0, ""


def built_and_described(engine, registry, base, folder, figures):
    app, context = "system-app", inputs(folder, "system-app")
    before, began = registry.blob_bytes(), time.monotonic()
    digest = engine.build_and_push(context, app, "aaaaaaa", "io.shopflow.inputs=in-1", BASE=base,
                                   APP_DIR=f"apps/{app}", GIT_SHA="aaaaaaa")
    figures.append(("first build and push", time.monotonic() - began, registry.blob_bytes() - before))
    check(digest is not None, f"{app} is built from its inputs alone and pushed")
    check(registry.digest(app, "aaaaaaa") == digest, "the digest that the engine tells is the registry's")
    layers, image = registry.image(app, "aaaaaaa")
    config = image["config"]
    check("GIT_SHA=aaaaaaa" in config["Env"] and config["User"] == "65532:65532"
          and config["WorkingDir"] == f"/repo/apps/{app}", "the commit, the user and the folder are in the image")
    check(config["Labels"]["org.opencontainers.image.revision"] == "aaaaaaa"
          and config["Labels"]["io.shopflow.inputs"] == "in-1", "so are the labels")
    return app, context, layers


def a_changed_line(engine, registry, base, folder, figures, first):
    app, context, layers = first
    source = os.path.join(context, "apps", app, "src", "main.ts")
    with open(source, encoding="utf-8") as file:
        text = file.read()
    write(source, text.replace('"en"]', '"en", "de"]'))
    before, began = registry.blob_bytes(), time.monotonic()
    digest = engine.build_and_push(context, app, "bbbbbbb", "io.shopflow.inputs=in-2", cached=False, BASE=base,
                                   APP_DIR=f"apps/{app}", GIT_SHA="bbbbbbb")
    pushed = registry.blob_bytes() - before
    figures.append(("a changed line", time.monotonic() - began, pushed))
    now, _ = registry.image(app, "bbbbbbb")
    check(digest and len(now) == len(layers) and sum(a != b for a, b in zip(now, layers)) == 1,
          "a changed line of the app changes one layer")
    check(pushed < 32 * 1024, f"and pushes {pushed} bytes, less than 32 KiB")


def runs_as_it_should(engine, registry, base, folder, figures):
    app = "logistics-app"
    before, began = registry.blob_bytes(), time.monotonic()
    digest = engine.build_and_push(inputs(folder, app), app, "ccccccc", "io.shopflow.inputs=in-3", BASE=base,
                                   APP_DIR=f"apps/{app}", GIT_SHA="ccccccc")
    figures.append(("another app", time.monotonic() - began, registry.blob_bytes() - before))
    check(digest is not None, f"{app}, which has dependencies, is built and pushed")
    layers, image = registry.image(app, "ccccccc")
    root = os.path.join(folder, "root")
    unpack(registry, app, layers, root)
    repo = os.path.join(root, "repo")
    check(sorted(os.listdir(os.path.join(repo, "apps"))) == [app], "no other app is in the image")
    check(sorted(os.listdir(repo)) == ["apps", "node_modules", "packages"], "nor anything else of the repository's root")
    packages = os.listdir(os.path.join(repo, "node_modules", ".pnpm"))
    check(any(p.startswith("p-limit@") for p in packages) and not any(p.startswith(("typescript@", "turbo@")) for p in packages),
          "what it needs to run is in the image, what it was built with is not")
    check(registry.blob_with("(ccccccc) listens", "logistics-app") is not None, "what the registry holds can be read")
    check(registry.blob_with(SECRET, PASSWORD) is None, "no secret is in an image or a cache")
    port = free_port()
    with running(root, image["config"], port) as process:
        wait_until(lambda: ask(port, "/healthz")[0] == 200, 20, "the app is ready")
        check(json.loads(ask(port, "/version")[1]) == {"app": app, "version": "0.9.0", "commit": "ccccccc"}, "it tells its version and commit")
        check(json.loads(ask(port, "/?grams=250")[1])["land"] == "1.01", "it does its work")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: ask(port, "/healthz")[0] == 503, 0.7, "after SIGTERM it is not ready")
        check(ask(port, "/healthz/live")[0] == 200 and ask(port, "/")[0] == 200, "but still answers")
        check(process.wait(10) == 0, "and then ends well")
        check("(ccccccc) listens" in process.stdout.read(), "it printed its commit")


def secrets_arrive(engine, registry, base, folder):
    context = os.path.join(folder, "secrets")
    os.makedirs(context)
    write(os.path.join(context, "Dockerfile"), "ARG BASE\nFROM ${BASE}\nRUN --mount=type=secret,id=npmrc "
          "sha256sum </run/secrets/npmrc | cut -d' ' -f1 >/seen\n")
    check(engine.build_and_push(context, "secrets", "1", "a=b", cached=False, BASE=base) is not None, "a build with a secret works")
    layers, _ = registry.image("secrets", "1")
    root = os.path.join(folder, "secrets-root")
    unpack(registry, "secrets", layers[-1:], root)
    with open(os.path.join(root, "seen"), encoding="utf-8") as seen, open(os.path.join(folder, "npmrc"), "rb") as sent:
        check(seen.read().strip() == hashlib.sha256(sent.read()).hexdigest(), "the secret is there while it builds")
    check(registry.blob_with(SECRET) is None, "and not afterwards")


def failures_are_told(engine, registry, base, folder):
    context = os.path.join(folder, "inputs-system-app")
    args = {"BASE": base, "APP_DIR": "apps/system-app", "GIT_SHA": "bbbbbbb"}
    check(engine.build_and_push(context, "system-app", "x", "a=b", cached=False, host=f"127.0.0.1:{free_port()}", **args) is None,
          "a registry that is down fails the push")
    write(os.path.join(engine.environment["DOCKER_CONFIG"], "config.json"), "{}")
    check(engine.build_and_push(context, "system-app", "x", "a=b", cached=False, **args) is None
          and registry.digest("system-app", "x") is None, "without the password nothing is pushed")
    with open(engine.log, encoding="utf-8", errors="replace") as log:
        text = log.read()
    check(SECRET not in text and PASSWORD not in text, "no secret is in what the engine printed")


def repository(engine, registry, base, folder):
    """The example as a git repository of its own, whose shopflow.yaml names the base image and a secret."""
    top = os.path.join(folder, "repository")
    shutil.copytree(EXAMPLE, top, symlinks=True, ignore=shutil.ignore_patterns("node_modules", "dist", ".turbo"))
    apps = sorted(os.listdir(os.path.join(top, "apps")))
    write(os.path.join(top, "shopflow.yaml"), "apps:\n" + "".join(
        f"  {app}:\n    args: {{BASE: '{base}'}}\n    secrets: ['id=npmrc,src={folder}/npmrc']\n" for app in apps))
    git(engine, top, "init", "-q", "-b", "develop")
    git(engine, top, "add", "-A")
    git(engine, top, "commit", "-q", "-m", "first")
    return top, apps


def git(engine, top, *args):
    return subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *args], cwd=top, check=True,
                          env=engine.environment, stdout=subprocess.PIPE, text=True).stdout.strip()


def shopflow(engine, registry, program, top, name, *args):
    """(exit code, the result, seconds). The user's own configuration knows no password: shopflow is told it."""
    theirs = os.path.join(engine.folder, "theirs")
    os.makedirs(theirs, exist_ok=True)
    environment = {**engine.environment, "DOCKER_CONFIG": theirs, "PRIVATE_REGISTRY": registry.host,
                   "PRIVATE_REGISTRY_USERNAME": USER, "PRIVATE_REGISTRY_PASSWORD": PASSWORD, "TMPDIR": engine.folder}
    del environment["REGISTRY_AUTH_FILE"]
    began = time.monotonic()
    with open(engine.log, "ab") as log:
        done = subprocess.run([program, "build", "--engine", name, "-o", "json", *args], cwd=top, env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
    return done.returncode, json.loads(done.stdout or "{}"), time.monotonic() - began


def shopflow_builds(engine, registry, base, folder, figures, program, name):
    top, apps = repository(engine, registry, base, folder)
    before = registry.blob_bytes()
    code, result, seconds = shopflow(engine, registry, program, top, name, "--all")
    figures.append(("shopflow build --all", seconds, registry.blob_bytes() - before))
    check(code == 0 and [app["result"] for app in result["apps"]] == ["built"] * len(apps),
          f"shopflow build --all builds {', '.join(apps)}")
    check(all(registry.digest(app["name"], app["image"].rsplit(":", 1)[1]) == app["digest"] for app in result["apps"]),
          "what it tells is what the registry has")
    layers, image = registry.image("system-app", result["apps"][apps.index("system-app")]["image"].rsplit(":", 1)[1])
    labels = image["config"]["Labels"]
    check("GIT_SHA=" + git(engine, top, "rev-parse", "HEAD") in image["config"]["Env"], "the commit is in the image")
    built = result["apps"][apps.index("system-app")]
    check(built["image"].endswith(":" + git(engine, top, "rev-parse", "HEAD")[:7]), "its tag is the commit's")
    check(registry.digest("system-app", "in-" + labels["io.shopflow.inputs"]) == built["digest"], "and one of its inputs")
    code, result, _ = shopflow(engine, registry, program, top, name, "--all")
    check(code == 0 and [app["result"] for app in result["apps"]] == ["found"] * len(apps), "nothing is built twice")
    source = os.path.join(top, "apps", "system-app", "src", "main.ts")
    with open(source, encoding="utf-8") as file:
        text = file.read()
    write(source, text.replace('"en"]', '"fr"]'))  # of the same length
    git(engine, top, "commit", "-q", "-a", "-m", "second")
    before = registry.blob_bytes()
    code, result, seconds = shopflow(engine, registry, program, top, name, "--base", "HEAD~1")
    pushed = registry.blob_bytes() - before
    figures.append(("shopflow build, a changed line", seconds, pushed))
    check(code == 0 and [app["name"] for app in result["apps"]] == ["system-app"], "a changed line builds its app alone")
    now, _ = registry.image("system-app", result["apps"][0]["image"].rsplit(":", 1)[1])
    check(len(now) == len(layers) and sum(a != b for a, b in zip(now, layers)) == 1, "and changes one layer")
    check(pushed < 64 * 1024, f"and pushes {pushed} bytes, less than 64 KiB")
    write(source, "this is no TypeScript (\n")
    git(engine, top, "commit", "-q", "-a", "-m", "third")
    code, result, _ = shopflow(engine, registry, program, top, name, "--base", "HEAD~2")
    check(code == 1 and result["apps"][0]["result"] == "failed", "a build that fails is told")
    check(shopflow(engine, registry, program, top, name, "--apps", "logistics-app", "--no-push")[0] == 0, "--no-push builds")
    check(not [f for f in os.listdir(folder) if f.startswith("shopflow")], "no login is left behind")


def unmount_below(folder):
    with open("/proc/mounts", encoding="utf-8") as mounts:
        below = [line.split()[1] for line in mounts if line.split()[1].startswith(folder + "/")]
    for path in sorted(below, reverse=True):
        subprocess.run(["umount", "-l", path], check=False)


def main():
    engines = {"buildx": Buildx, "buildah": Buildah, "podman": Podman}
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in engines:
        print(__doc__, file=sys.stderr)
        return 2
    folder = tempfile.mkdtemp(prefix="shopflow-engines-")
    figures, registry, engine = [], None, None
    try:
        registry = Registry(folder)
        engine = engines[sys.argv[1]](folder, registry)
        base = subprocess.run([os.path.join(HACK, "image.sh"), "--registry", registry.host, "node"], check=True,
                              env=engine.environment, stdout=subprocess.PIPE, text=True).stdout.strip()
        first = built_and_described(engine, registry, base, folder, figures)
        a_changed_line(engine, registry, base, folder, figures, first)
        runs_as_it_should(engine, registry, base, folder, figures)
        secrets_arrive(engine, registry, base, folder)
        if len(sys.argv) == 3:
            shopflow_builds(engine, registry, base, folder, figures, os.path.abspath(sys.argv[2]), sys.argv[1])
        failures_are_told(engine, registry, base, folder)
        for what, seconds, pushed in figures:
            say(f"{sys.argv[1]}: {what}: {seconds:.1f} s, {pushed} new bytes in the registry")
        return 0
    finally:
        if engine:
            engine.stop()
        if registry:
            registry.stop()
        unmount_below(folder)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
