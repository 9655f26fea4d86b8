"""Registries for the tests of shopflow: docker-registry (open, with a password, with tokens and TLS), one in memory that
misbehaves as it is told, and images to put there."""
import base64
import contextlib
import crypt
import hashlib
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

USER, PASSWORD = "alice", "canary-in-no-log"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
LABEL = "io.shopflow.inputs"


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def basic(user=USER, password=PASSWORD):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# --- images: (bytes, media type) and the blobs they need ---

def image(label=None, salt="", platform="amd64"):
    config = {"architecture": platform, "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "salt": salt}
    if label:
        config["config"] = {"Labels": {LABEL: label}}
    config = json.dumps(config).encode()
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [],
                           "config": {"mediaType": OCI_CONFIG, "digest": digest_of(config), "size": len(config)}},
                          indent=3).encode()  # indented: what is put again must be the same bytes
    return manifest, OCI_MANIFEST, [config]


def index(*images):
    manifests = [{"mediaType": kind, "digest": digest_of(data), "size": len(data),
                  "platform": {"os": "linux", "architecture": f"a{n}"}} for n, (data, kind, _) in enumerate(images)]
    data = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}, indent=3).encode()
    return data, OCI_INDEX, []


# --- docker-registry ---

class Registry:
    """docker-registry on loopback. auth: what its configuration says under "auth"; tls: (certificate, key)."""

    def __init__(self, folder, auth=None, tls=None, host="127.0.0.1", ca=None):
        self.folder, self.context = folder, None
        self.host = f"{host}:{free_port()}"
        os.makedirs(folder)
        config = {"version": 0.1, "storage": {"filesystem": {"rootdirectory": os.path.join(folder, "data")},
                                              "delete": {"enabled": True}},
                  "http": {"addr": self.host}, "log": {"level": "debug", "accesslog": {"disabled": False}}}
        self.authorization = lambda name: None
        if auth:
            config["auth"] = auth
        if tls:
            config["http"]["tls"] = {"certificate": tls[0], "key": tls[1]}
            self.context = ssl.create_default_context(cafile=ca)
        self.url = f"http{'s' if tls else ''}://{self.host}"
        path = write(os.path.join(folder, "registry.yaml"), json.dumps(config))
        self.log = os.path.join(folder, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", path], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"})
        end = time.monotonic() + 30
        while self.ask("GET", "", None)[0] == 0:
            assert time.monotonic() < end and self.process.poll() is None, "docker-registry does not answer"
            time.sleep(0.05)

    def close(self):
        self.process.terminate()
        self.process.wait(10)

    def ask(self, method, path, name, data=None, kind=None, url=None):
        request = urllib.request.Request(url or f"{self.url}/v2/{path}", data=data, method=method)
        request.add_header("Accept", f"{OCI_INDEX}, {OCI_MANIFEST}")
        if kind:
            request.add_header("Content-Type", kind)
        if self.authorization(name):
            request.add_header("Authorization", self.authorization(name))
        try:
            with urllib.request.urlopen(request, timeout=10, context=self.context) as reply:
                return reply.status, reply.read(), reply.headers
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read(), refused.headers
        except OSError:
            return 0, b"", {}

    def push(self, name, tag, pushed):
        data, kind, blobs = pushed
        for blob in blobs:
            status, _, headers = self.ask("POST", f"{name}/blobs/uploads/", name)
            assert status == 202, status
            where = headers["Location"]
            where = where if "://" in where else self.url + where
            status, body, _ = self.ask("PUT", "", name, blob, "application/octet-stream",
                                       f"{where}{'&' if '?' in where else '?'}digest={digest_of(blob)}")
            assert status == 201, body
        status, body, _ = self.ask("PUT", f"{name}/manifests/{tag}", name, data, kind)
        assert status == 201, body
        return digest_of(data)

    def digest(self, name, tag):
        status, data, _ = self.ask("GET", f"{name}/manifests/{tag}", name)
        return digest_of(data) if status == 200 else None

    def requests(self):
        """"METHOD /path STATUS" of each request so far."""
        lines = []
        with open(self.log, encoding="utf-8", errors="replace") as log:
            for line in log:
                if '" "' in line and "HTTP/" in line:
                    words = line.split('"')
                    lines.append(f"{words[1].rsplit(' ', 1)[0]} {words[2].split()[0]}")
        return lines


def htpasswd(folder):
    entry = f"{USER}:{crypt.crypt(PASSWORD, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))}\n"
    return {"htpasswd": {"realm": "test", "path": write(os.path.join(folder, "htpasswd"), entry)}}


# --- certificates ---

def openssl(*argv, data=None):
    done = subprocess.run(["openssl", *argv], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def certificates(folder):
    """A CA, and what it signed for 127.0.0.1: (ca, certificate, key)."""
    os.makedirs(folder)
    ca, ca_key, cert, key, ask = (os.path.join(folder, name) for name in ("ca.crt", "ca.key", "cert", "key", "csr"))
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-keyout", ca_key, "-out", ca, "-days", "2", "-subj", "/CN=test CA")
    openssl("req", *curve, "-keyout", key, "-out", ask, "-subj", "/CN=registry")
    names = write(os.path.join(folder, "names"), "subjectAltName=IP:127.0.0.1,DNS:registry.localhost\n")
    openssl("x509", "-req", "-in", ask, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-out", cert, "-days", "2",
            "-extfile", names)
    return ca, cert, key


# --- a token service ---

def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_signature(der):
    """DER of ECDSA → r and s of 32 bytes."""
    def number(at):
        length = der[at + 1]
        return int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(32, "big"), at + 2 + length
    r, at = number(2)
    s, _ = number(at)
    return r + s


class Tokens:
    """A token service with TLS: one user, who may do all; the anonymous may pull `public/…`."""

    def __init__(self, certs):
        self.ca, cert, self.key = certs
        self.asked = []  # (query, Authorization)
        self.x5c = "".join(line for line in open(cert, encoding="ascii").read().splitlines() if "-----" not in line)
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                query = dict(pair.split("=", 1) for pair in self.path.partition("?")[2].split("&"))
                authorization = self.headers.get("Authorization")
                service.asked.append((query, authorization))
                scope = urllib.parse.unquote(query["scope"])
                if authorization not in (None, basic()):
                    self.send_response(401)
                    self.end_headers()
                    return
                body = json.dumps({"token": service.token(scope if authorization or ":public/" in scope else None),
                                   "expires_in": 300}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, self.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.auth = {"token": {"realm": f"https://127.0.0.1:{self.server.server_port}/token", "service": "reg",
                               "issuer": "test", "rootcertbundle": self.ca}}

    def token(self, scope):
        access = []
        if scope:
            kind, name, actions = scope.split(":")
            access = [{"type": kind, "name": name, "actions": actions.split(",")}]
        now = int(time.time())
        parts = [{"typ": "JWT", "alg": "ES256", "x5c": [self.x5c]},
                 {"iss": "test", "sub": USER, "aud": "reg", "exp": now + 300, "nbf": now - 10, "iat": now - 10,
                  "jti": "1", "access": access}]
        signed = ".".join(base64url(json.dumps(part).encode()) for part in parts)
        der = openssl("dgst", "-sha256", "-sign", self.key, data=signed.encode())
        return f"{signed}.{base64url(raw_signature(der))}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


# --- one in memory ---

class Fake:
    """A registry that does as it is told. fault(method, path, n-th of it) → None, "hang", "cut", or (status, headers, body)."""

    def __init__(self):
        self.manifests, self.blobs = {}, {}  # "name:tag", "name@digest" → (data, type); digest → data
        self.requests, self.seen, self.lock = [], {}, threading.Lock()
        self.fault = lambda method, path, n: None
        self.closing = threading.Event()
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_any(self):
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    fake.handle(self)
            do_GET = do_HEAD = do_PUT = do_POST = do_any

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a reset connection is nothing to tell
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def push(self, name, tag, pushed):
        data, kind, blobs = pushed
        self.manifests[f"{name}:{tag}"] = self.manifests[f"{name}@{digest_of(data)}"] = (data, kind)
        self.blobs.update({digest_of(blob): blob for blob in blobs})
        return digest_of(data)

    def digest(self, name, tag):
        return digest_of(self.manifests[f"{name}:{tag}"][0]) if f"{name}:{tag}" in self.manifests else None

    def handle(self, h):
        data = h.rfile.read(int(h.headers.get("Content-Length") or 0))
        with self.lock:
            self.requests.append((h.command, h.path, h.headers.get("Authorization"), h.headers.get("Content-Type")))
            n = self.seen[(h.command, h.path)] = self.seen.get((h.command, h.path), 0) + 1
        fault = self.fault(h.command, h.path, n)
        if fault == "hang":
            self.closing.wait(60)
        if fault in ("hang", "cut"):
            h.close_connection = True
            return
        status, headers, body = fault or self.answer(h, data)
        h.send_response(status)
        for name, value in headers.items():
            h.send_header(name, value)
        h.send_header("Content-Length", str(len(body)))
        h.end_headers()
        if h.command != "HEAD":
            h.wfile.write(body)

    def answer(self, h, data):
        name, _, rest = h.path.removeprefix("/v2/").partition("/manifests/")
        key = f"{name}{'@' if ':' in rest else ':'}{rest}"
        if h.path == "/v2/":
            return 200, {}, b"{}"
        if "/blobs/" in h.path:
            blob = self.blobs.get(h.path.rsplit("/", 1)[1])
            return (200, {}, blob) if blob is not None else (404, {}, b"")
        if h.command == "PUT":
            self.push(name, rest, (data, h.headers["Content-Type"], []))
            return 201, {"Docker-Content-Digest": digest_of(data)}, b""
        if key not in self.manifests:
            return 404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'
        found, kind = self.manifests[key]
        return 200, {"Content-Type": kind, "Docker-Content-Digest": digest_of(found)}, found
