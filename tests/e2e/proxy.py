"""Stands between the controller and the API server: keeps a log of all requests, breaks what a
test wants broken. The controller speaks plain HTTP/1.1 to it."""

import email.utils
import http.client
import http.server
import json
import socket
import struct
import threading
import time

HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}
WAKES = (OSError, http.client.HTTPException, ValueError, AttributeError)  # a socket shut under us
WATCH_ONLY = ("cut", "half-line", "gone")  # of a watch: see Proxy
GONE = (b'{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure",'
        b'"message":"too old resource version","reason":"Expired","code":410}}\n')


class Request:
    index = None  # which write it is, where a test counts them

    def __init__(self, method, path, body, number, headers):
        self.method, self.path, self.body, self.number = method, path, body, number
        self.impersonates = {k: v for k, v in headers.items() if k.lower().startswith("impersonate")}
        self.status = None

    @property
    def is_write(self):
        return self.method in ("PATCH", "POST", "PUT", "DELETE") and "/events" not in self.path

    @property
    def is_watch(self):
        return "watch=" in self.path

    @property
    def is_list(self):
        return self.method == "GET" and "limit=" in self.path and not self.is_watch

    @property
    def kind(self):
        """The plural of a list, watch or write of a whole object: "deployments"."""
        parts = self.path.split("?")[0].split("/namespaces/")[-1].split("/")
        return parts[1] if len(parts) > 1 else ""

    def __repr__(self):
        return f"{self.method} {self.path.split('?')[0]} -> {self.status}"


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, handler, proxy):
        super().__init__(("127.0.0.1", 0), handler)
        self.proxy = proxy

    def verify_request(self, request, _):
        if self.proxy.down:
            self.proxy.refused.append(time.monotonic())
            make_reset(request)
        return not self.proxy.down

    def shutdown_request(self, request):
        request.close()  # no FIN first: a connection to be reset is reset


def make_reset(connection):
    """Let its close be a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def has_left(connection):
    """Has the other side closed it?"""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False


class Proxy:
    """break_with: a function of a Request that returns what goes wrong, or None:
    "reset"        the connection is reset before the request reaches the API server
    "lose-reply"   the request is carried out, its reply is lost
    "cut"          the reply (of a watch: its first line) ends in the middle, the connection too
    "half-line"    of a watch: as "cut", but the body ends as if that were all
    "gone"         of a watch: an ERROR event with 410
    "hang"         no reply (until close)
    409, 429, 500… this status instead, nothing is carried out
    (status, content type, bytes) this reply instead
    rewrite: a function of an AppRelease that changes it on its way to the controller.
    ahead_s: so far ahead is the API server's clock, by its Date header."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.log = []
        self.broken = []   # (request, fault) of all that went wrong
        self.refused = []  # when a connection or a request was refused while down
        self.break_with = lambda request: None
        self.before = lambda request: None  # called before a request is sent on
        self.after = lambda request: None   # called when its reply is there, before it is passed on
        self.rewrite = None
        self.ahead_s = 0
        self.down = False
        self.lock = threading.Lock()
        self.open = {}  # handler → its request under way
        self.closing = threading.Event()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            upstream = None   # the socket that its thread may be blocked in
            is_reset = False

            def log_message(self, *_):
                pass

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass

            def do_GET(self):
                proxy.handle(self)

            do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

        self.server = Server(Handler, self)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def writes(self, kind=None):
        with self.lock:
            return [r for r in self.log if r.is_write and (not kind or f"/{kind}" in r.path)]

    def is_busy(self):
        """Is a request under way, watches aside?"""
        with self.lock:
            return any(not request.is_watch for request in self.open.values())

    # --- all connections ---

    def reset_streams(self):
        """Reset every connection with a request under way: the watches above all."""
        with self.lock:
            handlers = list(self.open)
        for handler in handlers:
            self.reset(handler)

    def go_down(self):
        """As an API server that ends: everything is reset, nobody gets in."""
        self.down = True
        self.reset_streams()

    def come_up(self):
        self.down = False

    @staticmethod
    def reset(handler):
        handler.close_connection = handler.is_reset = True
        try:
            make_reset(handler.connection)
            if handler.upstream:  # wakes its thread; SSLSocket's own shutdown() is not thread-safe
                socket.socket.shutdown(handler.upstream, socket.SHUT_RDWR)
        except OSError:
            pass

    # --- one request ---

    def handle(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length) if length else None
        with self.lock:
            request = Request(handler.command, handler.path, body, len(self.log),
                              handler.headers)
            self.log.append(request)
            self.open[handler] = request
        try:
            self.carry_out(handler, request)
        except WAKES:
            handler.close_connection = True
        finally:
            with self.lock:
                self.open.pop(handler, None)

    def carry_out(self, handler, request):
        if self.down:
            self.refused.append(time.monotonic())
            self.reset(handler)
            return
        fault = self.break_with(request)
        if fault and not (request.is_watch and fault in WATCH_ONLY):  # those wait for a line
            self.broken.append((request, fault))
        if fault == "reset":
            self.reset(handler)
        elif fault == "hang":
            while not (self.closing.wait(0.2) or handler.is_reset or has_left(handler.connection)):
                pass
            self.reset(handler)
        elif isinstance(fault, int):
            request.status = fault
            self.send(handler, fault, "application/json", self.failure(fault))
        elif isinstance(fault, tuple):
            request.status = fault[0]
            self.send(handler, *fault)
        else:
            self.before(request)
            self.pass_on(handler, request, fault)

    @staticmethod
    def failure(status, message="injected"):
        return json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure",
                           "message": message, "code": status}).encode()

    @staticmethod
    def send(handler, status, content_type, body):
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def pass_on(self, handler, request, fault):
        headers = {k: v for k, v in handler.headers.items()
                   if k.lower() not in HOP_BY_HOP | {"host", "authorization"}}
        if request.is_watch:
            self.pass_on_watch(handler, request, headers, fault)
            return
        answer, text = self.cluster.exchange(request.method, request.path, request.body, headers)
        request.status = answer.status
        self.after(request)
        if fault == "lose-reply":
            self.reset(handler)
        else:
            self.reply(handler, answer, self.rewritten(request, text), cut=fault == "cut")

    def reply(self, handler, answer, text, cut=False):
        handler.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() == "date":
                value = email.utils.formatdate(time.time() + self.ahead_s, usegmt=True)
            if name.lower() not in HOP_BY_HOP:
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text[:len(text) // 2] if cut else text)
        handler.close_connection |= cut

    def rewritten(self, request, text):
        if not self.rewrite or "/appreleases" not in request.path:
            return text
        tree = json.loads(text)
        for release in tree.get("items", [tree.get("object", tree)]):
            if "spec" in release:
                self.rewrite(release)
        return json.dumps(tree).encode() + (b"\n" if text.endswith(b"\n") else b"")

    # --- watches ---

    def pass_on_watch(self, handler, request, headers, fault):
        upstream = self.cluster.connect(timeout=None)
        try:
            upstream.request(request.method, request.path, None,
                             {**headers, **self.cluster.headers()})
            handler.upstream = upstream.sock
            answer = upstream.getresponse()
            request.status = answer.status
            if answer.status == 200:
                self.stream(handler, request, answer, fault)
            else:
                self.reply(handler, answer, answer.read())
        finally:
            handler.upstream = None
            upstream.close()

    def stream(self, handler, request, answer, fault):
        def chunk(text):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))

        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        line = GONE if fault == "gone" else answer.readline()
        while line and not handler.is_reset:
            if fault:
                self.broken.append((request, fault))
            if fault in ("cut", "half-line"):
                chunk(line[:len(line) // 2])
                break
            chunk(self.rewritten(request, line))
            line = b"" if fault else answer.readline()
        if fault == "cut":
            self.reset(handler)
        if not handler.is_reset:
            handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = True

    def close(self):
        self.closing.set()
        self.reset_streams()
        self.server.shutdown()
        self.server.server_close()
