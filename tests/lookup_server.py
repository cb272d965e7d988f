"""CloudTrail on loopback, as far as LookupEvents goes: the JSON protocol over HTTP, pages, and whatever goes wrong when a test says so."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from trail import looked_up

TARGET = "CloudTrail_20131101.LookupEvents"
TOO_FAST = "Rate exceeded"


@dataclass
class Call:
    """One request as it arrived."""

    attribute: str
    value: str
    start: datetime | None
    end: datetime | None
    most: int
    token: str | None
    region: str

    @property
    def probe(self) -> bool:
        """The first call of a load: one event, whatever it is."""
        return not self.attribute


@dataclass
class _Fault:
    act: Callable[[_Handler], Any]
    left: int
    after: int
    where: str


@dataclass
class LookupServer:
    """`records` is what the account did. Faults hit the next `times` calls, after `after` more, of lookups whose value contains `where`."""

    records: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    page: int = 50
    writes: list[str] = field(default_factory=list)  # what was called that is no LookupEvents

    def __post_init__(self) -> None:
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.here = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> LookupServer:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def asked(self) -> list[str]:
        """The values looked up, in order, without the probe."""
        return [call.value for call in self.calls if not call.probe]

    def refuse(self, code: str, message: str = "", *, status: int = 400, times: int = 10**9, after: int = 0, where: str = "") -> None:
        body = json.dumps({"__type": f"com.amazonaws.cloudtrail#{code}", "message": message}).encode()
        self._faults.append(_Fault(lambda handler: handler.answer(status, body), times, after, where))

    def reset(self, *, times: int = 1, after: int = 0, where: str = "") -> None:
        self._faults.append(_Fault(lambda handler: handler.reset(), times, after, where))

    def garble(self, *, times: int = 1, after: int = 0, where: str = "") -> None:
        """Answer with half of a JSON document."""
        self._faults.append(_Fault(lambda handler: handler.answer(200, b'{"Events": [{"Even'), times, after, where))

    def hang_up(self, *, times: int = 1, after: int = 0, where: str = "") -> None:
        """Announce more bytes than come."""
        self._faults.append(_Fault(lambda handler: handler.answer(200, b'{"Events": [{"EventId": "', announced=500), times, after, where))

    def fault(self, call: Call) -> Callable[[_Handler], Any] | None:
        with self._lock:
            self.calls.append(call)
            for fault in self._faults:
                if fault.where in call.value and fault.left > 0:
                    if fault.after > 0:
                        fault.after -= 1
                        continue
                    fault.left -= 1
                    return fault.act
        return None

    def found(self, call: Call) -> dict[str, Any]:
        """One page, newest first. Both ends of a window are inside it, and a token is good for the very call it came from."""
        every = sorted(self.records, key=lambda each: each["eventTime"], reverse=True)
        chosen = [each for each in every if _matches(each, call)]
        first = 0
        if call.token is not None:
            first, about = json.loads(call.token)
            assert about == [call.attribute, call.value], "a token of another lookup"
        size = min(call.most, self.page)
        events = [looked_up(each, _moment(each).timestamp()) for each in chosen[first : first + size]]
        more = {"NextToken": json.dumps([first + size, [call.attribute, call.value]])} if first + size < len(chosen) else {}
        return {"Events": events, **more}


def _matches(each: dict[str, Any], call: Call) -> bool:
    key = {"EventSource": "eventSource", "EventName": "eventName"}.get(call.attribute)
    when = _moment(each)
    return (
        (key is None or each.get(key) == call.value)
        and each.get("awsRegion") == call.region
        and not (call.start and when < call.start)
        and not (call.end and when > call.end)
    )


def _moment(each: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(each["eventTime"])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    here: LookupServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        here = self.server.here
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        target = self.headers.get("X-Amz-Target", "")
        if not target.endswith(TARGET):
            here.writes.append(target or self.path)
            self.answer(400, b'{"__type":"UnknownOperationException"}')
            return
        attributes = body.get("LookupAttributes") or [{}]
        region = re.search(r"Credential=[^/]+/\d+/([^/]+)/", self.headers.get("Authorization", ""))
        call = Call(
            attributes[0].get("AttributeKey", ""),
            attributes[0].get("AttributeValue", ""),
            _from(body.get("StartTime")),
            _from(body.get("EndTime")),
            body.get("MaxResults", 50),
            body.get("NextToken"),
            region[1] if region else "",
        )
        act = here.fault(call)
        if act is not None:
            act(self)
        else:
            self.answer(200, json.dumps(here.found(call)).encode())

    def answer(self, status: int, body: bytes, announced: int | None = None) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(announced or len(body)))
        self.end_headers()
        self.wfile.write(body)
        if announced:
            self.wfile.flush()
            self.close_connection = True

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.connection.detach())
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Quiet: what was asked is in `calls`."""


def _from(value: float | None) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value, UTC)
