"""Stands between the controller and the API server: keeps a log of all requests, breaks what a
test wants broken. The controller speaks plain HTTP/1.1 to it."""

import http.client
import http.server
import socket
import struct
import threading

HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}


class Request:
    def __init__(self, method, path, body, number):
        self.method, self.path, self.body, self.number = method, path, body, number
        self.status = None

    @property
    def is_write(self):
        return self.method in ("PATCH", "POST", "PUT", "DELETE") and "/events" not in self.path

    @property
    def is_watch(self):
        return "watch=" in self.path

    def __repr__(self):
        return f"{self.method} {self.path.split('?')[0]} -> {self.status}"


class Proxy:
    """break_with: a function of a Request that returns what goes wrong, or None:
    "reset"        the connection is reset before the request reaches the API server
    "lose-reply"   the request is carried out, its reply is lost
    "cut"          the reply ends in the middle
    "hang"         no reply (until close)
    409, 429, 500… this status instead, nothing is carried out"""

    def __init__(self, cluster):
        self.cluster = cluster
        self.log = []
        self.break_with = lambda request: None
        self.before = lambda request: None  # called before a request is sent on
        self.after = lambda request: None   # called when its reply is there, before it is passed on
        self.down = False
        self.lock = threading.Lock()
        self.streams = set()
        self.closing = threading.Event()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                proxy.handle(self)

            do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def writes(self, kind=None):
        with self.lock:
            return [r for r in self.log if r.is_write and (not kind or f"/{kind}" in r.path)]

    def reset_streams(self):
        """Reset every connection that is open."""
        with self.lock:
            streams = list(self.streams)
        for handler in streams:
            self.reset(handler)

    @staticmethod
    def reset(handler):
        handler.close_connection = True
        try:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                          struct.pack("ii", 1, 0))
            handler.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def handle(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length) if length else None
        with self.lock:
            request = Request(handler.command, handler.path, body, len(self.log))
            self.log.append(request)
            self.streams.add(handler)
        try:
            self.carry_out(handler, request)
        except OSError:
            handler.close_connection = True
        finally:
            with self.lock:
                self.streams.discard(handler)

    def carry_out(self, handler, request):
        fault = "reset" if self.down else self.break_with(request)
        if fault == "reset":
            self.reset(handler)
        elif fault == "hang":
            self.closing.wait(120)
            self.reset(handler)
        elif isinstance(fault, int):
            request.status = fault
            self.refuse(handler, fault)
        else:
            self.before(request)
            self.pass_on(handler, request, fault)

    @staticmethod
    def refuse(handler, status):
        body = (b'{"kind":"Status","apiVersion":"v1","status":"Failure","message":"injected",'
                b'"code":%d}' % status)
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def pass_on(self, handler, request, fault):
        upstream = self.cluster.connect(timeout=None if request.is_watch else 30)
        headers = {k: v for k, v in handler.headers.items() if k.lower() not in HOP_BY_HOP | {"host"}}
        upstream.request(request.method, request.path, request.body,
                         {**headers, **self.cluster.headers()})
        answer = upstream.getresponse()
        request.status = answer.status
        try:
            if request.is_watch and answer.status == 200:
                self.stream(handler, answer, upstream)
                return
            text = answer.read()
            self.after(request)
            if fault == "lose-reply":
                self.reset(handler)
                return
            self.reply(handler, answer, text, cut=fault == "cut")
        finally:
            upstream.close()

    def reply(self, handler, answer, text, cut):
        handler.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP | {"date"}:
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text[:len(text) // 2] if cut else text)
        if cut:
            handler.wfile.flush()
            self.reset(handler)

    def stream(self, handler, answer, upstream):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while not self.down:
            try:
                piece = answer.read1(65536)
            except (OSError, http.client.HTTPException):
                piece = b""
            if not piece:
                break
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            handler.wfile.flush()
        handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = True

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
