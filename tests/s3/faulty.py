"""An HTTP proxy before a real S3 server that counts what is asked and misbehaves when a test says so.

The Host header passes through unchanged, so the server checks the very signature the client made for the proxy's address.
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Asked:
    """One request as it arrived, and how it was answered."""

    operation: str  # List, Get, Head, HeadBucket, or the HTTP method of anything else
    bucket: str
    key: str
    params: dict[str, str]
    headers: dict[str, str]  # names in lower case
    status: int = 0
    keys: list[str] = field(default_factory=list)  # what a List answered with


@dataclass
class Fault:
    operation: str
    act: Callable[[Any, Any], Any]  # (handler, answer of the real server or None) -> None, or an edited answer
    left: int
    hits: Callable[[Asked], bool]
    before: bool  # act without asking the real server
    spared: int = 0  # so many requests before the first it hits


class FaultyProxy:
    def __init__(self, target: str) -> None:
        self.target = urlsplit(target).netloc
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.busy = self.most_busy = 0
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FaultyProxy:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def clear(self) -> None:
        with self.lock:
            self.asked, self.faults, self.most_busy = [], [], self.busy

    def count(self, operation: str, bucket: str | None = None) -> int:
        return sum(each.operation == operation and bucket in (None, each.bucket) for each in self.asked)

    def listed(self) -> list[str]:
        """Every key any listing has answered with."""
        return [key for each in self.asked for key in each.keys]

    # Faults: each hits the next `times` requests of its operation whose key (or prefix, of a List) contains `key`.

    def refuse(
        self,
        operation: str,
        status: int,
        code: str,
        *,
        times: int = 10**9,
        key: str = "",
        extra: str = "",
        message: str = "",
        spared: int = 0,
    ) -> None:
        """Answer with an error document of S3 (or, to a POST, of STS) instead of asking the server."""
        said = f"<Error><Code>{code}</Code><Message>{message}</Message>{extra}</Error>"
        body = (said if operation != "POST" else f"<ErrorResponse>{said}</ErrorResponse>").encode()
        self._add(operation, lambda handler, _: handler.answer(status, {"Content-Type": "application/xml"}, body), times, key, True, spared)

    def reset(self, operation: str, *, times: int = 10**9, key: str = "") -> None:
        """Close the connection with a TCP reset, without a word."""
        self._add(operation, lambda handler, _: handler.reset(), times, key, True)

    def truncate(self, operation: str, *, times: int = 10**9, key: str = "") -> None:
        """Announce the whole length, send half, close."""
        self._add(operation, lambda handler, answer: handler.answer(*answer[:2], answer[2], cut=len(answer[2]) // 2), times, key, False)

    def stall(self, operation: str, seconds: float, *, times: int = 10**9, key: str = "") -> None:
        """Send the head and half of the body, then nothing for so long."""
        self._add(operation, lambda handler, answer: handler.stall(answer, seconds), times, key, False)

    def shorten(self, operation: str, *, times: int = 10**9, key: str = "") -> None:
        """Answer with half the bytes and a length that fits them, as a broken cache in between would."""
        self._add(operation, lambda _, answer: (answer[0], answer[1], answer[2][: len(answer[2]) // 2]), times, key, False)

    def delay(self, operation: str, seconds: float, *, times: int = 10**9, key: str = "") -> None:
        self._add(operation, lambda handler, answer: (time.sleep(seconds), answer)[1], times, key, False)

    def edit(self, operation: str, change: Callable[[bytes], bytes], *, times: int = 10**9) -> None:
        self._add(operation, lambda _, answer: (answer[0], answer[1], change(answer[2])), times, "", False)

    def meanwhile(self, operation: str, happens: Callable[[], None], *, key: str = "") -> None:
        """Before the first such request is passed on, something happens on the server."""
        self._add(operation, lambda handler, _: (happens(), handler.pass_on()), 1, key, True)

    def elsewhere(self, operation: str, status: int, code: str, asked: str, region: str) -> None:
        """Refuse what is signed for the region that was `asked`, as a bucket of another one does."""
        body = f"<Error><Code>{code}</Code><Message></Message><Region>{region}</Region></Error>".encode()
        act = lambda handler, _: handler.answer(status, {"Content-Type": "application/xml"}, body)  # noqa: E731
        with self.lock:
            self.faults.append(Fault(operation, act, 10**9, lambda each: f"/{asked}/s3/" in each.headers["authorization"], True))

    def name_region(self, operation: str, region: str) -> None:
        """Say the bucket's region in a header, as Amazon's S3 does with every answer about a bucket."""
        self._add(operation, lambda _, answer: (answer[0], answer[1] | {"x-amz-bucket-region": region}, answer[2]), 10**9, "", False)

    def _add(self, operation: str, act: Callable[[Any, Any], Any], times: int, key: str, before: bool, spared: int = 0) -> None:
        hits = lambda asked: key in (asked.key or asked.params.get("prefix", ""))  # noqa: E731
        with self.lock:
            self.faults.append(Fault(operation, act, times, hits, before, spared))

    def fault(self, asked: Asked) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.left > 0 and fault.operation == asked.operation and fault.hits(asked):
                    if fault.spared:
                        fault.spared -= 1
                        continue
                    fault.left -= 1
                    return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: FaultyProxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.upstream = http.client.HTTPConnection(self.server.proxy.target, timeout=60)

    def finish(self) -> None:
        self.upstream.close()
        super().finish()

    def _handle(self) -> None:
        proxy = self.server.proxy
        asked = self._asked()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with proxy.lock:
            proxy.asked.append(asked)
            proxy.busy += 1
            proxy.most_busy = max(proxy.busy, proxy.most_busy)
        self.now, self.body = asked, body
        try:
            fault = proxy.fault(asked)
            if fault and fault.before:
                fault.act(self, None)
                return
            answer = self._forward(body)
            if asked.operation == "List":
                asked.keys += [unquote(k) for k in re.findall(r"<Key>([^<]*)</Key>", answer[2].decode())]
            if fault and (edited := fault.act(self, answer)) is None:
                return
            self.answer(*(edited if fault else answer))
        finally:
            with proxy.lock:
                proxy.busy -= 1

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle

    def _asked(self) -> Asked:
        path, _, query = self.path.partition("?")
        params = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
        bucket, _, key = path[1:].partition("/")
        if self.command == "GET":
            operation = "List" if "list-type" in params else "Get"
        elif self.command == "HEAD":
            operation = "Head" if key else "HeadBucket"
        else:
            operation = self.command
        return Asked(operation, bucket, unquote(key), params, {name.lower(): value for name, value in self.headers.items()})

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        self.upstream.request(self.command, self.path, body or None, dict(self.headers))
        answer = self.upstream.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    def answer(self, status: int, headers: dict[str, str], body: bytes, cut: int | None = None) -> None:
        self.now.status = status
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "keep-alive"):
                self.send_header(name, value)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True

    def stall(self, answer: tuple[int, dict[str, str], bytes], seconds: float) -> None:
        self.answer(*answer, cut=len(answer[2]) // 2)
        time.sleep(seconds)

    def pass_on(self) -> None:
        self.answer(*self._forward(self.body))

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.connection.detach())  # now: the handler's own files would keep the connection open until it ends
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Quiet: what was asked is in `FaultyProxy.asked`."""
