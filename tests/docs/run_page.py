#!/usr/bin/env python3
"""Runs what a page of the documentation tells its reader to do, against the cluster of $KUBECONFIG.

    run_page.py docs/gitops.md

A page gets a namespace with a controller and a registry (tests/e2e/world.py). Its ```sh blocks are run
by bash in their order, in one folder, and must succeed; its ```yaml blocks are shown to the API server
(a dry run; the CRDs of Argo CD and Flux are there). Comments that a reader does not see tell the rest:

    <!-- test: app APP COMMIT -->          a Deployment btc-APP that runs COMMIT
    <!-- test: push APP COMMIT [LIKE] -->  an image in the registry; with the digest that LIKE has
    <!-- test: file NAME -->               the next block is this file, and not run
    <!-- test: fails -->                   the next block must fail
    <!-- test: prints PATTERN -->          the block before printed a line that has this (or|that) in it
    <!-- test: check COMMAND -->           a command that the reader need not know
    <!-- test: not run: WHY -->            the next block

The registry and the namespaces that a page names stand for those of the test. Simulated nodes take an
image's fate from its tag: bad0… crashes, bad1… never becomes ready."""

import os
import re
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
from world import World  # noqa: E402

REGISTRY = "192.168.1.100:5000"
PART = re.compile(r"^<!-- test: (?P<verb>\w+)(?: (?P<rest>[^\n]*?))? -->$|^ *```(?P<language>\w*)\n(?P<text>.*?)^ *```$",
                  re.MULTILINE | re.DOTALL)
FOREIGN = ("argoproj.io/", "fluxcd.io/")
SECONDS = 90


class Page:
    def __init__(self, world, text, folder):
        self.w, self.text, self.folder = world, text, folder
        self.file, self.fails, self.skip, self.printed, self.ran = None, False, False, "", 0

    def run(self):
        parts = list(PART.finditer(self.text))
        comments = sum(1 for part in parts if part["verb"])
        assert comments == self.text.count("<!-- test"), "a comment that is not understood, or not a line of its own"
        for part in parts:
            line = self.text.count("\n", 0, part.start()) + 1
            try:
                self.part(part)
            except AssertionError as error:
                raise AssertionError(f"line {line}: {error}") from error
        assert not (self.file or self.fails or self.skip), "the last comment is about a block that is not there"

    def part(self, part):
        if part["verb"]:
            getattr(self, "do_" + part["verb"])(part["rest"] or "")
            return
        text = self.here(part["text"])
        if self.file:
            self.write(self.file, text)
        elif self.skip:
            pass
        elif part["language"] == "sh":
            self.shell(text, self.fails)
        elif part["language"] == "yaml":
            self.write("block.yaml", text)
            self.shell("kubectl create --dry-run=server --validate=strict -f block.yaml", self.fails)
        self.file, self.fails, self.skip = None, False, False

    # --- what comments say ---

    def do_app(self, rest):
        self.w.app(*rest.split())

    def do_push(self, rest):
        app, commit, *like = rest.split()
        self.w.push(app, commit, content=f"{app}:{like[0]}" if like else None)

    def do_file(self, rest):
        self.file = rest

    def do_fails(self, _):
        self.fails = True

    def do_not(self, rest):
        assert rest.startswith("run: "), "say why it is not run"
        self.skip = True

    def do_prints(self, rest):
        assert any(one in self.printed for one in rest.split("|")), f"not printed: {rest}; but:\n{self.printed}"

    def do_check(self, rest):
        self.shell(self.here(rest), False)

    # --- how ---

    def here(self, text):
        """With the test's registry and namespace instead of the page's."""
        return re.sub(r"(-n |namespace: )(btc-shopflow|argocd|flux-system)(?![-.\w])", r"\g<1>" + self.w.name,
                      text.replace(REGISTRY, self.w.registry.host))

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)

    def shell(self, text, fails):
        """Bash, which stops at the first command that fails; in a session of its own, to end all of it."""
        process = subprocess.Popen(["bash", "-euo", "pipefail", "-c", text], cwd=self.folder, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            self.printed, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"not done after {SECONDS} s:\n{text}\n{process.communicate()[0]}") from None
        self.ran += 1
        assert (process.returncode != 0) == fails, f"ended with {process.returncode}:\n{text}\n{self.printed}"


def put_tools(folder):
    """What a reader has at hand: the project's folders, kubectl in PATH, helm."""
    for name in ("charts", "manifests", "crd"):
        os.symlink(os.path.join(ROOT, name), os.path.join(folder, name))
    tools = os.path.join(folder, "bin")
    os.mkdir(tools)
    os.symlink(os.environ["HELM"], os.path.join(tools, "helm"))
    os.environ["PATH"] = tools + ":" + os.environ["PATH"]


def put_foreign_crds():
    build = os.path.join(ROOT, "hack", "testcluster", "build.sh")
    folder = subprocess.run([build, "gitops"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    subprocess.run(["kubectl", "apply", "--server-side", "--force-conflicts", "-f", folder], check=True,
                   stdout=subprocess.DEVNULL)


def main(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if any(group in text for group in FOREIGN):
        put_foreign_crds()
    with World("page-" + os.path.basename(path)) as w:
        subprocess.run(["kubectl", "config", "view", "--raw", "--minify", "--flatten"], check=True,
                       stdout=open(os.path.join(w.settings.name, "reader"), "w"))
        os.environ["KUBECONFIG"] = os.path.join(w.settings.name, "reader")
        subprocess.run(["kubectl", "config", "set-context", "--current", "--namespace", w.name], check=True,
                       stdout=subprocess.DEVNULL)
        folder = os.path.join(w.settings.name, "page")
        os.mkdir(folder)
        put_tools(folder)
        page = Page(w, text, folder)
        page.run()
        assert page.ran, "there is nothing to run on this page"
        print(f"{path}: {page.ran} commands and objects ran", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
