"""A real HTTP proxy on loopback that injects faults between a client and its server."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Literal
from urllib.parse import urlsplit

UPSTREAM_SECONDS = 120.0
CODES = {400: "InvalidRequest", 403: "AccessDenied", 404: "NoSuchKey", 500: "InternalError", 503: "SlowDown"}
ERROR = "<Error><Code>{code}</Code><Message>the faulty proxy says so</Message></Error>"


@dataclass(frozen=True)
class Request:
    """A client's request."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)


Judge = Callable[[Request, str | None], bool]
"""Whether a conditional write is done, from the ETag of the present object; None if there is none."""


@dataclass(frozen=True)
class Fault:
    """What happens to one request.

    `answer`: `status` instead of an answer; `lose`: the server does it, but the answer is `status`; `truncate`: the
    answer's body ends after `keep` bytes; `reset`: the connection is reset before the server receives it,
    `lose_reset`: after the server did it; `late`: the connection is reset, and the server receives it when
    `FaultyProxy.let_late_ones_through` is called.
    """

    kind: Literal["answer", "lose", "truncate", "reset", "lose_reset", "late"]
    status: int = 503
    keep: int = 0
    code: str = ""
    """S3's name of the error; by default the usual one for the status."""


class FaultyProxy:
    """Forwards every request to `upstream` and records it in `requests`, unless there is a fault."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.requests: list[Request] = []
        self.delay = 0.0
        """Delay of every request in seconds."""
        self.plan: Callable[[Request], Fault | None] = lambda request: None
        """Asked for each request for which no fault is waiting."""
        self.judge: Judge | None = None
        """Decides about conditional writes instead of the server, which then gets no condition."""
        self.hesitation = 0.0
        """Seconds between checking and writing, in which the `judge` lets others write; without it, it lets none."""
        self.deciding = threading.Lock()
        self.readdress: Callable[[Request], str] = lambda request: request.path
        """Rewrites the path of a request to the server."""
        self.rewrite: Callable[[str, str], str] = lambda name, value: value
        """Rewrites the value of a header of the server's answer."""
        self.late: list[Callable[[], object]] = []
        """Requests that the server has not received yet."""
        self._waiting: deque[tuple[Fault, Callable[[Request], bool]]] = deque()
        self._lock = threading.Lock()
        self._dead = False
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.revive()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def next(self, fault: Fault, times: int = 1, of: Callable[[Request], bool] = lambda request: True) -> None:
        """Let `fault` happen to the next `times` requests of that kind."""
        with self._lock:
            self._waiting.extend([(fault, of)] * times)

    def fail(self, times: int = 1, status: int = 503) -> None:
        """Answer the next requests with an error."""
        self.next(Fault("answer", status=status), times)

    def truncate(self, keep: int, times: int = 1) -> None:
        """Cut the next GET answers after `keep` bytes of their body."""
        self.next(Fault("truncate", keep=keep), times, of=lambda request: request.method == "GET")

    def reset(self, times: int = 1) -> None:
        """Reset the connections of the next requests."""
        self.next(Fault("reset"), times)

    def let_late_ones_through(self) -> None:
        """Pass the late requests to the server; returns when it has answered them."""
        while self.late:
            self.late.pop(0)()

    def heal(self) -> None:
        """Drop every fault, and accept connections again."""
        with self._lock:
            self._waiting.clear()
        self.delay = self.hesitation = 0.0
        self.judge = None
        self.readdress = lambda request: request.path
        self.rewrite = lambda name, value: value
        self.plan = lambda request: None
        self.revive()

    def die(self) -> None:
        """Refuse connections from now on, and reset those that are open."""
        self._dead = True
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def revive(self) -> None:
        """Listen again on the same port, after `die`."""
        self._dead = False
        if self._server is None:
            self._server = Listener(("127.0.0.1", self._port), handler_of(self))
            self._port = self._server.server_address[1]
            threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, request: Request) -> Fault | None:
        """Record the request and return what happens to it."""
        with self._lock:
            self.requests.append(request)
            if self._dead:
                return Fault("reset")
            for position, (fault, concerned) in enumerate(self._waiting):
                if concerned(request):
                    del self._waiting[position]
                    return fault
        return self.plan(request)


CONDITIONS = ("if-match", "if-none-match")


def is_conditional(request: Request) -> bool:
    """Whether a request has a condition."""
    return any(name.lower() in CONDITIONS for name in request.headers)


class Listener(ThreadingHTTPServer):
    """Ignore errors of clients that disconnected in the middle."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class ProxyHandler(BaseHTTPRequestHandler):
    """A connection to the proxy of the class (see `handler_of`)."""

    proxy: ClassVar[FaultyProxy]
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        request = Request(self.command, self.path, dict(self.headers.items()))
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.take(request)
        if self.proxy.delay:
            time.sleep(self.proxy.delay)
        if fault is not None and fault.kind == "reset":
            self.reset()
        elif fault is not None and fault.kind == "late":
            self.proxy.late.append(lambda: self.ask(content))
            self.reset()
        elif fault is not None and fault.kind == "answer":
            self.refuse(fault)
        elif self.proxy.judge is not None and self.command == "PUT" and is_conditional(request):
            self.decide(self.proxy.judge, request, content)
        else:
            self.forward(content, fault)

    def decide(self, judge: Judge, request: Request, content: bytes) -> None:
        """Read the present ETag, ask the judge, and write."""
        with contextlib.nullcontext() if self.proxy.hesitation else self.proxy.deciding:
            answer = judge(request, self.etag_there())
            time.sleep(self.proxy.hesitation)
            if answer:
                self.forward(content, None)
            else:
                self.refuse(Fault("answer", 412, code="PreconditionFailed"))

    def etag_there(self) -> str | None:
        """The ETag of the object at the request's path."""
        upstream = http.client.HTTPConnection(
            self.proxy.upstream.hostname or "", self.proxy.upstream.port, timeout=UPSTREAM_SECONDS
        )
        try:
            upstream.request("HEAD", self.path, headers={"Authorization": self.headers["Authorization"]})
            answer = upstream.getresponse()
            answer.read()
            return answer.getheader("ETag") if answer.status == 200 else None
        finally:
            upstream.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = handle_any  # noqa: N815

    def ask(self, content: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        """The server's answer and its body."""
        upstream = http.client.HTTPConnection(
            self.proxy.upstream.hostname or "", self.proxy.upstream.port, timeout=UPSTREAM_SECONDS
        )
        try:
            unsent = {"connection", "expect"} | (set(CONDITIONS) if self.proxy.judge is not None else set())
            headers = {n: v for n, v in self.headers.items() if n.lower() not in unsent}
            path = self.proxy.readdress(Request(self.command, self.path, dict(self.headers.items())))
            upstream.request(self.command, path, content, headers)
            answer = upstream.getresponse()
            return answer, answer.read()
        finally:
            upstream.close()

    def forward(self, content: bytes, fault: Fault | None) -> None:
        """Forward the request to the server and its answer back."""
        try:
            answer, body = self.ask(content)
        except OSError:
            self.reset()
            return
        if fault is not None and fault.kind == "lose":
            self.refuse(fault)
            return
        if fault is not None and fault.kind == "lose_reset":
            self.reset()
            return
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(body))
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                self.send_header(name, self.proxy.rewrite(name, value))
        if length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        if fault is not None and fault.kind == "truncate":
            self.wfile.write(body[: fault.keep])
            self.close_connection = True
            return
        self.wfile.write(body)

    def refuse(self, fault: Fault) -> None:
        body = ERROR.format(code=fault.code or CODES.get(fault.status, "Fault")).encode()
        self.send_response_only(fault.status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def reset(self) -> None:
        """End the connection as a machine that doesn't know it (RST)."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:
        pass


def handler_of(proxy: FaultyProxy) -> type[BaseHTTPRequestHandler]:
    """The handler of `proxy`'s connections."""
    return type("Handler", (ProxyHandler,), {"proxy": proxy})


@contextlib.contextmanager
def faulty_proxy(upstream: str) -> Iterator[FaultyProxy]:
    """A proxy before the server at `upstream` (`http://host:port`)."""
    proxy = FaultyProxy(upstream)
    try:
        yield proxy
    finally:
        proxy.die()
