"""A registry with just enough of the OCI distribution API, and the faults of real ones."""

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
    an HTTP status, "html", "cut", "reset" or "hang"."""

    def __init__(self):
        self.images = {}
        self.fault = None
        self.requests = []
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                registry.answer(self)

            do_HEAD = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.host = "127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def push(self, app, tag, content=None):
        """An image; the same content gives the same digest. Returns the pinned reference."""
        digest = digest_of(content or f"{app}:{tag}")
        self.images[f"{app}:{tag}"] = digest
        return f"{self.host}/{app}:{tag}@{digest}"

    def answer(self, handler):
        self.requests.append((handler.command, handler.path))
        fault = self.fault
        if fault == "hang":
            time.sleep(60)
            return
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
            self.send(handler, fault, {"Content-Type": "application/json"}, b"{}")
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
