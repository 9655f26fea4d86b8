#!/usr/bin/env python3
"""A builder that builds nothing: installed as docker, podman or buildah, it writes down how it was called
into $FAKE/calls (a JSON a line), and does what the files there say: `fail-<app>` (printed, exit 1),
`slow-<app>` (it starts a child and sleeps), `version`, `inspect`, `refuse` (their text is answered)."""
import json
import os
import signal
import subprocess
import sys
import time

FOLDER = os.environ["FAKE"]
DIGEST = "sha256:" + "5" * 64


def text(name, default=None):
    try:
        with open(os.path.join(FOLDER, name), "rb") as f:
            return f.read().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return default


def option(words, name):
    return words[words.index(name) + 1] if name in words else None


def files_below(top):
    found = {}
    for at, folders, names in os.walk(top):
        for name in folders + names:
            path = os.path.join(at, name)
            st = os.lstat(path)
            found[os.path.relpath(path, top)] = [oct(st.st_mode), st.st_mtime_ns, os.path.isfile(path)
                                                 and open(path, "rb").read().decode("utf-8", "surrogateescape")]
    return found


def note(**what):
    with open(os.path.join(FOLDER, "calls"), "a", encoding="utf-8") as f:
        f.write(json.dumps(what) + "\n")


def logins():
    folder = os.environ.get("DOCKER_CONFIG")
    if not folder or not os.path.isdir(folder):
        return {}
    found = {".": oct(os.stat(folder).st_mode)}
    for name in ("config.json", "auth.json"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                found[name] = [oct(os.stat(path).st_mode), json.load(f)]
    return found


def write_digest(words):
    if option(words, "--metadata-file"):
        with open(option(words, "--metadata-file"), "w", encoding="utf-8") as f:
            json.dump({"containerimage.digest": DIGEST} if "push=true" in option(words, "--output") else {}, f)
    if option(words, "--digestfile"):
        with open(option(words, "--digestfile"), "w", encoding="utf-8") as f:
            f.write(DIGEST)


def build(words):
    app = next(w for w in words if w.startswith("APP_DIR=")).rsplit("/", 1)[1]
    began = time.monotonic()
    note(build=app, argv=sys.argv, cwd=os.getcwd(), env=dict(os.environ), files=files_below(words[-1]), logins=logins())
    slow = text("slow-" + app)
    if slow is not None:
        child = subprocess.Popen(["sleep", slow], stdin=subprocess.DEVNULL)
        def stop(signo, _):
            note(stopped=signo)
            child.kill()
            sys.exit(1)
        signal.signal(signal.SIGTERM, stop)
        note(child=child.pid)
        child.wait()
    write_digest(words)
    note(built=app, began=began, ended=time.monotonic())
    said = text("fail-" + app)
    if said is not None:
        sys.stdout.buffer.write(said.encode("utf-8", "surrogateescape"))
        return 1
    return 0


def main():
    words = sys.argv[1:]
    if words[0] == "buildx":
        words = words[1:]
    if text("refuse") is not None:
        sys.stderr.write(text("refuse"))
        return 1
    if words[0] == "build":
        return build(words)
    note(words=words)
    if words[0] == "version":
        print(text("version", "github.com/docker/buildx v0.38.2 abc"))
    if words[0] == "inspect":
        if len(words) > 1 and text("has-" + words[1]) is None:
            return 1
        print(text("inspect", "Name:   default\nDriver: docker-container\n\nNodes:\nName:   default0\nStatus: running\n"))
    if "push" in words:
        write_digest(words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
