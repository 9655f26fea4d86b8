"""A registry with just enough of the OCI distribution API, and the faults of real ones."""

import base64
import hashlib
import http.server
import socket
import struct
import threading
import time


def digest_of(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


class Registry:
    """images: "app:tag" → digest. fault: what every answer is instead, until it is None again:
    an HTTP status, "html", "cut", "reset", "hang", or "slow" (the right answer, late).
    login: (user, password) that must be shown; with token, for a token first (Bearer)."""

    def __init__(self):
        self.images = {}
        self.fault = None
        self.login = self.token = None
        self.echo = b"{}"  # the body of a fault that is a status
        self.asked = []  # (method, path, Authorization)
        self.serve(0)

    def serve(self, port):
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                registry.answer(self)

            do_HEAD = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.host = "127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def push(self, app, tag, content=None):
        """An image; the same content gives the same digest. Returns the pinned reference."""
        digest = digest_of(content or f"{app}:{tag}")
        self.images[f"{app}:{tag}"] = digest
        return f"{self.host}/{app}:{tag}@{digest}"

    def answer(self, handler):
        self.asked.append((handler.command, handler.path, handler.headers.get("Authorization")))
        fault = self.fault
        if fault == "hang":
            time.sleep(60)
            return
        if fault == "slow":
            time.sleep(3)
        if fault in ("reset", "cut"):
            if fault == "cut":
                handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Le")
            handler.wfile.flush()
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                          struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
            return
        if fault == "html":
            self.send(handler, 200, {"Content-Type": "text/html"}, b"<h1>welcome</h1>")
            return
        if isinstance(fault, int):
            self.send(handler, fault, {"Content-Type": "application/json"}, self.echo)
            return
        if self.login and not self.let_in(handler):
            return
        parts = handler.path.split("/manifests/")
        if len(parts) != 2:
            self.send(handler, 200, {}, b"{}")
            return
        name, ref = parts[0].removeprefix("/v2/"), parts[1]
        if ref.startswith("sha256:"):
            digest = ref if ref in self.images.values() else None
        else:
            digest = self.images.get(f"{name}:{ref}")
        if digest is None:
            self.send(handler, 404, {"Content-Type": "application/json"},
                      b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
            return
        self.send(handler, 200, {"Content-Type": "application/vnd.oci.image.index.v1+json",
                                 "Docker-Content-Digest": digest}, b"")

    def let_in(self, handler):
        """Does the request show the login, or the token given for it? If not, answers it."""
        shown = handler.headers.get("Authorization")
        basic = "Basic " + base64.b64encode(":".join(self.login).encode()).decode()
        challenge = 'Basic realm="e2e"'
        if self.token:
            if handler.path.startswith("/token") and shown == basic:
                self.send(handler, 200, {"Content-Type": "application/json"},
                          b'{"token":"%s"}' % self.token.encode())
                return False
            challenge = f'Bearer realm="http://{self.host}/token",service="e2e"'
        if shown == (f"Bearer {self.token}" if self.token else basic):
            return True
        self.send(handler, 401, {"WWW-Authenticate": challenge,
                                 "Content-Type": "application/json"}, b"{}")
        return False

    def go_down(self):
        """Refuses connections. The port stays ours: bound, but nobody listens."""
        self.server.shutdown()
        self.server.server_close()
        self.placeholder = socket.socket()
        self.placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.placeholder.bind(self.server.server_address)

    def come_up(self):
        self.placeholder.close()
        self.serve(self.server.server_port)

    @staticmethod
    def send(handler, status, headers, body):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
